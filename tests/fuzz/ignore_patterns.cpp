// Patterns, an empty line, then paths to match, one a line.
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "tests/fuzz/target.h"

namespace {

using namespace loam;

// A tree walk that hands the parent's matches on says the same as matching the whole path.
bool MatchesByWalk(const PatternMatcher& matcher, std::string_view path) {
  PatternMatchInfo parent;
  bool matches = false;
  for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
    PatternMatchInfo info;
    matches = matcher.MatchesUsingParent(path.substr(0, slash), parent, &info);
    if (slash == std::string_view::npos) {
      return matches;
    }
    parent = info;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find("\n\n");
  const std::vector<std::string> patterns = ParseIgnoreFile(text.substr(0, end));
  const auto matcher = PatternMatcher::Create(patterns);
  std::vector<std::string_view> names;
  if (end != std::string_view::npos) {
    names = Split(text.substr(end + 2), '\n');
  }
  for (const std::string_view name : names) {
    const std::string path = CleanRootedPath(name).substr(1);
    LOAM_CHECK(CleanPath(CleanPath(name)) == CleanPath(name), "a clean path is not clean");
    static_cast<void>(SplitWildcard(name));
    for (const std::string& pattern : patterns) {
      static_cast<void>(PathMatch(pattern, path));
      static_cast<void>(HasWildcard(pattern));
    }
    if (matcher && !path.empty()) {
      // Both ways of matching must answer; with exceptions they may differ, as upstream's do.
      const bool whole = matcher->MatchesOrParentMatches(path);
      const bool walked = MatchesByWalk(*matcher, path);
      LOAM_CHECK(matcher->has_exceptions() || whole == walked, "walking matches otherwise than the whole path");
    }
  }
  return 0;
}
