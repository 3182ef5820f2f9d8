#include "runtime-executor/ops/container.h"

#include <fcntl.h>

#include <fmt/format.h>

#include "base/file_system.h"
#include "runtime-executor/ops/exec_environment.h"
#include "runtime-executor/ops/fs_result.h"

namespace loam::ops {

FrontendContainer::FrontendContainer(const OpEnvironment& environment, std::shared_ptr<JobServices> services,
                                     ContainerOptions options)
    : environment_(environment),
      services_(std::move(services)),
      options_(std::move(options)),
      mounts_(environment, services_->client()) {}

FrontendContainer::~FrontendContainer() = default;

Result<std::unique_ptr<FrontendContainer>> FrontendContainer::Create(const OpEnvironment& environment,
                                                                     std::shared_ptr<JobServices> services,
                                                                     ContainerOptions options, std::stop_token stop) {
  LOAM_TRY(CheckEntitlements(options.network, pb::SANDBOX, services->entitlements()));
  std::unique_ptr<FrontendContainer> container(
      new FrontendContainer(environment, std::move(services), std::move(options)));
  const ContainerOptions& given = container->options_;
  pb::ExecOp exec;
  std::vector<solver::ResultPtr> inputs;
  for (const ContainerMount& mount : given.mounts) {
    pb::Mount& made = *exec.add_mounts();
    made = mount.mount;
    made.set_output(exec.mounts_size() - 1);  // every filesystem may be written to
    made.set_input(-1);
    if (mount.fs) {
      made.set_input(static_cast<std::int64_t>(inputs.size()));
      inputs.push_back(MakeFsResult(*mount.fs));
    }
  }
  worker::ExecSpec& spec = container->spec_;
  LOAM_TRY(container->mounts_.Prepare(exec, inputs, spec, stop));
  for (const ContainerHostMount& mount : given.host_mounts) {
    container->host_fds_.push_back(LOAM_TRY(OpenFile(mount.path, O_PATH | O_DIRECTORY)));
    worker::ExecMount host;
    host.kind = worker::MountKind::kHost;
    host.dest = mount.dest;
    host.fd = container->host_fds_.back().get();
    host.readonly = true;
    spec.mounts.push_back(std::move(host));
  }
  spec.network = LOAM_TRY(NetworkOf(given.network));
  spec.extra_hosts = given.extra_hosts;
  spec.hostname = given.hostname;
  return container;
}

Result<std::shared_ptr<worker::ContainerProcess>> FrontendContainer::Start(const ContainerStart& start,
                                                                           const worker::ProcessStreams& streams,
                                                                           std::stop_token stop) {
  LOAM_TRY(CheckEntitlements(pb::UNSET, start.security, services_->entitlements()));
  worker::ProcessRequest request;
  request.args = start.args;
  request.env = start.env;
  request.cwd = start.cwd;
  request.user = start.user;
  AddDefault("PATH", options_.windows ? kWindowsPath : kDefaultPath, request.env);
  if (streams.terminal) {
    AddDefault("TERM", "xterm", request.env);
  }
  google::protobuf::RepeatedPtrField<pb::SecretEnv> secrets;
  secrets.Assign(start.secret_env.begin(), start.secret_env.end());
  LOAM_TRY(AddSecrets(secrets, services_->client(), stop, request.env));

  std::shared_ptr<worker::Container> container;
  {
    const std::lock_guard lock(mutex_);
    if (!started_) {
      started_ = true;
      worker::ExecSpec spec = spec_;
      spec.args = std::move(request.args);
      spec.env = std::move(request.env);
      spec.cwd = std::move(request.cwd);
      spec.user = std::move(request.user);
      spec.security = start.security == pb::INSECURE ? worker::SecurityMode::kInsecure : worker::SecurityMode::kSandbox;
      spec.remove_mount_stubs_recursive = start.remove_mount_stubs_recursive;
      worker::Worker* worker = LOAM_TRY(environment_.worker());
      container_ = LOAM_TRY(worker->Start(spec, streams, stop));
      return container_;
    }
    container = container_;
  }
  if (container == nullptr) {
    return Unexpected(ErrorCode::kFailedPrecondition, "the container's first process could not be started");
  }
  return std::shared_ptr<worker::ContainerProcess>(LOAM_TRY(container->Exec(request, streams)));
}

Result<int> FrontendContainer::View(std::size_t index) const {
  const int view = mounts_.ViewOf(index);
  if (view < 0) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("mount index {} is out of bounds ({} available)", index, options_.mounts.size()));
  }
  return view;
}

}  // namespace loam::ops
