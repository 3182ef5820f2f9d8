#include "compiler/sema/earthfile/git_program.h"

#include <unistd.h>

#include <fmt/format.h>

#include "base/process.h"
#include "base/strings.h"
#include "compiler/sema/earthfile/builtin_args.h"

namespace loam::sema::earthfile {
namespace {

std::vector<std::string> EnvironmentWith(const GitCommand& command) {
  std::vector<std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    // Set by hooks; they would point every command at the outer repository.
    if (variable.starts_with("GIT_DIR=") || variable.starts_with("GIT_WORK_TREE=") ||
        variable.starts_with("GIT_INDEX_FILE=") || variable.starts_with("LC_ALL=")) {
      continue;
    }
    if (variable.starts_with("GIT_SSH_COMMAND=") && !command.ssh_command.empty()) {
      continue;
    }
    env.emplace_back(variable);
  }
  env.emplace_back("GIT_TERMINAL_PROMPT=0");
  env.emplace_back("LC_ALL=C.UTF-8");
  if (!command.ssh_command.empty()) {
    env.push_back(fmt::format("GIT_SSH_COMMAND={}", command.ssh_command));
  }
  return env;
}

}  // namespace

Result<std::string> RunGit(const GitCommand& command) {
  ProcessSpec spec;
  spec.args = {"git"};
  if (!command.directory.empty()) {
    spec.args.insert(spec.args.end(), {"-C", command.directory});
  }
  spec.args.insert(spec.args.end(), command.args.begin(), command.args.end());
  spec.env = EnvironmentWith(command);
  auto ran = RunProcess(std::move(spec));
  if (!ran) {
    if (ran.error().Is(ErrorCode::kNotFound)) {
      return Unexpected(ErrorCode::kUnavailable, "there is no git program");
    }
    return tl::unexpected(std::move(ran).error());
  }
  if (!ran->status.ok()) {
    const std::string_view said = TrimSpace(ran->err);
    return Unexpected(
        ErrorCode::kFailedPrecondition,
        fmt::format("git {}: {}", command.args.empty() ? "" : command.args.front(),
                    said.empty() ? fmt::format("exit code {}", ran->status.code) : ScrubCredentials(said)));
  }
  if (ran->out.ends_with('\n')) {
    ran->out.pop_back();
  }
  return std::move(ran->out);
}

}  // namespace loam::sema::earthfile
