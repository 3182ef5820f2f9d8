// loam lsp: the language server. It is a program of its own, loam-lsp: an editor keeps it for a day, in little memory.
#include "cli/commands/common.h"
#include "cli/commands/verbs.h"
#include "cli/program_beside.h"

namespace loam::cli {
namespace {

constexpr Flag kFlags[] = {
    {.name = "stdio",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "use standard input and output (the default)"},
    {.name = "port",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "PORT",
     .help = "listen on this port of 127.0.0.1 instead; 0 is a free one, which is printed"},
    kRootFlag,
};

Exit Run(Context& context, const Flags& flags) {
  const Result<std::string> self = PathOfSelf();
  if (!self) {
    PrintError(context, self.error());
    return Exit::kFailed;
  }
  std::vector<std::string> arguments = {"loam-lsp", "--loam=" + *self, "--root=" + StateRoot(context, flags)};
  if (flags.Has("port")) {
    arguments.push_back("--port=" + flags.String("port"));
  }
  PrintError(context, BecomeProgramBeside("loam-lsp", "is the language server", std::move(arguments)));
  return Exit::kFailed;
}

}  // namespace

const Command kLspCommand = {.name = "lsp",
                             .summary = "serve editors: the language server for Dockerfiles and Earthfiles",
                             .usage = "loam lsp [--stdio | --port PORT]",
                             .flags = kFlags,
                             .run = Run};

}  // namespace loam::cli
