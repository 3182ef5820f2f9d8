#include "compiler/sema/dockerfile/dockerignore.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {

std::vector<std::string> ParseDockerignore(std::string_view text) {
  std::vector<std::string> patterns;
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
  }
  for (std::string_view line : Split(text, '\n')) {
    if (line.starts_with('#')) {
      continue;
    }
    line = TrimSpace(line);
    if (line.empty()) {
      continue;
    }
    const bool invert = line.front() == '!';
    if (invert) {
      line = TrimSpace(line.substr(1));
    }
    std::string pattern;
    if (!line.empty()) {
      pattern = CleanPath(line);
      if (pattern.size() > 1 && pattern.front() == '/') {
        pattern.erase(0, 1);
      }
    }
    patterns.push_back(invert ? "!" + pattern : pattern);
  }
  return patterns;
}

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
  return ParseDockerignore(*text);
}

}  // namespace loam::sema
