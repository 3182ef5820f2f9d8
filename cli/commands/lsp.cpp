// loam lsp: the language server. It is a program of its own, loam-lsp: an editor keeps it for a day, in little memory.
#include <cstdlib>

#include "cli/commands/common.h"
#include "cli/commands/verbs.h"
#include "cli/program_beside.h"

namespace loam::cli {
namespace {

// For each edit the server makes a thousand small things and lets go of them: the C library, left alone, would sort
// those into its heap and give pages back to the kernel each time. It reads this only at the start of a program.
constexpr const char* kTunables = "GLIBC_TUNABLES";
constexpr const char* kKeepFreed = "glibc.malloc.tcache_count=400:glibc.malloc.trim_threshold=400000";

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
  if (::getenv(kTunables) == nullptr && ::setenv(kTunables, kKeepFreed, 0) == 0) {
    // Not for the programs that the server starts.
    arguments.push_back(std::string("--clear=") + kTunables);
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
