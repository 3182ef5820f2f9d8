// Layers of results as blobs in the content store.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/exporter/attributes.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::exporter {

struct LayerBlob {
  // Media type of the OCI family; of annotations at most "buildkit/rewritten-timestamp".
  content::Descriptor blob;
  Digest diff_id;
  WallTime created;
  // What made it, for people.
  std::string description;
};

struct LayerRequest {
  snapshot::FsRef fs;
  // Set: later file times are set back to it, except in the layers that the base image has already.
  std::optional<std::int64_t> max_mtime;
  std::vector<Digest> base_diff_ids;
};

// The blobs of each request's layers, bottom to top. A blob that a layer is known to have is taken if its compression
// fits or if it was pulled (unless `force_compression`); other layers are compressed, several at once, and remembered.
// A layer that appears in several requests is worked on once.
Result<std::vector<std::vector<LayerBlob>>> ExportLayers(const std::vector<LayerRequest>& requests,
                                                         const ImageAttributes& attributes,
                                                         const ExporterServices& services, ExportProgress& progress,
                                                         std::stop_token stop);

}  // namespace loam::exporter
