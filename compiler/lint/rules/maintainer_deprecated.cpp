// MaintainerDeprecated: MAINTAINER.
#include "compiler/lint/maintainer_fix.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class MaintainerDeprecated : public Rule {
 public:
  using Rule::Rule;

  void OnInstruction(const ast::Instruction& instruction) override {
    if (const auto* maintainer = ast::As<ast::Maintainer>(&instruction)) {
      Report("Maintainer instruction is deprecated in favor of using label", MaintainerFixes(*maintainer));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(MaintainerDeprecated)

}  // namespace loam::lint
