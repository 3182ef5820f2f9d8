// DL3042: pip keeps a cache.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

constexpr std::string_view kVariable = "PIP_NO_CACHE_DIR";

bool IsOn(std::string_view value) {
  return !IsOneOf(ToLowerAscii(Unquote(value)), {"0", "off", "no", "false", ""});
}
bool SwitchesOff(const std::string& assignment) {
  return assignment.starts_with("PIP_NO_CACHE_DIR=") && IsOn(std::string_view(assignment).substr(kVariable.size() + 1));
}
// `export NAME=1`, or `NAME=1` alone.
bool SwitchesOffForAll(const shell::Command& command) {
  const std::vector<shell::Word>& words = command.name() == "export" ? command.words : command.assignments;
  return (command.words.empty() || command.name() == "export") &&
         std::any_of(words.begin(), words.end(), [](const auto& word) { return SwitchesOff(word.text); });
}

}  // namespace

void CheckDL3042(const FileView& file, const Reporter& report) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run& run) {
    const auto set = VariableAt(file, view, kVariable);
    const auto& commands = view.script.commands;
    if ((set && IsOn(*set)) || HasVolatileMount(run, {"/root/.cache/pip", "/root/.cache"}) ||
        std::any_of(commands.begin(), commands.end(), SwitchesOffForAll)) {
      return;
    }
    std::vector<const shell::Command*> found;
    for (const shell::Command& command : commands) {
      if (PipPackages(command, false) && !command.HasOption("no-cache-dir") &&
          std::none_of(command.assignments.begin(), command.assignments.end(),
                       [](const auto& word) { return SwitchesOff(word.text); })) {
        found.push_back(&command);
      }
    }
    if (!found.empty()) {
      report(view, report.description(), InsertWord(file, view, found, "install", "--no-cache-dir"));
    }
  });
}

}  // namespace loam::lint::hadolint
