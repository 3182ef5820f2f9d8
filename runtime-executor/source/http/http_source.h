// The http source: `http://…` and `https://…` as one file.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/source/source.h"
#include "runtime-executor/source/source_index.h"

namespace loam::source {

// Pointers are kept and must outlive the source.
struct HttpSourceOptions {
  // For files on their way to a layer: on the file system of the layers.
  std::string tmp_dir;
  snapshot::LayerStore* layers = nullptr;
  SourceIndex* index = nullptr;
  std::chrono::milliseconds connect_timeout{30'000};
  // A server that sends nothing for so long is given up.
  std::chrono::seconds stall_timeout{60};
  // Larger answers are refused.
  std::uint64_t max_bytes = std::uint64_t{64} << 30U;
};

// An answer is downloaded once and asked for again by its ETag (or Last-Modified); one with a checksum is not asked for
// again at all.
std::unique_ptr<Source> MakeHttpSource(HttpSourceOptions options);

}  // namespace loam::source
