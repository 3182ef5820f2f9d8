// DL3045: COPY to a relative path where no WORKDIR is set.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsRelative(std::string_view path) {
  const bool windows = path.size() > 1 && path[1] == ':';
  return !path.empty() && path[0] != '/' && path[0] != '$' && path[0] != '\\' && !windows;
}

bool HasWorkdir(const StageView& stage, std::size_t before) {
  for (const StageView* each = &stage; each != nullptr; each = each->base) {
    for (const InstructionView* view : each->instructions) {
      if (view->number < before && !view->trigger && view->As<ast::Workdir>() != nullptr) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

void CheckDL3045(const FileView& file, const Reporter& report) {
  Each<ast::Copy>(file, [&](const InstructionView& view, const ast::Copy& copy) {
    if (view.stage != nullptr && IsRelative(Paths(copy).back()) && !HasWorkdir(*view.stage, view.number)) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
