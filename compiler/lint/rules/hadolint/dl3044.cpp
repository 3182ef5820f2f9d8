// DL3044: ENV that uses a variable which the same ENV sets.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool Uses(std::string_view value, std::string_view name) {
  for (std::size_t at = value.find('$'); at != std::string_view::npos; at = value.find('$', at + 1)) {
    if (at > 0 && value[at - 1] == '\\') {
      continue;
    }
    std::string_view rest = value.substr(at + 1);
    if (rest.starts_with('{')) {
      rest.remove_prefix(1);
    }
    if (rest.starts_with(name) && (rest.size() == name.size() || !IsNameChar(rest[name.size()]))) {
      return true;
    }
  }
  return false;
}

}  // namespace

void CheckDL3044(const FileView& file, const Reporter& report) {
  Each<ast::Env>(file, [&](const InstructionView& view, const ast::Env& env) {
    for (std::size_t i = 0; i < env.pairs.size(); ++i) {
      for (std::size_t j = 0; j < env.pairs.size(); ++j) {
        const std::string_view value = env.pairs[i].value.text;
        if (i != j && !value.starts_with('\'') && Uses(value, env.pairs[j].key.text)) {
          report(view);
          return;
        }
      }
    }
  });
}

}  // namespace loam::lint::hadolint
