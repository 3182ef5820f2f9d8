// The program `loamd`, also under the name `buildkitd`: the engine behind BuildKit's Control API. Under the name
// `buildctl` (or as `loamd dial-stdio`) it is the small client that BuildKit's clients call inside containers.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime-executor/daemon/client_verbs.h"
#include "runtime-executor/daemon/config.h"
#include "runtime-executor/daemon/daemon.h"
#include "runtime-executor/daemon/systemd.h"

namespace {

constexpr int kInterrupted = 130;

int Fail(const std::string& program, const loam::Error& error) {
  fmt::print(stderr, "{}: {}\n", program, error.message());
  if (!error.hint().empty()) {
    fmt::print(stderr, "{}\n", error.hint());
  }
  return 1;
}

int Serve(const std::string& program, const loam::daemon::Config& config, const sigset_t& signals) {
  loam::daemon::Log log(config.log_level, config.log_json);
  auto daemon = loam::daemon::Daemon::Start(config, log);
  if (!daemon) {
    return Fail(program, daemon.error());
  }
  if (const auto notified = loam::daemon::NotifyManager("READY=1"); !notified) {
    log.Warning(notified.error().message());
  }
  int signal = 0;
  sigwait(&signals, &signal);
  log.Info(fmt::format("got {}: stopping when running builds have ended; a second signal cancels them",
                       signal == SIGINT ? "SIGINT" : "SIGTERM"));
  static_cast<void>(loam::daemon::NotifyManager("STOPPING=1"));
  std::stop_source impatient;
  std::thread([signals, impatient]() mutable {
    int next = 0;
    sigwait(&signals, &next);
    impatient.request_stop();
    sigwait(&signals, &next);
    ::_exit(kInterrupted);
  }).detach();
  (*daemon)->Drain(impatient.get_token());
  (*daemon)->Stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // Taken by sigwait, so that no code runs in a handler.
  sigset_t signals{};
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  std::signal(SIGPIPE, SIG_IGN);

  const std::string program = std::filesystem::path(argv[0]).filename();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (program == "buildctl" || (!arguments.empty() && arguments.back() == "dial-stdio")) {
    return loam::daemon::RunClientVerb(program, arguments);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto invocation = loam::daemon::ParseArguments(program, arguments);
  if (!invocation) {
    return Fail(program, invocation.error());
  }
  if (!invocation->text.empty()) {
    fmt::print("{}", invocation->text);
    return 0;
  }
  return Serve(program, invocation->config, signals);
}
