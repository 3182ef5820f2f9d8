// OciStep: everything one container needs, from its mount points to its supervisor process; what it made is removed by
// the destructor, after all of it has ended.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/worker/bundle.h"
#include "runtime-executor/worker/cgroup.h"
#include "runtime-executor/worker/console_socket.h"
#include "runtime-executor/worker/mount_stubs.h"
#include "runtime-executor/worker/oci_worker.h"
#include "runtime-executor/worker/supervisor_call.h"

namespace loam::worker {

// What steps share; belongs to the worker.
struct OciSetup {
  const WorkerOptions* options = nullptr;
  RuntimeKind kind = RuntimeKind::kCrun;
  std::string program;
  int supervisor_fd = -1;
  const CgroupHost* cgroups = nullptr;
  // Compiled profile; empty: the profile itself goes into the spec.
  std::string seccomp_program;
};

struct PipeEnds {
  UniqueFd read;
  UniqueFd write;
};
Result<PipeEnds> MakePipe();

// A supervisor process that runs.
class SupervisedProcess {
 public:
  // Spawns; the kernel ends it with the calling thread.
  static Result<SupervisedProcess> Start(SupervisorCall call);
  [[nodiscard]] Process& process() { return process_; }
  // Waits for its end. What the supervisor itself could not do is kFailedPrecondition.
  Result<ExitStatus> Finish();

 private:
  SupervisedProcess(Process process, UniqueFd alive, UniqueFd status)
      : process_(std::move(process)), alive_(std::move(alive)), status_(std::move(status)) {}
  Process process_;
  UniqueFd alive_;
  UniqueFd status_;
};

class OciStep {
 public:
  // Makes everything but the process. `spec` and its mounts outlive the step, `number` is of no other step.
  static Result<std::unique_ptr<OciStep>> Prepare(const OciSetup& setup, const ExecSpec& spec,
                                                  const ProcessStreams& streams, std::uint64_t number,
                                                  const std::stop_token& stop);
  ~OciStep();
  OciStep(const OciStep&) = delete;
  OciStep& operator=(const OciStep&) = delete;

  struct Start {
    SupervisorCall call;
    // Sends the terminal, if there is one and the runtime sends it (crun).
    std::optional<ConsoleSocket> console;
  };
  // The call that becomes the container; once.
  Start TakeStart() { return std::move(start_); }
  // A call that runs `request` in the container of `supervisor`. `index` is of no other process of the step.
  Result<Start> ExecStart(const Process& supervisor, const ProcessRequest& request, const ProcessStreams& streams,
                          int index) const;
  // A call that signals process `index` (0: the first).
  [[nodiscard]] SupervisorCall SignalCall(const Process& supervisor, int signal, int index) const;
  // True once further processes may be started.
  [[nodiscard]] bool Running() const;
  // True once process `index` has a number.
  [[nodiscard]] bool Started(int index) const;

  // What the end of process `index` means.
  [[nodiscard]] Result<ExecResult> Interpret(const ExitStatus& status, int index) const;

 private:
  OciStep(const OciSetup& setup, const ExecSpec& spec, Bundle bundle)
      : setup_(setup), spec_(spec), base_(setup.options->state_dir + "/run"), bundle_(std::move(bundle)) {}
  Result<> JoinNetwork(const std::stop_token& stop);
  Result<> Build(const ProcessStreams& streams, std::uint64_t number);
  [[nodiscard]] std::vector<std::string> RuntimeCommand(const std::string& log) const;
  [[nodiscard]] std::string PidFile(int index) const;
  // Adds the option for a terminal that the runtime sends.
  Result<> AddConsole(int index, std::vector<std::string>& command, Start& start) const;

  const OciSetup setup_;
  const ExecSpec& spec_;
  const std::string base_;
  const Bundle bundle_;
  bool own_cgroup_ = false;
  UniqueFd selected_root_;
  int root_fd_ = -1;
  std::unique_ptr<MountStubs> stubs_;
  std::unique_ptr<StepCgroup> cgroup_;
  std::vector<UniqueFd> host_mounts_;
  NetworkMode network_mode_ = NetworkMode::kHost;
  int namespace_fd_ = -1;
  std::unique_ptr<StepNetwork> network_;
  Start start_;
};

}  // namespace loam::worker
