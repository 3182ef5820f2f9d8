// PipedDownload: `curl … | sh`.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

namespace {

bool IsShell(const shell::Command& command) {
  std::string_view name = command.name();
  if (name == "sudo" && command.words.size() > 1) {
    name = command.words[1].text;
  }
  name = name.substr(name.rfind('/') + 1);
  return name == "sh" || name == "bash" || name == "ash" || name == "zsh" || name == "python" || name == "python3";
}

}  // namespace

void CheckPipedDownload(const FileView& file, const Reporter& report) {
  for (const RunView& run : file.runs) {
    if (!run.script.has_pipe) {
      continue;
    }
    const auto& commands = run.script.commands;
    for (std::size_t i = 0; i + 1 < commands.size(); ++i) {
      if ((commands[i].name() == "curl" || commands[i].name() == "wget") && IsShell(commands[i + 1])) {
        report(run.command->location.range,
               fmt::format("`{}` hands what it downloads to `{}` unseen: download it, compare a checksum, then run it",
                           commands[i].name(), commands[i + 1].name()));
        break;
      }
    }
  }
}

}  // namespace loam::lint::earthfile
