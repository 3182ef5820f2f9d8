// DL3066: USER by name.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3066(const FileView& file, const Reporter& report) {
  Each<ast::User>(file, [&](const InstructionView& view, const ast::User& user) {
    std::string_view name = Unquote(TrimSpace(user.user.text));
    name = name.substr(0, name.find(':'));
    if (!HasVariable(name) && name.find_first_not_of("0123456789") != std::string_view::npos) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
