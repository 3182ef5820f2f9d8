// The program `loam`: signals, locale and the command line; everything else is in the library beside it.
#include <clocale>
#include <csignal>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

#include "cli/command.h"
#include "cli/commands/earthfile/earth_verbs.h"
#include "cli/signals/signal_watcher.h"

namespace {

// fmt throws where a stream cannot be written: a closed pipe behind `2>&1 | head`, a full disk. Nobody can be told.
int RunAll(loam::cli::Context& context, const char* called, const std::vector<std::string>& arguments) {
  try {
    return static_cast<int>(loam::cli::RunNamed(context, called, arguments));
  } catch (const std::system_error&) {
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  std::signal(SIGPIPE, SIG_IGN);
  loam::cli::Context context;
  context.stop = loam::cli::WatchSignals();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int code = RunAll(context, argc > 0 ? argv[0] : "", arguments);
  std::fflush(stdout);
  // Output that could not be written (a full disk behind `-o -`, a closed pipe) is a failure.
  return code == 0 && std::ferror(stdout) != 0 ? 1 : code;
}
