// StageNameCasing: a stage name with letters in upper case.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class StageNameCasing : public Rule {
 public:
  using Rule::Rule;

  void OnInstruction(const ast::Instruction& instruction) override {
    const auto* from = ast::As<ast::From>(&instruction);
    if (from != nullptr && from->stage_name.text != ToLowerAscii(from->stage_name.text)) {
      const std::string lower = ToLowerAscii(from->stage_name.text);
      Report(fmt::format("Stage name '{}' should be lowercase", from->stage_name.text),
             Replace(from->stage_name.range, lower, fmt::format("name it `{}`", lower)));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(StageNameCasing)

}  // namespace loam::lint
