#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

// Rules without a page of their own have no address.
#define LOAM_RULE_URL(page) \
  (sizeof(page) == 1 ? std::string_view() : std::string_view("https://docs.docker.com/go/dockerfile/rule/" page "/"))

}  // namespace

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kInfo:
      return "info";
    case Severity::kStyle:
      return "style";
  }
  return "";
}

const std::vector<RuleEntry>& Rules() {
  static const std::vector<RuleEntry> kRules = {
#define LOAM_BUILD_CHECK(Name, page, experimental, description) \
  {{#Name, description, LOAM_RULE_URL(page), experimental, 1}, &Make##Name},
#include "compiler/lint/rules.def"
#undef LOAM_BUILD_CHECK
  };
  return kRules;
}

}  // namespace loam::lint
