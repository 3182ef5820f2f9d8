// What the rules about labels share, and which stages have to meet a demand.
#include <set>

#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void EachLabelOf(
    const FileView& file, LabelType type,
    const std::function<void(const InstructionView&, std::string_view key, std::string_view value)>& visit) {
  Each<ast::Label>(file, [&](const InstructionView& view, const ast::Label& label) {
    for (const ast::KeyValue& pair : label.pairs) {
      const auto found = file.options->label_schema.find(Unquote(pair.key.text));
      if (found != file.options->label_schema.end() && found->second == type && !HasVariable(pair.value.text)) {
        visit(view, found->first, Unquote(pair.value.text));
      }
    }
  });
}

std::vector<const StageView*> StagesWithout(const FileView& file, const std::function<bool(const StageView&)>& good) {
  std::set<const StageView*> fine;
  std::vector<const StageView*> missing;
  for (const StageView& stage : file.stages) {
    if (good(stage) || (stage.base != nullptr && fine.contains(stage.base))) {
      fine.insert(&stage);
    }
  }
  // From the last stage up: a stage that a fine one uses need not meet the demand itself.
  for (auto stage = file.stages.rbegin(); stage != file.stages.rend(); ++stage) {
    if (!fine.contains(&*stage)) {
      missing.push_back(&*stage);
      continue;
    }
    if (stage->base != nullptr) {
      fine.insert(stage->base);
    }
    for (const InstructionView* view : stage->instructions) {
      if (const auto* copy = view->As<ast::Copy>(); copy != nullptr && copy->from.present()) {
        fine.insert(file.FindStage(copy->from.text, stage->index));
      } else if (const auto* run = view->As<ast::Run>()) {
        for (const ast::Mount& mount : run->mounts) {
          fine.insert(file.FindStage(MountOption(mount, "from"), stage->index));
        }
      }
    }
  }
  std::reverse(missing.begin(), missing.end());
  return missing;
}

}  // namespace loam::lint::hadolint
