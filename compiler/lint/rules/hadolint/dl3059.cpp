// DL3059: RUN after RUN, each of one command.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool SameFlags(const ast::Run& a, const ast::Run& b) {
  return std::equal(a.flags.begin(), a.flags.end(), b.flags.begin(), b.flags.end(),
                    [](const ast::Flag& x, const ast::Flag& y) {
                      return x.name.text == y.name.text && x.value.text == y.value.text;
                    });
}

}  // namespace

void CheckDL3059(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    const InstructionView* before = nullptr;
    for (const InstructionView* view : stage.instructions) {
      const auto* run = view->trigger ? nullptr : view->As<ast::Run>();
      if (run != nullptr && before != nullptr && view->script.commands.size() == 1 &&
          before->script.commands.size() == 1 && SameFlags(*run, *before->As<ast::Run>())) {
        report(*view);
      }
      before = run == nullptr ? nullptr : view;
    }
  }
}

}  // namespace loam::lint::hadolint
