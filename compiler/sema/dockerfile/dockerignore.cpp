#include "compiler/sema/dockerfile/dockerignore.h"

#include <fmt/format.h>

#include "base/pattern_matcher.h"

namespace loam::sema {

Result<std::vector<std::string>> ReadDockerignore(BuildHost& host, std::string_view context,
                                                  std::string_view dockerfile) {
  auto text = host.ReadDockerfileNeighbour(fmt::format("{}.dockerignore", dockerfile));
  if (!text && text.error().Is(ErrorCode::kNotFound)) {
    text = host.ReadContextFile(context, ".dockerignore");
  }
  if (!text) {
    if (text.error().Is(ErrorCode::kNotFound)) {
      return std::vector<std::string>();
    }
    return Unexpected(std::move(text).error());
  }
  return ParseIgnoreFile(*text);
}

}  // namespace loam::sema
