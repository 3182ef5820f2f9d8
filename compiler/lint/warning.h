// What a build check found.
#pragma once

#include <string>
#include <string_view>

#include "compiler/source/source_range.h"

namespace loam::lint {

// What is known of a rule; lives for ever.
struct RuleInfo {
  std::string_view name;
  std::string_view description;
  std::string_view url;  // "": the rule has none
  bool experimental = false;
  int level = 1;
};

struct Warning {
  const RuleInfo* rule = nullptr;
  std::string message;
  source::LineSpan lines;
};

}  // namespace loam::lint
