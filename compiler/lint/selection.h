// Which checks run beside BuildKit's.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "compiler/lint/hadolint/hadolint.h"

namespace loam::lint {

struct Selection {
  bool hadolint = false;
  HadolintOptions hadolint_options;
  bool shellcheck = false;

  [[nodiscard]] bool any() const { return hadolint || shellcheck; }
};

// The words of `--lint=WORD,WORD`: "hadolint", "shellcheck", and rules by name: "DL3057" beside "hadolint" switches on
// a rule that is off by itself, and without it runs that rule alone; "hadolint-all" leaves none off.
Result<Selection> ParseSelection(const std::vector<std::string>& words);

}  // namespace loam::lint
