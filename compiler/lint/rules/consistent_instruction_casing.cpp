// ConsistentInstructionCasing: keywords of different case in one file.
#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class ConsistentInstructionCasing : public Rule {
 public:
  using Rule::Rule;

  void OnStages(const ast::Dockerfile& file) override {
    std::vector<const ast::Instruction*> all;
    for (const ast::Stage& stage : file.stages) {
      all.push_back(stage.from);
      all.insert(all.end(), stage.instructions.begin(), stage.instructions.end());
    }
    std::size_t lower = 0;
    std::size_t upper = 0;
    for (const ast::Instruction* each : all) {
      const std::string_view keyword = each->keyword.text;
      if (keyword == ToLowerAscii(keyword)) {
        ++lower;
      } else if (keyword == ToUpperAscii(keyword)) {
        ++upper;
      }
    }
    const bool want_lower = lower > upper;
    for (const ast::Instruction* each : all) {
      const std::string_view keyword = each->keyword.text;
      if (const std::string wanted = want_lower ? ToLowerAscii(keyword) : ToUpperAscii(keyword); keyword != wanted) {
        Report(each->lines,
               fmt::format("Command '{}' should match the case of the command majority ({})", keyword,
                           want_lower ? "lowercase" : "uppercase"),
               Replace(each->keyword.range, wanted, fmt::format("write `{}`", wanted)));
      }
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(ConsistentInstructionCasing)

}  // namespace loam::lint
