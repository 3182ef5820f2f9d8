// An image as blobs in the content store: layers, configs, manifests, and an index if there are several platforms.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/exporter/attributes.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::exporter {

struct CommittedManifest {
  content::Descriptor manifest;
  content::Descriptor config;
  std::vector<content::Descriptor> layers;
};

struct CommittedImage {
  // Index or manifest. With the platform if there is exactly one.
  content::Descriptor root;
  bool is_index = false;
  std::vector<CommittedManifest> manifests;
  // Manifests of attestations, whose layers are statements.
  std::vector<CommittedManifest> attestations;

  // Every blob once, children before what names them.
  [[nodiscard]] std::vector<content::Descriptor> AllBlobs() const;
};

// Attestations make an index also of a single platform.
Result<CommittedImage> CommitImage(const ExportInput& input, const ImageAttributes& attributes,
                                   const ExporterServices& services, ExportProgress& progress, std::stop_token stop);

// containerimage.digest, .config.digest, .descriptor.
Response ImageResponse(const CommittedImage& image);

// What `name` means, "*" being the frontend's name.
std::string ImageNameOf(const ImageAttributes& attributes, const ExportInput& input);

// The epoch for the image as a whole.
Result<std::optional<std::int64_t>> ImageEpoch(const ImageAttributes& attributes, const ExportInput& input);

}  // namespace loam::exporter
