#include "runtime-executor/ops/exec_mounts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/rooted_fs.h"
#include "base/strings.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/fs_result.h"

namespace loam::ops {

namespace {

constexpr std::uint32_t kPermissionBits = 0777;

std::string AbsoluteDest(const std::string& cwd, const std::string& dest) {
  return CleanRootedPath(dest.starts_with('/') ? dest : cwd + "/" + dest);
}

Result<CacheSharing> SharingOf(const pb::Mount& mount) {
  switch (mount.cacheopt().sharing()) {
    case pb::SHARED:
      return CacheSharing::kShared;
    case pb::PRIVATE:
      return CacheSharing::kPrivate;
    case pb::LOCKED:
      return CacheSharing::kLocked;
    default:
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("cache mount {}: unknown sharing mode", mount.dest()));
  }
}

// Everything of directory `from` into the empty directory `to`, itself included.
Result<> CopyDirectory(int from, int to) {
  struct stat info {};
  if (fstat(from, &info) != 0) {
    return UnexpectedErrno("stat the base of a cache mount");
  }
  if (!S_ISDIR(info.st_mode)) {
    return Unexpected(ErrorCode::kInvalidArgument, "the source of a cache mount is not a directory");
  }
  LOAM_TRY(CopyTree(from, to, {}));
  return CopyMetadata(from, info, to, {});
}

}  // namespace

Result<> ExecMounts::PrepareBind(const pb::Mount& mount, const snapshot::FsRef* input, bool root,
                                 worker::ExecMount& result, std::stop_token stop) {
  const snapshot::FsRef base = input != nullptr ? *input : snapshot::FsRef();
  const bool has_output = mount.output() != -1;
  if (has_output && mount.readonly() && input != nullptr && !root) {
    outputs_.push_back({mount.output(), current_, std::nullopt, base});
  } else if (has_output || root || !mount.readonly() || input == nullptr) {
    // For a writable mount alone, a transferred directory is copied: taking it would make the client send it again.
    const bool throwaway = !has_output && !root;
    snapshot::ActiveFs active =
        LOAM_TRY(environment_.layers->Begin(throwaway ? LOAM_TRY(environment_.layers->Materialize(base)) : base, stop));
    result.fd = active.fd();
    if (has_output) {
      outputs_.push_back({mount.output(), current_, std::move(active), {}});
    } else {
      discarded_.push_back({current_, std::move(active)});
    }
    return {};
  }
  if (base.is_host_tree() && base.host_tree()->shows_everything()) {
    // The host's own directory: nothing is copied, and the mount is read-only.
    result.kind = worker::MountKind::kHost;
    result.fd = base.host_tree()->fd();
    return {};
  }
  const snapshot::FsRef layers = LOAM_TRY(environment_.layers->Materialize(base));
  mounted_.push_back(LOAM_TRY(environment_.layers->Mount(layers, stop)));
  result.fd = mounted_.back().fd();
  return {};
}

Result<> ExecMounts::PrepareCache(const pb::Mount& mount, const snapshot::FsRef* input, worker::ExecMount& result,
                                  std::stop_token stop) {
  if (!mount.has_cacheopt()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("cache mount {} has no options", mount.dest()));
  }
  CacheMountRequest request;
  request.key = mount.cacheopt().id();
  request.sharing = LOAM_TRY(SharingOf(mount));
  snapshot::MountedFs base;
  const std::string selector = CleanRootedPath(mount.selector());
  if (input != nullptr) {
    const snapshot::FsRef layers = LOAM_TRY(environment_.layers->Materialize(*input));
    request.key += ":" + LOAM_TRY(layers.ToText());
    if (selector != "/") {
      request.key += ":" + selector;
    }
    request.fill = [&, layers](int dir_fd) -> Result<> {
      base = LOAM_TRY(environment_.layers->Mount(layers, stop));
      const UniqueFd from = LOAM_TRY(OpenInRoot(base.fd(), selector, O_RDONLY | O_DIRECTORY));
      return CopyDirectory(from.get(), dir_fd);
    };
    result.selector.clear();
    if (mount.output() != -1) {
      outputs_.push_back({mount.output(), current_, std::nullopt, *input});
    }
  }
  auto found = caches_.find(request.key);
  if (found == caches_.end()) {
    auto cache = LOAM_TRY_CONTEXT(fmt::format("cache mount {}", mount.dest()),
                                  CacheMount::Open(environment_.cache_mounts_dir, request, stop));
    found = caches_.emplace(request.key, std::move(cache)).first;
  }
  result.kind = worker::MountKind::kHost;
  result.fd = found->second.fd();
  return {};
}

