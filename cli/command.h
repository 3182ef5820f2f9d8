// A verb of the program `loam`: one file in cli/commands each, listed in commands/table.cpp.
#pragma once

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "cli/flags.h"

namespace loam::cli {

class BuildEngine;

// Exit codes; documented in docs/cli.md.
enum class Exit : int {
  kOk = 0,
  kFailed = 1,        // the build failed, or the input has errors
  kUsage = 2,         // the command line is wrong; nothing was done
  kInterrupted = 130  // Ctrl-C or SIGTERM
};

// What a verb may use of the process. Everything that tests replace is here.
struct Context {
  std::FILE* out = stdout;
  std::FILE* err = stderr;
  // Standard input as a file descriptor: Dockerfile or tar context of `loam build -`.
  int in_fd = 0;
  // Requested by the first Ctrl-C or SIGTERM; the second one ends the process at once.
  std::stop_token stop;

  // The engines that --engine (or BUILDKIT_HOST) names. Empty in the program that has no gRPC, so that it starts fast:
  // it becomes the one that has (cli/remote_program.h).
  std::function<Result<std::unique_ptr<BuildEngine>>(const std::vector<std::string>& engines, const Flags& flags)>
      remote_engine;

  // An environment variable, "" when unset.
  [[nodiscard]] std::string Env(const char* name) const;
  // Colours and live output on `err`: it is a terminal, and NO_COLOR is unset (colours only).
  [[nodiscard]] bool ErrIsTerminal() const;
  [[nodiscard]] bool Colors() const;
};

struct Command {
  std::string_view name;
  std::string_view summary;  // one line, lower case, no full stop
  std::string_view usage;    // "loam build [FLAGS] [PATH | URL | -]"
  std::span<const Flag> flags;
  Exit (*run)(Context& context, const Flags& flags);
  Flags::AfterFirst after_first = Flags::AfterFirst::kFlags;
};

// All verbs, in the order of `loam help`.
std::span<const Command* const> AllCommands();

// "error: …" with its hint on `context.err`.
void PrintError(const Context& context, const Error& error);
// PrintError for a wrong command line, with a pointer to --help.
Exit UsageError(const Context& context, const Command& command, const Error& error);

// Runs `loam ARGUMENTS…` (without the program's name).
Exit RunMain(Context& context, const std::vector<std::string>& arguments);

}  // namespace loam::cli
