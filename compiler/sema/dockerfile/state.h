// State: a filesystem with the settings that the next instruction runs under; what upstream's llb.State carries.
#pragma once

#include <optional>
#include <string_view>

#include "compiler/ir/graph.h"
#include "compiler/sema/dockerfile/environment.h"

namespace loam::sema {

struct State {
  ir::Value fs;
  Environment env;
  std::string_view dir = "/";
  std::string_view user;
  std::string_view hostname;
  ir::Network network = ir::Network::kSandbox;
  // Set by the source that the filesystem started from; scratch has none.
  std::optional<ir::Platform> platform;
};

}  // namespace loam::sema
