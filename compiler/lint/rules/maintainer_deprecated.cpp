// MaintainerDeprecated: MAINTAINER.
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class MaintainerDeprecated : public Rule {
 public:
  using Rule::Rule;

  void OnInstruction(const ast::Instruction& instruction) override {
    if (instruction.kind == ast::InstructionKind::kMaintainer) {
      Report("Maintainer instruction is deprecated in favor of using label");
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(MaintainerDeprecated)

}  // namespace loam::lint
