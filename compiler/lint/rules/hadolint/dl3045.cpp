// DL3045: COPY to a relative path where no WORKDIR is set.
#include <set>

#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsRelative(std::string_view path) {
  const bool windows = path.size() > 1 && path[1] == ':';
  return !path.empty() && path[0] != '/' && path[0] != '$' && path[0] != '\\' && !windows;
}

}  // namespace

void CheckDL3045(const FileView& file, const Reporter& report) {
  std::set<const StageView*> with_workdir;
  for (const StageView& stage : file.stages) {
    bool set = stage.base != nullptr && with_workdir.contains(stage.base);
    for (const InstructionView* view : stage.instructions) {
      if (view->trigger) {
        continue;
      }
      const auto* copy = view->As<ast::Copy>();
      if (copy != nullptr && !set && IsRelative(Paths(*copy).back())) {
        report(*view);
      }
      set = set || view->As<ast::Workdir>() != nullptr;
    }
    if (set) {
      with_workdir.insert(&stage);
    }
  }
}

}  // namespace loam::lint::hadolint
