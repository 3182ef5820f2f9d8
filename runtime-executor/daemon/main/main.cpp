// The program `loamd`, also under the name `buildkitd`: the engine behind BuildKit's Control API. Under the name
// `buildctl` (or as `loamd dial-stdio`) it is the small client that BuildKit's clients call inside containers.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>
#include <unistd.h>

#include <fmt/format.h>
#include <grpc/grpc.h>

#include "base/descriptor_limit.h"
#include "base/print.h"
#include "base/stoppable_sleep.h"
#include "runtime-executor/daemon/client_verbs.h"
#include "runtime-executor/daemon/config.h"
#include "runtime-executor/daemon/daemon.h"
#include "runtime-executor/daemon/systemd.h"

namespace {

constexpr int kInterrupted = 130;
// Cancelled builds end well within it.
constexpr std::chrono::seconds kStopLimit{20};

int Fail(const std::string& program, const loam::Error& error) {
  loam::PrintTo(stderr, "{}: {}\n", program, error.message());
  if (!error.hint().empty()) {
    loam::PrintTo(stderr, "{}\n", error.hint());
  }
  return 1;
}

int Serve(const std::string& program, const loam::daemon::Config& config, const sigset_t& signals) {
  // One reference that stays: the last one's end waits up to 10 s for a thread of gRPC's that polls for connections
  // whose peers did not read.
  grpc_init();
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
  // Shared with a thread that may outlive this function.
  const auto impatient = std::make_shared<std::stop_source>();
  std::thread([signals, impatient] {
    int next = 0;
    sigwait(&signals, &next);
    impatient->request_stop();
    sigwait(&signals, &next);
    ::_exit(kInterrupted);
  }).detach();
  if (!(*daemon)->Drain(config.stop_patience, impatient->get_token())) {
    log.Warning(impatient->stop_requested()
                    ? "cancelling the builds that still run"
                    : "cancelling the builds that still run: they took longer than --stop-timeout");
  }
  // The next start finds a whole state whatever happens here, and steps end with this process.
  const std::jthread watchdog([&](const std::stop_token& ended) {
    if (loam::SleepUnlessStopped(kStopLimit, ended)) {
      log.Error(fmt::format("not everything has ended within {} s: giving up", kStopLimit.count()));
      ::_exit(1);
    }
  });
  (*daemon)->Stop();
  daemon->reset();
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
  loam::RaiseDescriptorLimit();
  const auto invocation = loam::daemon::ParseArguments(program, arguments);
  if (!invocation) {
    return Fail(program, invocation.error());
  }
  if (!invocation->text.empty()) {
    loam::PrintTo(stdout, "{}", invocation->text);
    return 0;
  }
  return Serve(program, invocation->config, signals);
}
