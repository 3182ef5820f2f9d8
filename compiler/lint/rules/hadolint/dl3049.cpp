// DL3049: a label of the schema is missing.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool HasLabel(const StageView& stage, std::string_view key) {
  return std::any_of(stage.instructions.begin(), stage.instructions.end(), [&](const InstructionView* view) {
    const auto* label = view->trigger ? nullptr : view->As<ast::Label>();
    return label != nullptr && std::any_of(label->pairs.begin(), label->pairs.end(),
                                           [&](const ast::KeyValue& pair) { return Unquote(pair.key.text) == key; });
  });
}

}  // namespace

void CheckDL3049(const FileView& file, const Reporter& report) {
  for (const auto& [key, type] : file.options->label_schema) {
    const std::string_view name = key;
    for (const StageView* stage : StagesWithout(file, [&](const StageView& each) { return HasLabel(each, name); })) {
      report(*stage, fmt::format("label `{}` is missing", key));
    }
  }
}

}  // namespace loam::lint::hadolint
