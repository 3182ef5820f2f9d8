#include "runtime-executor/worker/oci_worker.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/process.h"
#include "base/strings.h"
#include "runtime-executor/worker/oci_container.h"
#include "runtime-executor/worker/oci_step.h"
#include "runtime-executor/worker/seccomp_profile.h"
#include "runtime-executor/worker/supervisor_image.h"

namespace loam::worker {

namespace {

// Reads both streams until they end. All processes of the step hold the pipes, and all are dead when they end. On stop
// it kills the supervisor, and with it the step, and reads on.
Result<> Forward(const Process& supervisor, int out, int err, OutputSink& sink, const std::stop_token& stop) {
  const UniqueFd stop_event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(stop, [&] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(stop_event.get(), &one, sizeof(one));
  });
  pollfd polls[3] = {{out, POLLIN, 0}, {err, POLLIN, 0}, {stop_event.get(), POLLIN, 0}};
  char buffer[65536];
  while (polls[0].fd >= 0 || polls[1].fd >= 0) {
    if (poll(polls, 3, -1) < 0) {
      if (errno == EINTR) {
        continue;
      }
      return UnexpectedErrno("poll");
    }
    if (polls[2].revents != 0) {
      supervisor.Kill(SIGKILL);
      polls[2].fd = -1;
    }
    for (int i = 0; i < 2; ++i) {
      if (polls[i].fd < 0 || polls[i].revents == 0) {
        continue;
      }
      const ssize_t got = read(polls[i].fd, buffer, sizeof(buffer));
      if (got > 0) {
        sink.Write(i == 0 ? OutputStream::kStdout : OutputStream::kStderr,
                   std::string_view(buffer, static_cast<std::size_t>(got)));
      } else if (got == 0 || errno != EINTR) {
        polls[i].fd = -1;
      }
    }
  }
  return {};
}

}  // namespace

OciWorker::OciWorker(WorkerOptions options, RuntimeKind kind, std::string program, UniqueFd supervisor,
                     CgroupHost cgroups)
    : options_(std::move(options)),
      kind_(kind),
      program_(std::move(program)),
      supervisor_(std::move(supervisor)),
      cgroups_(std::move(cgroups)) {}

OciWorker::~OciWorker() {
  // Succeeds only when no other process has steps there.
  std::error_code error;
  if (cgroups_.version == CgroupVersion::kV2) {
    rmdir((cgroups_.mount + "/" + options_.cgroup_parent).c_str());
  } else if (cgroups_.version == CgroupVersion::kV1) {
    for (const auto& entry : std::filesystem::directory_iterator(cgroups_.mount, error)) {
      rmdir((entry.path().string() + "/" + options_.cgroup_parent).c_str());
    }
  }
}

std::string OciWorker::Describe() const {
  ProcessSpec spec;
  spec.args = {program_, "--version"};
  auto output = RunProcess(std::move(spec));
  std::string_view first = output ? Split(output->out, '\n').front() : std::string_view();
  // "crun version 1.8.1", "runc version 1.1.5"
  const auto version = first.rfind(' ');
  return fmt::format("{} {} ({})", kind_ == RuntimeKind::kCrun ? "crun" : "runc",
                     version == std::string_view::npos ? "?" : first.substr(version + 1), program_);
}

Result<std::string> OciWorker::SeccompProgram() {
  const std::lock_guard lock(mutex_);
  if (!seccomp_) {
    seccomp_ = CompileSeccomp();
  }
  return *seccomp_;
}

Result<OciSetup> OciWorker::Setup(const ExecSpec& spec) {
  OciSetup setup{&options_, kind_, program_, supervisor_.get(), &cgroups_, {}};
  if (kind_ == RuntimeKind::kCrun && spec.security != SecurityMode::kInsecure) {
    setup.seccomp_program = LOAM_TRY(SeccompProgram());
  }
  return setup;
}

Result<ExecResult> OciWorker::Run(const ExecSpec& spec, OutputSink& output, std::stop_token stop) {
  auto [out_read, out_write] = LOAM_TRY(MakePipe());
  auto [err_read, err_write] = LOAM_TRY(MakePipe());
  const ProcessStreams streams{spec.stdin_fd, out_write.get(), err_write.get(), false};
  const OciSetup setup = LOAM_TRY(Setup(spec));
  const std::unique_ptr<OciStep> step = LOAM_TRY(OciStep::Prepare(setup, spec, streams, next_step_++, stop));
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "canceled");
  }
  SupervisedProcess supervisor = LOAM_TRY(SupervisedProcess::Start(step->TakeStart().call));
  out_write.Reset();
  err_write.Reset();
  LOAM_TRY(Forward(supervisor.process(), out_read.get(), err_read.get(), output, stop));
  const Result<ExitStatus> status = supervisor.Finish();
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "canceled");
  }
  return step->Interpret(LOAM_TRY(status), 0);
}

Result<std::unique_ptr<Container>> OciWorker::Start(const ExecSpec& spec, const ProcessStreams& streams,
                                                    std::stop_token stop) {
  return OciContainer::Start(LOAM_TRY(Setup(spec)), spec, streams, next_step_++, std::move(stop));
}

Result<std::unique_ptr<Worker>> Worker::Open(WorkerOptions options) {
  if (geteuid() != 0) {
    return Unexpected(Error(ErrorCode::kFailedPrecondition, "running a build step needs root")
                          .WithHint("run loam as root, for example with `sudo`"));
  }
  std::optional<std::string> program;
  if (options.runtime.empty()) {
    program = FindProgram("crun");
    if (!program) {
      program = FindProgram("runc");
    }
    if (!program) {
      return Unexpected(
          Error(ErrorCode::kFailedPrecondition, "neither `crun` nor `runc` is installed; build steps need one")
              .WithHint("install it: apt-get install crun"));
    }
  } else {
    program = FindProgram(options.runtime);
    if (!program) {
      return Unexpected(
          Error(ErrorCode::kFailedPrecondition, fmt::format("the OCI runtime `{}` is not installed", options.runtime))
              .WithHint("install it: apt-get install crun"));
    }
  }
  const std::string name = std::filesystem::path(*program).filename();
  RuntimeKind kind = RuntimeKind::kRunc;
  if (name.find("crun") != std::string::npos) {
    kind = RuntimeKind::kCrun;
  } else if (name.find("runc") == std::string::npos) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("the OCI runtime must be crun or runc, not `{}`", *program));
  }
  std::error_code error;
  options.state_dir = std::filesystem::absolute(options.state_dir, error).lexically_normal();
  std::filesystem::create_directories(options.state_dir + "/run", error);
  if (error) {
    return Unexpected(Error::FromErrno(error.value(), "make " + options.state_dir + "/run"));
  }
  CgroupHost cgroups = DetectCgroups();
  RemoveStaleCgroups(cgroups, options.cgroup_parent);
  UniqueFd supervisor = LOAM_TRY(OpenSupervisor());
  return std::make_unique<OciWorker>(std::move(options), kind, *std::move(program), std::move(supervisor),
                                     std::move(cgroups));
}

}  // namespace loam::worker
