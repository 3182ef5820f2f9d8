#include "compiler/sema/earthfile/project_host.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/strings.h"

namespace loam::sema::earthfile {
namespace {

std::string JoinPath(std::string_view a, std::string_view b) {
  return a.empty() ? std::string(b) : b.empty() ? std::string(a) : fmt::format("{}/{}", a, b);
}

// Follows the elements of the pattern, each literal or with wildcards.
Result<> Glob(ProjectHost& host, const Place& place, const std::string& path,
              std::span<const std::string_view> elements, bool directories_only, std::vector<std::string>& found) {
  const std::string_view element = elements.front();
  const bool last = elements.size() == 1;
  if (!HasWildcard(element) && !last) {
    return Glob(host, place, JoinPath(path, element), elements.subspan(1), directories_only, found);
  }
  auto entries = host.ListDirectory(place, path);
  if (!entries) {
    if (entries.error().Is(ErrorCode::kNotFound)) {
      return {};
    }
    return tl::unexpected(std::move(entries).error());
  }
  for (const DirectoryEntry& entry : *entries) {
    const bool matches = HasWildcard(element) ? LOAM_TRY(PathMatch(element, entry.name)) : entry.name == element;
    if (!matches || (!entry.is_directory && (!last || directories_only))) {
      continue;
    }
    std::string full = JoinPath(path, entry.name);
    if (last) {
      found.push_back(std::move(full));
    } else {
      LOAM_TRY(Glob(host, place, full, elements.subspan(1), directories_only, found));
    }
  }
  return {};
}

Result<std::vector<std::string>> GlobAny(ProjectHost& host, const Place& place, std::string_view pattern,
                                         bool directories_only) {
  if (pattern.find("**") != std::string_view::npos) {
    return Unexpected(ErrorCode::kInvalidArgument, "globstar (**) pattern not yet supported");
  }
  LOAM_TRY(PathMatch(pattern, ""));  // malformed?
  const std::string clean = CleanPath(pattern);
  std::string start;
  std::string_view rest = clean;
  if (rest.starts_with('/')) {
    start = "/";
    rest.remove_prefix(1);
  }
  // `..` is no entry of a directory.
  while (rest == ".." || rest.starts_with("../")) {
    start = start.empty() ? ".." : start + "/..";
    rest.remove_prefix(std::min<std::size_t>(3, rest.size()));
  }
  std::vector<std::string> found;
  if (rest.empty() || rest == ".") {
    found.push_back(start.empty() ? "." : start);
    return found;
  }
  const std::vector<std::string_view> elements = Split(rest, '/');
  LOAM_TRY(Glob(host, place, start == "/" ? "" : start, elements, directories_only, found));
  if (start == "/") {
    for (std::string& path : found) {
      path.insert(0, "/");
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<std::vector<std::string>> GlobDirectories(ProjectHost& host, const Place& place, std::string_view pattern) {
  return GlobAny(host, place, pattern, true);
}

Result<std::vector<std::string>> GlobPaths(ProjectHost& host, const Place& place, std::string_view pattern) {
  return GlobAny(host, place, pattern, false);
}

Result<std::vector<std::string>> ReadIgnorePatterns(ProjectHost& host, const Place& place, bool docker_ignore,
                                                    bool implicit) {
  const auto read = [&](std::string_view name) -> Result<std::optional<std::string>> {
    auto text = host.ReadFile(place, name);
    if (text) {
      return std::optional<std::string>(std::move(*text));
    }
    if (text.error().Is(ErrorCode::kNotFound)) {
      return std::optional<std::string>();
    }
    return tl::unexpected(std::move(text).error());
  };
  std::optional<std::string> text = LOAM_TRY(read(".earthlyignore"));
  const std::optional<std::string> newer = LOAM_TRY(read(".earthignore"));
  if (text && newer) {
    return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("both .earthignore and .earthlyignore exist in {}",
                                                                     place.directory.empty() ? "." : place.directory))
                          .WithHint("remove one of them"));
  }
  if (newer) {
    text = newer;
  }
  if (!text && docker_ignore) {
    text = LOAM_TRY(read(".dockerignore"));
  }
  std::vector<std::string> patterns = text ? ParseIgnoreFile(*text) : std::vector<std::string>();
  if (implicit) {
    patterns.insert(patterns.end(), {".tmp-earth-out/", "build.earth", "Earthfile", ".earthignore", ".earthlyignore"});
  }
  return patterns;
}

}  // namespace loam::sema::earthfile
