#include "compiler/lint/exec_form.h"

#include <string>

#include "base/strings.h"

namespace loam::lint {

std::vector<Fix> ExecFormFixes(const ast::Text& command) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+, ";
  const std::string_view text = TrimSpace(command.text);
  if (text.empty() || !command.range.valid() || text.find_first_not_of(kPlain) != std::string_view::npos) {
    return {};
  }
  std::string json;
  for (const std::string_view word : Split(text, ' ')) {
    if (word.empty()) {
      continue;
    }
    // An assignment in front needs the shell.
    if (json.empty() && word.find('=') != std::string_view::npos) {
      return {};
    }
    json += json.empty() ? "[\"" : ", \"";
    json += word;
    json += '"';
  }
  return {{"start the program without a shell: `" + json + "]`", {{command.range, json + "]"}}, FixSafety::kUnsafe}};
}

}  // namespace loam::lint
