// NoEmptyContinuation: an empty line inside of an instruction.
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class NoEmptyContinuation : public Rule {
 public:
  using Rule::Rule;

  void OnText(const ast::Dockerfile& file) override {
    for (const ast::Instruction* each : file.instructions) {
      if (each->has_empty_continuation) {
        Report({each->last_header_line, each->last_header_line}, "Empty continuation line");
      }
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(NoEmptyContinuation)

}  // namespace loam::lint
