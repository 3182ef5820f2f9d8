// The program `loam`: signals, locale and the command line; everything else is in the library beside it.
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/descriptor_limit.h"
#include "base/print.h"
#include "cli/command.h"
#include "cli/commands/earthfile/earth_verbs.h"
#include "cli/signals/signal_watcher.h"

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  std::signal(SIGPIPE, SIG_IGN);
  loam::RaiseDescriptorLimit();
  loam::cli::Context context;
  context.stop = loam::cli::WatchSignals();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int code = static_cast<int>(loam::cli::RunNamed(context, argc > 0 ? argv[0] : "", arguments));
  // Output that could not be written is a failure; who closed the pipe (`loam … | head`) knows why.
  const bool lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (lost && code == 0 && errno != EPIPE) {
    loam::PrintTo(stderr, "error: standard output could not be written\n");
  }
  return lost && code == 0 ? 1 : code;
}
