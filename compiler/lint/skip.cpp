#include "compiler/lint/skip.h"

#include <algorithm>

#include "base/strings.h"

namespace loam::lint {
namespace {

bool IsAsciiAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\n';
}

// The value of `check = value`; nullopt if the comment is something else.
std::optional<std::string_view> CheckValue(std::string_view comment) {
  comment = TrimSpace(comment);
  std::size_t end = 0;
  while (end < comment.size() &&
         (IsAsciiAlpha(comment[end]) || (end > 0 && comment[end] >= '0' && comment[end] <= '9'))) {
    ++end;
  }
  if (!EqualsIgnoreCase(comment.substr(0, end), "check")) {
    return std::nullopt;
  }
  while (end < comment.size() && IsBlank(comment[end])) {
    ++end;
  }
  if (end == comment.size() || comment[end] != '=') {
    return std::nullopt;
  }
  const std::string_view value = TrimSpace(comment.substr(end + 1));
  return value.empty() ? std::nullopt : std::optional(value);
}

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool IsActive(const RuleInfo& rule, const sema::CheckOptions& options) {
  if (rule.experimental) {
    return options.experimental_all || Contains(options.experimental, rule.name);
  }
  return !options.skip_all && !Contains(options.skip, rule.name);
}

std::optional<sema::CheckOptions> OptionsInComments(ast::List<ast::Text> comments) {
  for (const ast::Text& comment : comments) {
    const auto value = CheckValue(comment.text);
    if (!value) {
      continue;
    }
    auto options = sema::ParseCheckOptions(value->substr(0, value->find(' ')));
    return options ? std::optional(std::move(*options)) : std::nullopt;
  }
  return std::nullopt;
}

sema::CheckOptions Merge(const sema::CheckOptions& base, const sema::CheckOptions& more) {
  sema::CheckOptions merged = base;
  merged.skip_all = base.skip_all || more.skip_all;
  merged.skip.insert(merged.skip.end(), more.skip.begin(), more.skip.end());
  merged.experimental_all = base.experimental_all || more.experimental_all;
  merged.experimental.insert(merged.experimental.end(), more.experimental.begin(), more.experimental.end());
  return merged;
}

}  // namespace loam::lint
