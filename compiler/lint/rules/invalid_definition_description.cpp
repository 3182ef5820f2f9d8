// InvalidDefinitionDescription: the comment above a stage or an argument does not begin with its name.
#include <algorithm>

#include <fmt/format.h>

#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class InvalidDefinitionDescription : public Rule {
 public:
  using Rule::Rule;

  void OnInstruction(const ast::Instruction& instruction) override {
    if (instruction.invalid || instruction.comments.empty()) {
      return;
    }
    std::vector<std::string_view> names;
    if (const auto* from = ast::As<ast::From>(&instruction); from != nullptr && !from->stage_id.empty()) {
      names.push_back(from->stage_id);
    } else if (const auto* arg = ast::As<ast::Arg>(&instruction)) {
      for (const ast::ArgItem& item : arg->items) {
        names.push_back(item.key.text);
      }
    }
    if (names.empty()) {
      return;
    }
    const std::string_view comment = instruction.comments.back().text;
    if (std::find(names.begin(), names.end(), comment.substr(0, comment.find(' '))) == names.end()) {
      Report(fmt::format("Comment for {} should follow the format: `# {} <description>`",
                         ast::KeywordOf(instruction.kind), names.size() > 1 ? "<arg_key>" : names.front()));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(InvalidDefinitionDescription)

}  // namespace loam::lint
