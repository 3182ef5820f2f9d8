// The program `loam-remote`: what `loam build` becomes when it builds on a remote engine.
#include <clocale>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/commands/earthfile/earth_verbs.h"
#include "cli/remote/remote_build_engine.h"
#include "cli/signals/signal_watcher.h"

namespace {

using loam::Result;
using loam::cli::BuildEngine;

Result<std::unique_ptr<BuildEngine>> MakeEngine(const std::vector<std::string>& engines,
                                                const loam::cli::Flags& flags) {
  std::vector<loam::cli::EngineAddress> addresses;
  for (const std::string& engine : engines) {
    addresses.push_back(LOAM_TRY(loam::cli::ParseEngineAddress(engine)));
  }
  return loam::cli::MakeRemoteBuildEngine(std::move(addresses), {.ca = flags.String("tlscacert"),
                                                                 .certificate = flags.String("tlscert"),
                                                                 .key = flags.String("tlskey"),
                                                                 .server_name = flags.String("tlsservername")});
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  std::signal(SIGPIPE, SIG_IGN);
  loam::cli::Context context;
  context.stop = loam::cli::WatchSignals();
  context.remote_engine = MakeEngine;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int code = static_cast<int>(loam::cli::RunNamed(context, argc > 0 ? argv[0] : "", arguments));
  std::fflush(stdout);
  return code == 0 && std::ferror(stdout) != 0 ? 1 : code;
}