Result<bool> ExecMounts::PrepareSecret(const pb::Mount& mount, worker::ExecMount& result, std::stop_token stop) {
  const pb::SecretOpt& secret = mount.secretopt();
  if (secret.id().empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("secret mount {} has no id", mount.dest()));
  }
  auto value = client_.secrets()->Get(secret.id(), stop);
  if (!value) {
    if (value.error().Is(ErrorCode::kNotFound) && secret.optional()) {
      return false;
    }
    return Unexpected(std::move(value).error().Wrap("secret " + secret.id()));
  }
  result.kind = worker::MountKind::kFile;
  result.content = *std::move(value);
  result.uid = secret.uid();
  result.gid = secret.gid();
  result.mode = secret.mode() & kPermissionBits;
  result.readonly = true;
  return true;
}

Result<bool> ExecMounts::PrepareSsh(const pb::Mount& mount, worker::ExecMount& result, std::stop_token stop) {
  const pb::SSHOpt& ssh = mount.sshopt();
  const std::shared_ptr<session::SshAgents> agents = client_.ssh();
  if (auto offered = agents->Check(ssh.id(), stop); !offered) {
    if (ssh.optional()) {
      return false;
    }
    return Unexpected(offered.error().Wrap("ssh mount " + mount.dest()));
  }
  auto connect = [agents, id = ssh.id()](std::stop_token connect_stop) { return agents->Connect(id, connect_stop); };
  forwarders_.push_back(
      LOAM_TRY(session::SshForwarder::Start(connect, ssh.uid(), ssh.gid(), ssh.mode() & kPermissionBits)));
  result.kind = worker::MountKind::kDetached;
  result.fd = forwarders_.back()->mount_fd();
  result.selector = session::SshForwarder::kSocketName;
  return true;
}

