// The program `loamd`, also under the name `buildkitd`: the engine behind BuildKit's Control API.
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime-executor/daemon/daemon.h"

int main(int argc, char** argv) {
  // Taken by sigwait below, so that no code runs in a handler.
  sigset_t signals{};
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const auto options = loam::daemon::ParseArguments(std::vector<std::string>(argv + 1, argv + argc));
  if (!options) {
    fmt::print(stderr, "loamd: {}\n", options.error().message());
    return 1;
  }
  if (!options->text.empty()) {
    fmt::print("{}", options->text);
    return 0;
  }
  auto daemon = loam::daemon::Daemon::Start(*options);
  if (!daemon) {
    fmt::print(stderr, "loamd: {}\n", daemon.error().message());
    if (!daemon.error().hint().empty()) {
      fmt::print(stderr, "{}\n", daemon.error().hint());
    }
    return 1;
  }
  for (const std::string& address : options->server.addresses) {
    fmt::print(stderr, "running server on {}\n", address);
  }
  int signal = 0;
  sigwait(&signals, &signal);
  fmt::print(stderr, "got {}: stopping; a second signal stops at once\n", signal == SIGINT ? "SIGINT" : "SIGTERM");
  std::thread([&signals] {
    int second = 0;
    sigwait(&signals, &second);
    ::_exit(130);
  }).detach();
  (*daemon)->Stop();
  return 0;
}
