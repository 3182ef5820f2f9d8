#include "cli/command.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/earthfile/earth_verbs.h"

namespace loam::cli {

std::string Context::Env(const char* name) const {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

bool Context::ErrIsTerminal() const {
  return ::isatty(::fileno(err)) == 1;
}
bool Context::Colors() const {
  return ErrIsTerminal() && Env("NO_COLOR").empty() && Env("TERM") != "dumb";
}

void PrintError(const Context& context, const Error& error) {
  const bool colors = context.Colors();
  PrintTo(context.err, "{}error:{} {}\n", colors ? "\x1b[1;31m" : "", colors ? "\x1b[0m" : "", error.message());
  if (!error.hint().empty()) {
    PrintTo(context.err, "{}hint:{} {}\n", colors ? "\x1b[1;36m" : "", colors ? "\x1b[0m" : "", error.hint());
  }
}

Exit UsageError(const Context& context, const Command& command, const Error& error) {
  PrintError(context, error);
  PrintTo(context.err, "usage: {}\n`loam {} --help` tells more\n", command.usage, command.name);
  return Exit::kUsage;
}

namespace {

void PrintHelp(std::FILE* out) {
  PrintTo(out,
          "loam builds container images from Dockerfiles and Earthfiles, without a daemon\n\n"
          "usage: loam COMMAND [FLAGS] [ARGUMENTS]\n"
          "       loam [FLAGS] +TARGET [--ARG=VALUE…]   (a target of an Earthfile, as `loam build +TARGET`)\n"
          "       loam earthly …                        (earthly's own command line)\n\ncommands:\n");
  for (const Command* const command : AllCommands()) {
    PrintTo(out, "  {:<12} {}\n", command->name, command->summary);
  }
  PrintTo(out, "\n`loam COMMAND --help` shows the flags of a command\n");
}

}  // namespace

Exit RunMain(Context& context, const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == "earthly") {
    return RunEarthly(context, {arguments.begin() + 1, arguments.end()});
  }
  if (const std::optional<Exit> built = TryEarthCommand(context, arguments)) {
    return *built;
  }
  if (arguments.empty() || arguments[0] == "help" || arguments[0] == "--help" || arguments[0] == "-h") {
    if (arguments.size() > 1 && arguments[0] == "help") {
      return RunMain(context, {arguments[1], "--help"});
    }
    PrintHelp(arguments.empty() ? context.err : context.out);
    return arguments.empty() ? Exit::kUsage : Exit::kOk;
  }
  const std::string name = arguments[0] == "--version" ? "version" : arguments[0];
  std::vector<std::string> names;
  for (const Command* const command : AllCommands()) {
    names.emplace_back(command->name);
    if (command->name != name) {
      continue;
    }
    const Result<Flags> flags =
        Flags::Parse(command->flags, {arguments.begin() + 1, arguments.end()}, command->after_first);
    if (!flags) {
      return UsageError(context, *command, flags.error());
    }
    if (flags->help()) {
      PrintTo(context.out, "{}\n\nusage: {}\n\n{}", command->summary, command->usage, DescribeFlags(command->flags));
      return Exit::kOk;
    }
    return command->run(context, *flags);
  }
  if (const std::optional<Error> refused = RefusedCloudCommand(name)) {
    PrintError(context, *refused);
    return Exit::kUsage;
  }
  Error error(ErrorCode::kInvalidArgument, fmt::format("unknown command `{}`", name));
  const std::optional<std::string> near = NearestWord(name, names);
  std::error_code no_file;
  const bool target = std::filesystem::exists("Earthfile", no_file) && LooksLikeEarthReference("+" + name);
  PrintError(context, std::move(error).WithHint(near     ? fmt::format("did you mean `loam {}`?", *near)
                                                : target ? fmt::format("did you mean the target `loam +{}`?", name)
                                                         : std::string("`loam help` lists the commands")));
  return Exit::kUsage;
}

}  // namespace loam::cli
