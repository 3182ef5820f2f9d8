// Module: a graph with its sources and results; what sema gives, passes change, and emission reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace loam::ir {

// pb.SourceInfo: the text that SourceLocation.source refers to.
struct SourceFile {
  std::string filename;
  std::string language;
  std::string data;
  // Where the file itself came from, for SourceInfo.definition; nothing if it came from no build state.
  std::optional<Value> state;
};

// One result of a compilation: the last filesystem of one platform and its image config.
struct ModuleResult {
  std::string platform_id;  // "linux/amd64"
  Value fs;
  // Config of the image as JSON (OCI image-spec with Docker's additions), fields in upstream's order.
  std::string image_config;
  // Config of the last FROM's image, as the resolver gave it; empty for none.
  std::string base_image_config;
  std::optional<Platform> platform;
  // SOURCE_DATE_EPOCH in seconds, for the exporter.
  std::optional<std::int64_t> epoch;
  // The whole target is to be built without cache.
  bool ignore_cache = false;
};

struct Module {
  Graph graph;
  std::vector<SourceFile> sources;
  std::vector<ModuleResult> results;
};

}  // namespace loam::ir
