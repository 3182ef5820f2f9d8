// CopyIgnoredFile: COPY or ADD of a file that .dockerignore excludes.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/go_quote.h"
#include "base/pattern_matcher.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class CopyIgnoredFile : public Rule {
 public:
  using Rule::Rule;

  void OnContextSource(std::string_view path) override {
    if (!matcher_) {
      auto matcher = PatternMatcher::Create(context().IgnorePatterns());
      matcher_ = matcher ? std::move(*matcher) : PatternMatcher();
    }
    // With exceptions, a file below an excluded directory may be there all the same.
    if (matcher_->empty() || matcher_->has_exceptions()) {
      return;
    }
    const std::string source = CleanPath(path);
    if ((source == "." || source == "/") && !ExcludesEverything()) {
      return;
    }
    if (matcher_->MatchesOrParentMatches(source)) {
      const bool is_add = instruction().kind == ast::InstructionKind::kAdd;
      Report(fmt::format("Attempting to {} file {} that is excluded by .dockerignore", is_add ? "Add" : "Copy",
                         GoQuoted(source)));
    }
  }

 private:
  [[nodiscard]] bool ExcludesEverything() const {
    const auto patterns = matcher_->patterns();
    return std::any_of(patterns.begin(), patterns.end(), [](const PatternMatcher::PatternText& pattern) {
      return pattern.text == "*" || pattern.text == "**" || pattern.text == "**/*";
    });
  }

  std::optional<PatternMatcher> matcher_;
};

}  // namespace

LOAM_DEFINE_RULE(CopyIgnoredFile)

}  // namespace loam::lint