Result<> ExecMounts::Prepare(const pb::ExecOp& exec, std::span<const solver::ResultPtr> inputs, worker::ExecSpec& spec,
                             std::stop_token stop) {
  bool has_root = false;
  for (current_ = 0; current_ < static_cast<std::size_t>(exec.mounts_size()); ++current_) {
    const pb::Mount& mount = exec.mounts(static_cast<int>(current_));
    const bool root = mount.dest() == "/";
    if (root && mount.mounttype() != pb::BIND) {
      return Unexpected(ErrorCode::kInvalidArgument, "the root filesystem must be a bind mount");
    }
    std::optional<snapshot::FsRef> input;
    if (mount.input() != -1) {
      if (mount.input() < 0 || static_cast<std::uint64_t>(mount.input()) >= inputs.size()) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("mount {} has no input {}", mount.dest(), mount.input()));
      }
      input = FsOf(inputs[static_cast<std::size_t>(mount.input())]);
    }
    const snapshot::FsRef* base = input ? &*input : nullptr;
    worker::ExecMount prepared;
    prepared.dest = AbsoluteDest(exec.meta().cwd(), mount.dest());
    prepared.selector = mount.selector();
    prepared.readonly = mount.readonly();
    bool present = true;
    switch (mount.mounttype()) {
      case pb::BIND:
        LOAM_TRY_CONTEXT("mount " + mount.dest(), PrepareBind(mount, base, root, prepared, stop));
        break;
      case pb::CACHE:
        LOAM_TRY(PrepareCache(mount, base, prepared, stop));
        break;
      case pb::TMPFS:
        prepared.kind = worker::MountKind::kTmpfs;
        prepared.tmpfs_size = mount.tmpfsopt().size();
        break;
      case pb::SECRET:
        present = LOAM_TRY(PrepareSecret(mount, prepared, stop));
        break;
      case pb::SSH:
        present = LOAM_TRY(PrepareSsh(mount, prepared, stop));
        break;
      default:
        return Unexpected(ErrorCode::kUnimplemented, fmt::format("mount {}: type {} is not supported", mount.dest(),
                                                                 static_cast<int>(mount.mounttype())));
    }
    views_.push_back(
        prepared.kind == worker::MountKind::kDetached || prepared.kind == worker::MountKind::kHost ? prepared.fd : -1);
    if (root) {
      has_root = true;
      root_mount_ = current_;
      spec.root_fd = prepared.fd;
      spec.root_selector = prepared.selector;
      spec.readonly_root = mount.readonly();
    } else if (present) {
      spec.mounts.push_back(std::move(prepared));
    }
  }
  if (!has_root) {
    return Unexpected(ErrorCode::kInvalidArgument, "the step has no root filesystem");
  }
  std::set<std::string> above = {"/etc"};  // of the files that every step gets
  for (const worker::ExecMount& mount : spec.mounts) {
    for (std::size_t slash = mount.dest.rfind('/'); slash != 0 && slash != std::string::npos;
         slash = mount.dest.rfind('/', slash - 1)) {
      above.insert(mount.dest.substr(0, slash));
    }
  }
  // What is longer sorts behind what it begins with.
  disturbed_.assign(above.rbegin(), above.rend());
  return {};
}

Result<std::vector<solver::ResultPtr>> ExecMounts::Commit(const pb::ExecOp& exec) {
  std::int64_t count = 0;
  for (const Output& output : outputs_) {
    count = std::max(count, output.index + 1);
  }
  std::vector<solver::ResultPtr> results(static_cast<std::size_t>(count));
  for (Output& output : outputs_) {
    if (output.index < 0) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid output {}", output.index));
    }
    const std::span<const std::string> disturbed =
        output.mount == root_mount_ ? std::span<const std::string>(disturbed_) : std::span<const std::string>();
    snapshot::FsRef fs = output.unchanged;
    if (output.active) {
      fs = LOAM_TRY(std::move(*output.active).Commit(true, disturbed));
      const std::vector<std::string> args(exec.meta().args().begin(), exec.meta().args().end());
      LOAM_TRY(environment_.layers->Describe(
          fs,
          fmt::format("mount {} from exec {}", exec.mounts(static_cast<int>(output.mount)).dest(), Join(args, " "))));
    }
    results[static_cast<std::size_t>(output.index)] = MakeFsResult(std::move(fs));
  }
  return results;
}

Result<FailedFilesystems> ExecMounts::CommitFailed(const pb::ExecOp& exec, std::span<const solver::ResultPtr> inputs) {
  FailedFilesystems failed;
  for (const pb::Mount& mount : exec.mounts()) {
    if (mount.input() >= 0 && static_cast<std::uint64_t>(mount.input()) < inputs.size()) {
      failed.inputs.emplace_back(FsOf(inputs[static_cast<std::size_t>(mount.input())]));
    } else {
      failed.inputs.emplace_back();
    }
  }
  failed.outputs = failed.inputs;
  for (Output& output : outputs_) {
    failed.outputs[output.mount] = output.active ? LOAM_TRY(std::move(*output.active).Commit()) : output.unchanged;
  }
  for (Discarded& discarded : discarded_) {
    failed.outputs[discarded.mount] = LOAM_TRY(std::move(discarded.active).Commit());
  }
  return failed;
}

}  // namespace loam::ops
