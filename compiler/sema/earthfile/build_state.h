// BuildState: what the next command of a target runs in and changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/sema/dockerfile/image_config.h"

namespace loam::sema::earthfile {

// A directory of CACHE, or of RUN --mount=type=cache.
struct CacheMount {
  std::string path;  // absolute, clean
  std::string id;
  ir::CacheSharing sharing = ir::CacheSharing::kLocked;
  std::uint32_t mode = 0644;
  bool persist = false;
};

struct BuildState {
  ir::Value fs;
  // Environment, user, working directory and what only images have. Texts live in the graph.
  ImageConfig image;
  // HOST: name and address.
  std::vector<std::pair<std::string, std::string>> hosts;

  // The directory that commands run in; absolute.
  [[nodiscard]] std::string_view directory() const {
    return image.working_dir.empty() ? std::string_view("/") : image.working_dir;
  }
};

// Sets KEY=value in the list of an image config, in place if it is there.
void SetImageEnv(std::vector<std::string_view>& env, std::string_view key, std::string_view value, ir::Graph& graph);

}  // namespace loam::sema::earthfile
