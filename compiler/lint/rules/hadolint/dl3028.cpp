// DL3028: gem install without versions.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3028(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) {
    shell::Command gem = command;
    const auto rest =
        std::find_if(gem.words.begin(), gem.words.end(), [](const auto& word) { return word.text == "--"; });
    gem.words.erase(rest, gem.words.end());
    const auto gems =
        Subcommand(gem, {"gem"}, {"install", "i"},
                   {"use-system-libraries", "i", "install-dir", "n", "bindir", "P", "platform", "s", "source"});
    if (!gems || gem.HasOption("v") || gem.HasOption("version")) {
      return false;
    }
    return std::any_of(gems->begin(), gems->end(),
                       [](std::string_view name) { return name.find(':') == std::string_view::npos; });
  });
}

}  // namespace loam::lint::hadolint
