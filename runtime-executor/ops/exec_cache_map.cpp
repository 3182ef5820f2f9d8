#include "runtime-executor/ops/exec_cache_map.h"

#include <fmt/format.h>

#include "base/go_json.h"
#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/content_key.h"

namespace loam::ops {

namespace {

#if defined(__x86_64__)
constexpr std::string_view kHostArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kHostArchitecture = "arm64";
#endif

// The id of a cache mount counts only where a Dockerfile's default gives it: the destination, or that in a namespace.
bool KeepsCacheId(const pb::Mount& mount) {
  if (mount.cacheopt().sharing() != pb::SHARED) {
    return false;
  }
  if (mount.cacheopt().id() == mount.dest()) {
    return true;
  }
  const auto parts = SplitOnce(mount.cacheopt().id(), '/');
  return parts && parts->second == mount.dest();
}

std::string MetaJson(const pb::Meta& meta) {
  GoJsonObject object;
  object.AddList("args", meta.args()).AddList("env", meta.env()).Add("cwd", meta.cwd()).Add("user", meta.user());
  std::vector<std::string> hosts;
  for (const pb::HostIP& host : meta.extrahosts()) {
    hosts.push_back(GoJsonObject().Add("Host", host.host()).Text());  // not its address
  }
  if (!hosts.empty()) {
    object.Always("extraHosts", GoJsonArray(hosts));
  }
  object.Add("hostname", meta.hostname());
  std::vector<std::string> ulimits;
  for (const pb::Ulimit& limit : meta.ulimit()) {
    ulimits.push_back(
        GoJsonObject().Add("Name", limit.name()).Add("Soft", limit.soft()).Add("Hard", limit.hard()).Text());
  }
  if (!ulimits.empty()) {
    object.Always("ulimit", GoJsonArray(ulimits));
  }
  object.Add("cgroupParent", meta.cgroupparent())
      .AddFlag("removeMountStubsRecursive", meta.removemountstubsrecursive());
  std::vector<std::string> codes;
  for (const auto code : meta.validexitcodes()) {
    codes.push_back(std::to_string(code));
  }
  if (!codes.empty()) {
    object.Always("validExitCodes", GoJsonArray(codes));
  }
  return object.Text();
}

template <class Options>
std::string FileOptionsJson(const Options& options) {
  return GoJsonObject()
      .Add("ID", options.id())
      .Add("uid", std::int64_t{options.uid()})
      .Add("gid", std::int64_t{options.gid()})
      .Add("mode", std::int64_t{options.mode()})
      .AddFlag("optional", options.optional())
      .Text();
}

std::string MountJson(const pb::Mount& mount) {
  GoJsonObject object;
  object.Add("input", mount.input())
      .Add("dest", mount.dest())
      .Add("output", mount.output())
      .AddFlag("readonly", mount.readonly())
      .Add("mountType", std::int64_t{mount.mounttype()});
  if (mount.has_tmpfsopt()) {
    object.Always("TmpfsOpt", GoJsonObject().Add("size", mount.tmpfsopt().size()).Text());
  }
  if (mount.has_cacheopt()) {
    const bool keep = KeepsCacheId(mount);
    object.Always("cacheOpt", GoJsonObject().Add("ID", keep ? mount.cacheopt().id() : std::string()).Text());
  }
  if (mount.has_secretopt()) {
    object.Always("secretOpt", FileOptionsJson(mount.secretopt()));
  }
  if (mount.has_sshopt()) {
    object.Always("SSHOpt", FileOptionsJson(mount.sshopt()));
  }
  object.Add("resultID", mount.resultid()).Add("contentCache", std::int64_t{mount.contentcache()});
  return object.Text();
}

// One ordinary root: early versions of BuildKit left mounts out of the key, and this case stays as it was.
bool OnlyRoot(const pb::ExecOp& exec) {
  if (exec.mounts_size() != 1) {
    return false;
  }
  const pb::Mount& mount = exec.mounts(0);
  return mount.dest() == "/" && !mount.readonly() && mount.mounttype() == pb::BIND && !mount.has_cacheopt() &&
         !mount.has_sshopt() && !mount.has_secretopt() && mount.resultid().empty();
}

std::string ExecJson(const pb::ExecOp& exec) {
  GoJsonObject object;
  if (exec.has_meta()) {
    object.Always("meta", MetaJson(exec.meta()));
  }
  if (!OnlyRoot(exec)) {
    std::vector<std::string> mounts;
    for (const pb::Mount& mount : exec.mounts()) {
      mounts.push_back(MountJson(mount));
    }
    if (!mounts.empty()) {
      object.Always("mounts", GoJsonArray(mounts));
    }
  }
  object.Add("network", std::int64_t{exec.network()}).Add("security", std::int64_t{exec.security()});
  std::vector<std::string> secrets;
  for (const pb::SecretEnv& secret : exec.secretenv()) {
    secrets.push_back(
        GoJsonObject().Add("ID", secret.id()).Add("name", secret.name()).AddFlag("optional", secret.optional()).Text());
  }
  if (!secrets.empty()) {
    object.Always("secretenv", GoJsonArray(secrets));
  }
  std::vector<std::string> devices;
  for (const pb::CDIDevice& device : exec.cdidevices()) {
    devices.push_back(GoJsonObject().Add("name", device.name()).AddFlag("optional", device.optional()).Text());
  }
  if (!devices.empty()) {
    object.Always("cdiDevices", GoJsonArray(devices));
  }
  return object.Text();
}

std::string_view MountTypeName(pb::MountType type) {
  switch (type) {
    case pb::BIND:
      return "bind";
    case pb::SECRET:
      return "secret";
    case pb::SSH:
      return "ssh";
    case pb::CACHE:
      return "cache";
    case pb::TMPFS:
      return "tmpfs";
    default:
      return "unknown";
  }
}

std::string FileOptionsText(std::uint32_t uid, std::uint32_t gid, std::uint32_t mode, bool optional) {
  return fmt::format("uid={},gid={},mode={:o}{}", uid, gid, mode, optional ? ",optional" : "");
}

// Everything that is in the key text, in words.
solver::Preimage ExecPreimage(const pb::Op& op) {
  const pb::ExecOp& exec = op.exec();
  const pb::Meta& meta = exec.meta();
  solver::Preimage preimage;
  auto add = [&](std::string name, std::string value) {
    preimage.fields.push_back({std::move(name), std::move(value)});
  };
  add("op", "exec");
  for (int i = 0; i < meta.args_size(); ++i) {
    add(fmt::format("arg:{}", i), meta.args(i));
  }
  for (const std::string& variable : meta.env()) {
    const auto parts = SplitOnce(variable, '=');
    add(fmt::format("env:{}", parts ? parts->first : std::string_view(variable)),
        std::string(parts ? parts->second : ""));
  }
  add("cwd", meta.cwd());
  add("user", meta.user());
  if (op.has_platform()) {
    const pb::Platform& platform = op.platform();
    add("platform",
        fmt::format("{}/{}{}{}{}{}", platform.os(), platform.architecture(), platform.variant().empty() ? "" : "/",
                    platform.variant(), platform.osversion().empty() ? "" : " ", platform.osversion()));
  } else {
    add("platform", fmt::format("linux/{}", kHostArchitecture));
  }
  if (exec.network() != pb::UNSET) {
    add("network", pb::NetMode_Name(exec.network()));
  }
  if (exec.security() != pb::SANDBOX) {
    add("security", pb::SecurityMode_Name(exec.security()));
  }
  if (!meta.hostname().empty()) {
    add("hostname", meta.hostname());
  }
  for (const pb::HostIP& host : meta.extrahosts()) {
    add("extra-host:" + host.host(), "");
  }
  for (const pb::Ulimit& limit : meta.ulimit()) {
    add("ulimit:" + limit.name(), fmt::format("{}:{}", limit.soft(), limit.hard()));
  }
  if (!meta.cgroupparent().empty()) {
    add("cgroup-parent", meta.cgroupparent());
  }
  for (const auto code : meta.validexitcodes()) {
    add("valid-exit-code", std::to_string(code));
  }
  for (const pb::SecretEnv& secret : exec.secretenv()) {
    add("secret:" + secret.id(), fmt::format("as variable {}{}", secret.name(), secret.optional() ? ", optional" : ""));
  }
  for (const pb::CDIDevice& device : exec.cdidevices()) {
    add("device:" + device.name(), device.optional() ? "optional" : "");
  }
  if (OnlyRoot(exec)) {
    return preimage;
  }
  for (const pb::Mount& mount : exec.mounts()) {
    std::string value = fmt::format("type={},input={},output={}{}", MountTypeName(mount.mounttype()), mount.input(),
                                    mount.output(), mount.readonly() ? ",readonly" : "");
    switch (mount.mounttype()) {
      case pb::SECRET: {
        const pb::SecretOpt& secret = mount.secretopt();
        add("secret:" + secret.id(),
            fmt::format("at {} {}", mount.dest(),
                        FileOptionsText(secret.uid(), secret.gid(), secret.mode(), secret.optional())));
        continue;
      }
      case pb::SSH: {
        const pb::SSHOpt& ssh = mount.sshopt();
        add("ssh:" + ssh.id(),
            fmt::format("at {} {}", mount.dest(), FileOptionsText(ssh.uid(), ssh.gid(), ssh.mode(), ssh.optional())));
        continue;
      }
      case pb::TMPFS:
        value += fmt::format(",size={}", mount.tmpfsopt().size());
        break;
      case pb::CACHE:
        if (KeepsCacheId(mount)) {
          value += ",id=" + mount.cacheopt().id();
        }
        break;
      default:
        break;
    }
    if (mount.contentcache() != pb::DEFAULT) {
      value += ",content-cache=" + pb::MountContentCache_Name(mount.contentcache());
    }
    add("mount:" + mount.dest(), std::move(value));
  }
  return preimage;
}

struct InputUse {
  std::vector<std::string> selectors;
  bool by_content = false;
};

Result<std::vector<InputUse>> InputUses(const pb::ExecOp& exec, std::size_t input_count) {
  std::vector<InputUse> uses(input_count);
  for (const pb::Mount& mount : exec.mounts()) {
    if (mount.mounttype() == pb::SECRET || mount.mounttype() == pb::SSH || mount.mounttype() == pb::TMPFS ||
        mount.input() == -1) {
      continue;
    }
    if (mount.input() < 0 || static_cast<std::uint64_t>(mount.input()) >= input_count) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("mount {} names input {} of {}", mount.dest(), mount.input(), input_count));
    }
    InputUse& use = uses[static_cast<std::size_t>(mount.input())];
    const std::string selector = CleanRootedPath(mount.selector());
    use.selectors.push_back(selector);
    // Only safe where what was not selected cannot come out again: nothing comes out, or nothing was changed, or all of
    // it was selected.
    const bool safe = mount.output() == -1 || mount.readonly() || selector == "/";
    switch (mount.contentcache()) {
      case pb::OFF:
        use.by_content = false;
        break;
      case pb::ON:
        if (!safe) {
          return Unexpected(ErrorCode::kInvalidArgument,
                            fmt::format("mount {}: its content cannot be a part of the cache key", mount.dest()));
        }
        use.by_content = true;
        break;
      default:
        // Of a whole root filesystem it would cost more than it is worth.
        use.by_content = safe && mount.dest() != "/";
        break;
    }
  }
  return uses;
}

}  // namespace

