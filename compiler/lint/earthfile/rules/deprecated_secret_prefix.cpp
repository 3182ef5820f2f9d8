// DeprecatedSecretPrefix: `--secret NAME=+secrets/ID`.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckDeprecatedSecretPrefix(const FileView& file, const Reporter& report) {
  constexpr std::string_view kPrefix = "+secrets/";
  EachCommand(file, [&](const ast::Command& command, std::size_t) {
    if (command.kind != ast::CommandKind::kRun || command.exec_mode) {
      return;
    }
    bool is_value = false;  // `--secret` stands in front
    for (const ast::Word& word : command.args) {
      const bool is_secret = is_value || word.text.starts_with("--secret=");
      is_value = word.text == "--secret";
      if (!is_secret) {
        continue;
      }
      const std::size_t at = file.buffer->TextOf(word.range).find(kPrefix);
      if (at != std::string_view::npos) {
        const source::SourceRange range =
            file.buffer->Range(word.range.begin + at, word.range.begin + at + kPrefix.size());
        report(range, "a secret is named without `+secrets/`", SafeFix("remove `+secrets/`", range, ""));
      }
    }
  });
}

}  // namespace loam::lint::earthfile
