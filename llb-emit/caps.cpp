#include "llb-emit/caps.h"

#include <algorithm>

#include "base/check.h"

namespace loam::llb {

namespace {

// A source attribute and the capability that comes with it; `value` not empty: only with this value.
struct AttrCap {
  ir::OpKind op;
  std::string_view attr;
  std::string_view cap;
  std::string_view value = {};
};

// "soruce" is what the wire has.
constexpr AttrCap kAttrCaps[] = {
    {ir::OpKind::kSourceImage, "image.checksum", "source.image.checksum"},
    {ir::OpKind::kSourceImage, "image.layerlimit", "source.image.layerlimit"},
    {ir::OpKind::kSourceImage, "image.resolvemode", "source.image.resolvemode", "pull"},
    {ir::OpKind::kSourceLocal, "local.excludepatterns", "source.local.excludepatterns"},
    {ir::OpKind::kSourceLocal, "local.followpaths", "source.local.followpaths"},
    {ir::OpKind::kSourceLocal, "local.includepattern", "source.local.includepatterns"},
    {ir::OpKind::kSourceLocal, "local.metadatatransfer", "source.local.metadatatransfer"},
    {ir::OpKind::kSourceLocal, "local.session", "source.local.sessionid"},
    {ir::OpKind::kSourceLocal, "local.sharedkeyhint", "source.local.sharedkeyhint"},
    {ir::OpKind::kSourceLocal, "local.unique", "source.local.unique"},
    {ir::OpKind::kSourceGit, "git.bundle", "source.git.bundle"},
    {ir::OpKind::kSourceGit, "git.checkoutbundle", "source.git.checkoutbundle"},
    {ir::OpKind::kSourceGit, "git.checksum", "source.git.checksum"},
    {ir::OpKind::kSourceGit, "git.fetchbycommit", "source.git.fetchbycommit"},
    {ir::OpKind::kSourceGit, "git.fullurl", "source.git.fullurl"},
    {ir::OpKind::kSourceGit, "git.keepgitdir", "source.git.keepgitdir"},
    {ir::OpKind::kSourceGit, "git.knownsshhosts", "source.git.knownsshhosts"},
    {ir::OpKind::kSourceGit, "git.mountsshsock", "source.git.mountsshsock"},
    {ir::OpKind::kSourceGit, "git.mtime", "source.git.mtime"},
    {ir::OpKind::kSourceGit, "git.skipsubmodules", "source.git.skipsubmodules"},
    {ir::OpKind::kSourceHttp, "http.authheadersecret", "source.http.auth"},
    {ir::OpKind::kSourceHttp, "http.checksum", "source.http.checksum"},
    {ir::OpKind::kSourceHttp, "http.gid", "soruce.http.uidgid"},
    {ir::OpKind::kSourceHttp, "http.perm", "source.http.perm"},
    {ir::OpKind::kSourceHttp, "http.sig.pubkey", "source.http.signatureverify"},
    {ir::OpKind::kSourceHttp, "http.sig.signature", "source.http.signatureverify"},
    {ir::OpKind::kSourceHttp, "http.uid", "soruce.http.uidgid"},
};
constexpr std::string_view kHeaderPrefix = "http.header.";

void AddSourceCaps(const ir::Node& node, std::string_view base, CapSet& caps) {
  caps.Add(base);
  for (const ir::KeyValue& attr : node.As<ir::SourceAttrs>().attrs) {
    for (const AttrCap& entry : kAttrCaps) {
      if (entry.op == node.kind() && entry.attr == attr.key && (entry.value.empty() || entry.value == attr.value)) {
        caps.Add(entry.cap);
      }
    }
    if (node.kind() == ir::OpKind::kSourceHttp && attr.key.starts_with(kHeaderPrefix)) {
      caps.Add("source.http.header");
    }
  }
}

void AddMountCaps(const ir::Mount& mount, CapSet& caps) {
  if (!mount.selector.empty()) {
    caps.Add("exec.mount.selector");
  }
  if (mount.content_cache != ir::ContentCache::kDefault) {
    caps.Add("exec.mount.cache.content");
  }
  switch (mount.kind) {
    case ir::MountKind::kBind:
      if (mount.input >= 0) {
        caps.Add("exec.mount.bind");
      }
      break;
    case ir::MountKind::kCache:
      caps.Add("exec.mount.cache");
      caps.Add("exec.mount.cache.sharing");
      break;
    case ir::MountKind::kTmpfs:
      caps.Add("exec.mount.tmpfs");
      if (mount.tmpfs_size > 0) {
        caps.Add("exec.mount.tmpfs.size");
      }
      break;
    case ir::MountKind::kSecret:
      caps.Add("exec.mount.secret");
      break;
    case ir::MountKind::kSsh:
      caps.Add("exec.mount.ssh");
      break;
  }
}

void AddExecCaps(const ir::ExecAttrs& exec, bool linux_resources, CapSet& caps) {
  caps.Add("exec.meta.base");
  caps.Add("exec.meta.setsdefaultpath");
  if (!exec.valid_exit_codes.empty()) {
    caps.Add("exec.validexitcode");
  }
  if (!exec.ulimits.empty()) {
    caps.Add("exec.meta.ulimit");
  }
  if (linux_resources) {
    caps.Add("exec.meta.linux.resources");
  }
  if (exec.network != ir::Network::kSandbox) {
    caps.Add("exec.meta.network");
  }
  if (exec.security == ir::Security::kInsecure) {
    caps.Add("exec.meta.security");
  }
  if (exec.proxy_env) {
    caps.Add("exec.meta.proxyenv");
  }
  if (!exec.devices.empty()) {
    caps.Add("exec.meta.cdi");
  }
  if (!exec.secret_env.empty()) {
    caps.Add("exec.mount.secret");
    caps.Add("exec.secretenv");
  }
  for (const ir::Mount& mount : exec.mounts) {
    AddMountCaps(mount, caps);
  }
}

}  // namespace

void CapSet::Add(std::string_view name) {
  const auto place = std::lower_bound(names_.begin(), names_.end(), name);
  if (place == names_.end() || *place != name) {
    names_.insert(place, name);
  }
}

bool CapSet::Contains(std::string_view name) const {
  return std::binary_search(begin(), end(), name);
}

void AddOpCaps(const ir::Node& node, bool linux_resources, CapSet& caps) {
  switch (node.kind()) {
    case ir::OpKind::kSourceImage:
      AddSourceCaps(node, "source.image", caps);
      return;
    case ir::OpKind::kSourceImageBlob:
    case ir::OpKind::kSourceOciBlob:
      AddSourceCaps(node, "source.imageblob", caps);
      return;
    case ir::OpKind::kSourceOciLayout:
      AddSourceCaps(node, "source.ocilayout", caps);
      return;
    case ir::OpKind::kSourceLocal:
      AddSourceCaps(node, "source.local", caps);
      return;
    case ir::OpKind::kSourceGit:
      AddSourceCaps(node, "source.git", caps);
      return;
    case ir::OpKind::kSourceHttp:
      AddSourceCaps(node, "source.http", caps);
      return;
    case ir::OpKind::kExec:
      AddExecCaps(node.As<ir::ExecAttrs>(), linux_resources, caps);
      return;
    case ir::OpKind::kFile:
      caps.Add("file.base");
      return;
    case ir::OpKind::kMerge:
      caps.Add("mergeop");
      return;
    case ir::OpKind::kDiff:
      caps.Add("diffop");
      return;
    case ir::OpKind::kPassthrough:
      caps.Add("passthroughop");
      return;
    case ir::OpKind::kBuild:
    case ir::OpKind::kCapture:
    case ir::OpKind::kFileRead:
    case ir::OpKind::kArtifactExtract:
    case ir::OpKind::kArtifactFs:
    case ir::OpKind::kStrConst:
    case ir::OpKind::kStrConcat:
    case ir::OpKind::kIntConst:
    case ir::OpKind::kPlatformConst:
    case ir::OpKind::kImageConst:
      return;
  }
  LOAM_UNREACHABLE("op kind outside the table");
}

}  // namespace loam::llb
