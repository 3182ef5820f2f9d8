#include "compiler/sema/earthfile/build_state.h"

#include <algorithm>

#include <fmt/format.h>

namespace loam::sema::earthfile {

void SetImageEnv(std::vector<std::string_view>& env, std::string_view key, std::string_view value, ir::Graph& graph) {
  const std::string_view entry = graph.Intern(fmt::format("{}={}", key, value));
  const auto known = std::find_if(env.begin(), env.end(),
                                  [&](std::string_view other) { return other.substr(0, other.find('=')) == key; });
  if (known == env.end()) {
    env.push_back(entry);
  } else {
    *known = entry;
  }
}

}  // namespace loam::sema::earthfile
