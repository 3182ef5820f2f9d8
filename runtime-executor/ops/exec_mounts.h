// The mounts of an exec op, prepared for the worker: what each shows, and which become outputs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/ops/exec_cache_mount.h"
#include "runtime-executor/ops/op_failure.h"
#include "runtime-executor/ops/op_resolver.h"
#include "runtime-executor/session/client_services.h"
#include "runtime-executor/session/ssh_forwarder.h"
#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/solver/result.h"
#include "runtime-executor/worker/worker.h"

namespace pb {
class ExecOp;
class Mount;
}  // namespace pb

namespace loam::ops {

class ExecMounts {
 public:
  // The environment and the client outlive the object.
  ExecMounts(const OpEnvironment& environment, session::ClientServices& client)
      : environment_(environment), client_(client) {}

  // Puts the root and the mounts into `spec`; the descriptors there are this object's.
  Result<> Prepare(const pb::ExecOp& exec, std::span<const solver::ResultPtr> inputs, worker::ExecSpec& spec,
                   std::stop_token stop);
  // Commits the writable ones: one result an output of the op.
  Result<std::vector<solver::ResultPtr>> Commit(const pb::ExecOp& exec);
  // The same after a failure: what every mount began with, and as the process left it.
  Result<FailedFilesystems> CommitFailed(const pb::ExecOp& exec, std::span<const solver::ResultPtr> inputs);
  // A view of mount `index` of the op, for reading its files; -1 if it shows no filesystem (a secret).
  [[nodiscard]] int ViewOf(std::size_t index) const { return index < views_.size() ? views_[index] : -1; }

 private:
  struct Output {
    std::int64_t index;
    std::size_t mount;  // its place among the op's mounts
    // One of the two.
    std::optional<snapshot::ActiveFs> active;
    snapshot::FsRef unchanged;
  };

  Result<> PrepareBind(const pb::Mount& mount, const snapshot::FsRef* input, bool root, worker::ExecMount& result,
                       std::stop_token stop);
  Result<> PrepareCache(const pb::Mount& mount, const snapshot::FsRef* input, worker::ExecMount& result,
                        std::stop_token stop);
  // False: an optional one that the client does not offer.
  Result<bool> PrepareSecret(const pb::Mount& mount, worker::ExecMount& result, std::stop_token stop);
  Result<bool> PrepareSsh(const pb::Mount& mount, worker::ExecMount& result, std::stop_token stop);

  const OpEnvironment& environment_;
  session::ClientServices& client_;
  std::size_t current_ = 0;  // the mount that is being prepared
  std::vector<Output> outputs_;
  // Of the root filesystem: where mount points are made and removed again, deepest first.
  std::vector<std::string> disturbed_;
  std::size_t root_mount_ = 0;
  struct Discarded {
    std::size_t mount;
    snapshot::ActiveFs active;
  };
  std::vector<Discarded> discarded_;  // writable, but no output
  std::vector<int> views_;            // by mount
  std::vector<snapshot::MountedFs> mounted_;
  std::map<std::string, CacheMount> caches_;  // by key: several mounts of one step share one
  std::vector<std::unique_ptr<session::SshForwarder>> forwarders_;
};

}  // namespace loam::ops
