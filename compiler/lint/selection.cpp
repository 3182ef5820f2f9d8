#include "compiler/lint/selection.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::lint {

Result<Selection> ParseSelection(const std::vector<std::string>& words) {
  Selection selection;
  bool whole = false;
  std::vector<std::string> named;
  for (const std::string& list : words) {
    for (const std::string_view word : Split(list, ',')) {
      const auto rules = HadolintRules();
      const bool is_rule =
          std::any_of(rules.begin(), rules.end(), [&](const RuleInfo& rule) { return rule.name == word; });
      if (word == "hadolint" || word == "hadolint-all") {
        whole = true;
        if (word == "hadolint-all") {
          named.emplace_back("all");
        }
      } else if (word == "shellcheck") {
        selection.shellcheck = true;
      } else if (is_rule) {
        named.emplace_back(word);
      } else {
        return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("there are no checks named `{}`", word))
                              .WithHint("hadolint, hadolint-all, shellcheck, or rules such as DL3006"));
      }
    }
  }
  selection.hadolint = whole || !named.empty();
  (whole ? selection.hadolint_options.enabled : selection.hadolint_options.only) = std::move(named);
  return selection;
}

}  // namespace loam::lint
