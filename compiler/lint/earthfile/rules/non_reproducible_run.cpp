// NonReproducibleRun: commands whose result depends on when or where they run.
#include "compiler/lint/earthfile/rule.h"

#include <algorithm>

namespace loam::lint::earthfile {

namespace {

// Why; "" if the command is none of them.
std::string_view ReasonOf(const shell::Command& command) {
  const std::string_view name = command.name();
  const auto operands = command.Operands();
  const std::string_view first = operands.empty() ? std::string_view() : operands.front();
  if (name == "date" && !command.HasOption("d") && !command.HasOption("date") && !command.HasOption("r")) {
    return "`date` gives the time of the build: pass it as an ARG, or use SOURCE_DATE_EPOCH";
  }
  if (name == "uuidgen" || (name == "openssl" && first == "rand")) {
    return "random values differ from build to build";
  }
  if ((name == "apt-get" || name == "apt" || name == "aptitude") &&
      (first == "upgrade" || first == "dist-upgrade" || first == "full-upgrade")) {
    return "what it upgrades to changes from day to day: name a newer base image";
  }
  if (name == "apk" && first == "upgrade") {
    return "what it upgrades to changes from day to day: name a newer base image";
  }
  if (name == "git" && first == "clone" && !command.HasOption("branch") && !command.HasOption("b")) {
    return "`git clone` takes the newest commit, and is cached for ever: use GIT CLONE --branch, or name a tag";
  }
  if ((name == "curl" || name == "wget") && std::any_of(operands.begin(), operands.end(), [](std::string_view word) {
        return word.find("/latest/") != std::string_view::npos || word.ends_with("/latest");
      })) {
    return "the latest release is another one tomorrow: name a version";
  }
  return {};
}

}  // namespace

void CheckNonReproducibleRun(const FileView& file, const Reporter& report) {
  for (const RunView& run : file.runs) {
    for (const shell::Command& command : run.script.commands) {
      if (const std::string_view reason = ReasonOf(command); !reason.empty()) {
        report(run.command->location.range, std::string(reason));
        break;
      }
    }
  }
}

}  // namespace loam::lint::earthfile
