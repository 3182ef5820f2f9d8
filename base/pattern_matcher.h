// Path patterns as .dockerignore, --exclude and LLB's include and exclude lists have them: `*` `?` `[...]` within one
// path element, `**` across elements, `!` for exceptions, the last match decides. Semantics are those of
// github.com/moby/patternmatcher and of Go's path.Match, quirks included, because they go into cache keys.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam {

// Per pattern: did it match the directory (or one of its parents)? What a tree walk hands from a directory to its
// children. Empty: nothing is known about the parents, they are then matched too.
using PatternMatchInfo = std::vector<bool>;

// Immutable after construction, safe to use from several threads.
class PatternMatcher {
 public:
  // Patterns are trimmed and cleaned (filepath.Clean); empty ones are dropped. kInvalidArgument for a malformed one.
  static Result<PatternMatcher> Create(const std::vector<std::string>& patterns);

  PatternMatcher();
  ~PatternMatcher();
  PatternMatcher(PatternMatcher&&) noexcept;
  PatternMatcher& operator=(PatternMatcher&&) noexcept;

  [[nodiscard]] bool empty() const;
  // Any pattern that starts with '!'.
  [[nodiscard]] bool has_exceptions() const;

  // `path` is relative, cleaned, slash-separated. True if it or one of its parents matches (and no later `!` says
  // otherwise).
  [[nodiscard]] bool MatchesOrParentMatches(std::string_view path) const;
  // The same in a tree walk: `parent` is what the call for the parent directory stored in its `info`.
  [[nodiscard]] bool MatchesUsingParent(std::string_view path, const PatternMatchInfo& parent,
                                        PatternMatchInfo* info) const;

  // The patterns as cleaned, without '!'.
  struct PatternText {
    std::string_view text;
    bool exception;
  };
  [[nodiscard]] std::vector<PatternText> patterns() const;

 private:
  struct Pattern;
  std::vector<Pattern> patterns_;
  bool has_exceptions_ = false;
};

// The patterns of a .dockerignore file: comments, blank lines and a byte order mark dropped, leading '/' removed.
std::vector<std::string> ParseIgnoreFile(std::string_view text);

// Go's path.Match (`*` `?` `[a-z]` `[^a]` `\x`; no `**`, '/' is matched only by itself). kInvalidArgument: malformed
// pattern.
Result<bool> PathMatch(std::string_view pattern, std::string_view name);

// Go's path.Clean: "." for "", no "//", "." or inner "..".
std::string CleanPath(std::string_view path);
// Go's path.Join("/", path): absolute and clean, ".." cannot leave "/".
std::string CleanRootedPath(std::string_view path);
// Has one of `*?[` that is not escaped (fsutil's containsWildcards).
bool HasWildcard(std::string_view path);
// `<literal elements>` and `<elements from the first one with a wildcard>`: "/a/b*/c" -> {"/a", "b*/c"}.
std::pair<std::string, std::string> SplitWildcard(std::string_view path);

}  // namespace loam
