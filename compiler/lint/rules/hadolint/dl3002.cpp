// DL3002: a stage whose last USER is root.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsRoot(std::string_view user) {
  user = Unquote(TrimSpace(user));
  user = user.substr(0, user.find(':'));
  return user == "root" || user == "0";
}

}  // namespace

void CheckDL3002(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    const InstructionView* last = nullptr;
    for (const InstructionView* view : stage.instructions) {
      if (!view->trigger && view->As<ast::User>() != nullptr) {
        last = view;
      }
    }
    if (last != nullptr && IsRoot(last->As<ast::User>()->user.text)) {
      report(*last);
    }
  }
}

}  // namespace loam::lint::hadolint
