#include "runtime-executor/ops/failed_step.h"

#include <csignal>

#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/container.h"
#include "runtime-executor/ops/exec_environment.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/ops/op_failure.h"

namespace loam::ops {

Result<int> RunInFailedStep(const Error& failure, const std::string& title, std::vector<std::string> args,
                            const OpEnvironment& environment, std::shared_ptr<JobServices> services,
                            TerminalLender& terminal, std::stop_token stop) {
  const auto* const failed_op = failure.Detail<FailedOpDetail>();
  const auto* const left = failure.Detail<FailedFilesystemsDetail>();
  if (failed_op == nullptr || left == nullptr || !failed_op->op->has_exec()) {
    return Unexpected(ErrorCode::kNotFound, "no process of a step failed");
  }
  const pb::ExecOp& exec = failed_op->op->exec();
  const pb::Meta& meta = exec.meta();
  ContainerOptions options;
  for (int i = 0; i < exec.mounts_size(); ++i) {
    const auto index = static_cast<std::size_t>(i);
    const FailedFilesystems& fs = left->filesystems;
    ContainerMount& mount = options.mounts.emplace_back();
    mount.mount = exec.mounts(i);
    if (index < fs.outputs.size() && fs.outputs[index]) {
      mount.fs = fs.outputs[index];
    } else if (index < fs.inputs.size()) {
      mount.fs = fs.inputs[index];
    }
  }
  options.network = exec.network();
  for (const pb::HostIP& host : meta.extrahosts()) {
    options.extra_hosts.push_back({host.host(), host.ip()});
  }
  options.hostname = meta.hostname();
  const auto container =
      LOAM_TRY(FrontendContainer::Create(environment, std::move(services), std::move(options), stop));

  ContainerStart start;
  start.args = std::move(args);
  start.env.assign(meta.env().begin(), meta.env().end());
  AddDefault("TERM", terminal.type().empty() ? "xterm" : terminal.type(), start.env);
  start.secret_env.assign(exec.secretenv().begin(), exec.secretenv().end());
  start.cwd = meta.cwd();
  start.user = meta.user();
  start.security = exec.security();
  int code = 0;
  LOAM_TRY(terminal.Lend(
      title,
      [&](TerminalPeer& peer) -> Result<> {
        const auto process = LOAM_TRY(container->Start(start, worker::ProcessStreams{.terminal = true}, stop));
        const std::stop_callback kill(stop, [&] { static_cast<void>(process->Signal(SIGKILL)); });
        peer.Attach(*process);
        code = LOAM_TRY(process->Wait(stop)).exit_code;
        return {};
      },
      stop));
  return code;
}

}  // namespace loam::ops
