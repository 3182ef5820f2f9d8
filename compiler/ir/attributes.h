// The attributes of every op: plain structs whose text and lists live in the Graph's arena. Each names its fields once,
// in Fields(); hashing, comparing, printing and parsing are made from that.
//
// The shapes follow LLB (solver/pb/ops.proto) so closely that emission is one-to-one; what LLB derives when it marshals
// (sorted mounts, input indexes, PATH-like defaults) is already done here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "compiler/ir/value.h"

namespace loam::ir {

using Strings = std::span<const std::string_view>;

struct KeyValue {
  std::string_view key;
  std::string_view value;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("key", self.key);
    visit("value", self.value);
  }
};

// ---- sources -------------------------------------------------------------------------------------------------------

// pb.SourceOp. `identifier` is what follows "<scheme>://" (the scheme follows from the op, see ops.def; for
// source.http it is the whole URL), `attrs` are LLB's attributes ("local.followpaths", ...), sorted by key.
struct SourceAttrs {
  std::string_view identifier;
  std::span<const KeyValue> attrs;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("id", self.identifier);
    visit("attrs", self.attrs);
  }
};

// ---- exec ----------------------------------------------------------------------------------------------------------

enum class MountKind : std::uint8_t { kBind = 0, kSecret = 1, kSsh = 2, kCache = 3, kTmpfs = 4 };  // = pb.MountType
enum class CacheSharing : std::uint8_t { kShared = 0, kPrivate = 1, kLocked = 2 };  // = pb.CacheSharingOpt
enum class ContentCache : std::uint8_t { kDefault = 0, kOn = 1, kOff = 2 };         // = pb.MountContentCache
enum class Network : std::uint8_t { kSandbox = 0, kHost = 1, kNone = 2 };           // = pb.NetMode
enum class Security : std::uint8_t { kSandbox = 0, kInsecure = 1 };                 // = pb.SecurityMode

// pb.SecretOpt and pb.SSHOpt.
struct MountCredential {
  std::string_view id;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;
  bool optional = false;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("id", self.id);
    visit("uid", self.uid);
    visit("gid", self.gid);
    visit("mode", self.mode);
    visit("optional", self.optional);
  }
};

// pb.Mount. `input` is an index of the node's operands, -1 for none (scratch); `output` is the number of the node's
// result that this mount gives, -1 for none (secrets and sockets have 0, as LLB writes them, and give none).
// pb.TmpfsOpt is set for kTmpfs, pb.CacheOpt for kCache, and so on.
struct Mount {
  MountKind kind = MountKind::kBind;
  std::int64_t input = -1;
  std::string_view selector;
  std::string_view dest;
  std::int64_t output = -1;
  bool readonly = false;
  std::int64_t tmpfs_size = 0;  // kTmpfs
  std::string_view cache_id;    // kCache
  CacheSharing cache_sharing = CacheSharing::kShared;
  std::optional<MountCredential> credential;  // kSecret, kSsh
  ContentCache content_cache = ContentCache::kDefault;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("kind", self.kind);
    visit("input", self.input);
    visit("selector", self.selector);
    visit("dest", self.dest);
    visit("output", self.output);
    visit("readonly", self.readonly);
    visit("tmpfs_size", self.tmpfs_size);
    visit("cache_id", self.cache_id);
    visit("cache_sharing", self.cache_sharing);
    visit("credential", self.credential);
    visit("content_cache", self.content_cache);
  }
};

// pb.ProxyEnv.
struct ProxyEnv {
  std::string_view http_proxy;
  std::string_view https_proxy;
  std::string_view ftp_proxy;
  std::string_view no_proxy;
  std::string_view all_proxy;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("http_proxy", self.http_proxy);
    visit("https_proxy", self.https_proxy);
    visit("ftp_proxy", self.ftp_proxy);
    visit("no_proxy", self.no_proxy);
    visit("all_proxy", self.all_proxy);
  }
};

// pb.HostIP.
struct ExtraHost {
  std::string_view host;
  std::string_view ip;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("host", self.host);
    visit("ip", self.ip);
  }
};

// pb.Ulimit.
struct Ulimit {
  std::string_view name;
  std::int64_t soft = 0;
  std::int64_t hard = 0;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("name", self.name);
    visit("soft", self.soft);
    visit("hard", self.hard);
  }
};

// pb.SecretEnv.
struct SecretEnv {
  std::string_view id;
  std::string_view name;
  bool optional = false;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("id", self.id);
    visit("name", self.name);
    visit("optional", self.optional);
  }
};

// pb.CDIDevice.
struct Device {
  std::string_view name;
  bool optional = false;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("name", self.name);
    visit("optional", self.optional);
  }
};

// pb.ExecOp with its pb.Meta. `env` is "KEY=value" in order. Mounts are in LLB's order: those with an input, tmpfs and
// cache ones sorted by dest (the root at "/" first), then secrets, then ssh.
struct ExecAttrs {
  Strings args;
  Strings env;
  std::string_view cwd;
  std::string_view user;
  std::optional<ProxyEnv> proxy_env;
  std::span<const ExtraHost> extra_hosts;
  std::string_view hostname;
  std::span<const Ulimit> ulimits;
  std::string_view cgroup_parent;
  bool remove_mount_stubs_recursive = true;
  std::span<const std::int32_t> valid_exit_codes;
  std::span<const Mount> mounts;
  Network network = Network::kSandbox;
  Security security = Security::kSandbox;
  std::span<const SecretEnv> secret_env;
  std::span<const Device> devices;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("args", self.args);
    visit("env", self.env);
    visit("cwd", self.cwd);
    visit("user", self.user);
    visit("proxy_env", self.proxy_env);
    visit("extra_hosts", self.extra_hosts);
    visit("hostname", self.hostname);
    visit("ulimits", self.ulimits);
    visit("cgroup_parent", self.cgroup_parent);
    visit("remove_mount_stubs_recursive", self.remove_mount_stubs_recursive);
    visit("valid_exit_codes", self.valid_exit_codes);
    visit("mounts", self.mounts);
    visit("network", self.network);
    visit("security", self.security);
    visit("secret_env", self.secret_env);
    visit("devices", self.devices);
  }
};