std::string ExecKeyText(const pb::Op& op) {
  GoJsonObject object;
  object.Always("Type", "\"buildkit.exec.v0\"").Always("Exec", ExecJson(op.exec()));
  if (op.has_platform()) {
    const pb::Platform& platform = op.platform();
    object.Always("OS", GoJsonString(platform.os()))
        .Always("Arch", GoJsonString(platform.architecture()))
        .Add("Variant", platform.variant())
        .Add("OSVersion", platform.osversion())
        .AddList("OSFeatures", platform.osfeatures());
  } else {
    object.Always("OS", "\"linux\"").Always("Arch", GoJsonString(kHostArchitecture));
  }
  return object.Text();
}

Result<solver::CacheMap> ExecCacheMap(const pb::Op& op, std::size_t input_count, cache::ChecksumCache* checksums) {
  const std::vector<InputUse> uses = LOAM_TRY(InputUses(op.exec(), input_count));
  solver::CacheMap map;
  map.digest = Digest::Of(ExecKeyText(op));
  map.preimage = ExecPreimage(op);
  map.inputs.resize(input_count);
  for (std::size_t i = 0; i < input_count; ++i) {
    const InputUse& use = uses[i];
    if (!use.selectors.empty()) {
      std::string joined;
      for (const std::string& selector : use.selectors) {
        joined += joined.empty() ? std::string() : std::string(1, static_cast<char>(0));
        joined += selector;
      }
      map.inputs[i].selector = Digest::Of(joined);
    }
    if (use.by_content) {
      std::vector<PathSelector> selectors;
      for (const std::string& path : DedupePaths(use.selectors)) {
        if (path == "/") {
          selectors.clear();
          break;
        }
        PathSelector selector;
        selector.path = path;
        selector.options.follow_links = true;
        selectors.push_back(std::move(selector));
      }
      map.inputs[i].content_key = NewContentKey(checksums, std::move(selectors));
    }
  }
  return map;
}

}  // namespace loam::ops
