// Local sources: directories of the client, whose attributes are known only when all paths are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/sema/dockerfile/options.h"

namespace loam::sema {

struct LocalSource {
  std::string name;
  std::string shared_key_hint;
  std::vector<std::string> exclude_patterns;
  // Absolute paths that the build uses, in any order, possibly twice. All is used if "/" is among them.
  std::vector<std::string> follow_paths;
};

// Gives the open node `value` its attributes.
void CloseLocalSource(ir::Graph& graph, ir::Value value, LocalSource source, const DockerfileOptions& options);

}  // namespace loam::sema
