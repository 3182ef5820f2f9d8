// ReservedStageName: a stage named `scratch` or `context`.
#include <fmt/format.h>

#include "base/go_quote.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class ReservedStageName : public Rule {
 public:
  using Rule::Rule;

  void OnStageName(const ast::From& from) override {
    if (from.stage_id == "scratch" || from.stage_id == "context") {
      Report(from.lines,
             fmt::format("Stage name should not use the same name as reserved stage {}", GoQuoted(from.stage_id)));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(ReservedStageName)

}  // namespace loam::lint
