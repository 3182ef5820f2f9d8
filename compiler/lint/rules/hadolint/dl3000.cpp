// DL3000: WORKDIR with a relative path.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsWindowsPath(std::string_view path) {
  return path.size() > 2 && path[1] == ':' && (path[2] == '\\' || path[2] == '/');
}

}  // namespace

void CheckDL3000(const FileView& file, const Reporter& report) {
  Each<ast::Workdir>(file, [&](const InstructionView& view, const ast::Workdir& workdir) {
    const std::string_view path = Unquote(workdir.path.text);
    if (!path.empty() && path[0] != '/' && path[0] != '$' && !IsWindowsPath(path)) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
