// A container that a frontend asks for: filesystems that were built, mounted as an exec op would, and processes that
// are started one by one. Nothing of it becomes a result.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/exec_mounts.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/ops/op_resolver.h"
#include "runtime-executor/snapshot/fs_ref.h"
#include "runtime-executor/worker/worker.h"

namespace loam::ops {

struct ContainerMount {
  // Its input and output do not count.
  pb::Mount mount;
  // nullopt: an empty filesystem.
  std::optional<snapshot::FsRef> fs;
};

// A directory of the host, read-only.
struct ContainerHostMount {
  std::string path;
  std::string dest;
};

struct ContainerOptions {
  // One of them at "/".
  std::vector<ContainerMount> mounts;
  std::vector<ContainerHostMount> host_mounts;
  pb::NetMode network = pb::UNSET;
  std::vector<worker::HostAddress> extra_hosts;
  std::string hostname;
  // What is said to be for Windows gets that system's default PATH.
  bool windows = false;
};

struct ContainerStart {
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::vector<pb::SecretEnv> secret_env;
  std::string cwd;
  std::string user;
  pb::SecurityMode security = pb::SANDBOX;
  bool remove_mount_stubs_recursive = false;
};

// Thread-safe. Destroying it ends its processes.
class FrontendContainer {
 public:
  // Everything here outlives the container. kPermissionDenied for a network that is not allowed.
  static Result<std::unique_ptr<FrontendContainer>> Create(const OpEnvironment& environment,
                                                           std::shared_ptr<JobServices> services,
                                                           ContainerOptions options, std::stop_token stop);
  ~FrontendContainer();
  FrontendContainer(const FrontendContainer&) = delete;
  FrontendContainer& operator=(const FrontendContainer&) = delete;

  // The first process makes the container; it ends with it. Processes end with the container, at the latest.
  Result<std::shared_ptr<worker::ContainerProcess>> Start(const ContainerStart& start,
                                                          const worker::ProcessStreams& streams, std::stop_token stop);

  // Descriptor of what mount `index` shows. kInvalidArgument if there is none.
  Result<int> View(std::size_t index) const;

 private:
  FrontendContainer(const OpEnvironment& environment, std::shared_ptr<JobServices> services, ContainerOptions options);

  const OpEnvironment& environment_;
  const std::shared_ptr<JobServices> services_;
  const ContainerOptions options_;
  ExecMounts mounts_;
  std::vector<UniqueFd> host_fds_;
  worker::ExecSpec spec_;
  std::mutex mutex_;  // guards started_ and container_
  bool started_ = false;
  std::shared_ptr<worker::Container> container_;
};

}  // namespace loam::ops
