// MultipleInstructionsDisallowed: a CMD, ENTRYPOINT or HEALTHCHECK that a later one of the stage replaces.
#include <map>

#include <fmt/format.h>

#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class MultipleInstructionsDisallowed : public Rule {
 public:
  using Rule::Rule;

  void OnStageBegin(const void* /*stage*/, const void* /*base*/) override { last_.clear(); }
  void OnCommand(bool /*has_shell*/) override {
    const auto [place, first] = last_.try_emplace(instruction().kind, context().lines);
    if (!first) {
      // What is reported is the one that has no effect.
      Report(place->second,
             fmt::format("Multiple {} instructions should not be used in the same stage because only the last "
                         "one will be used",
                         instruction().keyword.text));
      place->second = context().lines;
    }
  }

 private:
  std::map<ast::InstructionKind, LineSpan> last_;
};

}  // namespace

LOAM_DEFINE_RULE(MultipleInstructionsDisallowed)

}  // namespace loam::lint