// ---- file ----------------------------------------------------------------------------------------------------------

// pb.UserOpt: by name (looked up in the filesystem at operand `input`) if `name` is not empty, else by id.
struct User {
  std::string_view name;
  std::int64_t input = -1;
  std::uint32_t id = 0;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("name", self.name);
    visit("input", self.input);
    visit("id", self.id);
  }
};

// pb.ChownOpt.
struct Owner {
  std::optional<User> user;
  std::optional<User> group;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("user", self.user);
    visit("group", self.group);
  }
};

// The field number of the action in pb.FileAction.
enum class FileActionKind : std::uint8_t { kCopy = 4, kMkfile = 5, kMkdir = 6, kRm = 7, kSymlink = 8 };

// pb.FileAction with the fields of all five kinds (those that a kind lacks keep their defaults). `input` and
// `secondary_input` are an operand's index, or the operand count plus the index of an earlier action, or -1.
struct FileAction {
  FileActionKind kind = FileActionKind::kCopy;
  std::int64_t input = -1;
  std::int64_t secondary_input = -1;
  std::int64_t output = -1;
  std::string_view path;    // copy: dest; symlink: newpath
  std::string_view source;  // copy: src; symlink: oldpath
  std::optional<Owner> owner;
  std::int32_t mode = 0;         // copy: -1 keeps the source's
  std::string_view mode_text;    // copy: modeStr
  std::int64_t timestamp = -1;   // nanoseconds since the epoch; -1 for none
  std::string_view data;         // mkfile
  bool make_parents = false;     // mkdir
  bool allow_not_found = false;  // rm
  bool allow_wildcard = false;   // rm, copy
  bool allow_empty_wildcard = false;
  bool follow_symlink = false;
  bool dir_copy_contents = false;
  bool attempt_unpack = false;
  bool create_dest_path = false;
  bool always_replace_existing_dest_paths = false;
  Strings include_patterns;
  Strings exclude_patterns;
  Strings required_paths;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("kind", self.kind);
    visit("input", self.input);
    visit("secondary_input", self.secondary_input);
    visit("output", self.output);
    visit("path", self.path);
    visit("source", self.source);
    visit("owner", self.owner);
    visit("mode", self.mode);
    visit("mode_text", self.mode_text);
    visit("timestamp", self.timestamp);
    visit("data", self.data);
    visit("make_parents", self.make_parents);
    visit("allow_not_found", self.allow_not_found);
    visit("allow_wildcard", self.allow_wildcard);
    visit("allow_empty_wildcard", self.allow_empty_wildcard);
    visit("follow_symlink", self.follow_symlink);
    visit("dir_copy_contents", self.dir_copy_contents);
    visit("attempt_unpack", self.attempt_unpack);
    visit("create_dest_path", self.create_dest_path);
    visit("always_replace_existing_dest_paths", self.always_replace_existing_dest_paths);
    visit("include_patterns", self.include_patterns);
    visit("exclude_patterns", self.exclude_patterns);
    visit("required_paths", self.required_paths);
  }
};

// pb.FileOp. The node has one result: that of the action whose `output` is 0.
struct FileAttrs {
  std::span<const FileAction> actions;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("actions", self.actions);
  }
};

// ---- merge, diff, build, passthrough -------------------------------------------------------------------------------

// Ops without attributes.
struct NoAttrs {
  template <class Self, class V>
  static void Fields(Self&, V&&) {}
};

// pb.DiffOp: operand indexes, -1 for scratch.
struct DiffAttrs {
  std::int64_t lower = -1;
  std::int64_t upper = -1;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("lower", self.lower);
    visit("upper", self.upper);
  }
};

// pb.BuildInput with its name.
struct BuildInput {
  std::string_view name;
  std::int64_t input = -1;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("name", self.name);
    visit("input", self.input);
  }
};

// pb.BuildOp. `definition` holds the bytes of a pb.Definition; empty for none.
struct BuildAttrs {
  std::int64_t builder = -1;
  std::span<const BuildInput> inputs;
  std::string_view definition;
  std::span<const KeyValue> attrs;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("builder", self.builder);
    visit("inputs", self.inputs);
    visit("definition", self.definition);
    visit("attrs", self.attrs);
  }
};

// pb.PassthroughOp: result i is operand outputs[i].
struct PassthroughAttrs {
  std::string_view id;
  std::span<const std::int64_t> outputs;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("id", self.id);
    visit("outputs", self.outputs);
  }
};

// ---- values that are no filesystem ---------------------------------------------------------------------------------

// str.const, image.const (the config as JSON), platform.const ("linux/amd64").
struct TextAttrs {
  std::string_view text;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("text", self.text);
  }
};

struct NumberAttrs {
  std::int64_t number = 0;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("number", self.number);
  }
};

// artifact.extract, file.read: a path in the operand's filesystem.
struct PathAttrs {
  std::string_view path;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("path", self.path);
  }
};

}  // namespace loam::ir
