// LegacyKeyValueFormat: `ENV name value` and `LABEL name value`.
#include <fmt/format.h>

#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class LegacyKeyValueFormat : public Rule {
 public:
  using Rule::Rule;

  void OnVariable(std::string_view /*key*/, bool legacy) override {
    if (legacy) {
      const std::string_view keyword = instruction().keyword.text;
      Report(
          fmt::format("\"{} key=value\" should be used instead of legacy \"{} key value\" format", keyword, keyword));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(LegacyKeyValueFormat)

}  // namespace loam::lint
