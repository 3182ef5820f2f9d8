// Everything a build may set from outside: what the frontend's `opt` map carries, as values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/ir/attributes.h"
#include "compiler/ir/metadata.h"

namespace loam::sema {

struct HostOption {
  std::string host;
  std::string ip;
};
struct UlimitOption {
  std::string name;
  std::int64_t soft = 0;
  std::int64_t hard = 0;
};
struct ResourceOptions {
  std::int64_t memory = 0;
  std::int64_t memory_swap = 0;
  std::uint64_t cpu_shares = 0;
  std::uint64_t cpu_period = 0;
  std::int64_t cpu_quota = 0;
  std::string cpuset_cpus;
  std::string cpuset_mems;
};

struct DockerfileOptions {
  std::string target;  // "": the last stage
  std::map<std::string, std::string> build_args;
  std::map<std::string, std::string> labels;
  // One result each. Empty: one result for `build_platform`, whose image config keeps the platform of its base.
  std::vector<std::string> platforms;
  std::string build_platform;  // "": the host's
  bool multi_platform = false;

  std::string image_resolve_mode = "default";  // default, pull, local
  std::vector<HostOption> extra_hosts;
  std::string hostname;
  ir::Network network = ir::Network::kSandbox;
  std::int64_t shm_size = 0;
  std::vector<UlimitOption> ulimits;
  std::optional<ResourceOptions> resources;
  std::string cgroup_parent;
  std::string cache_mount_namespace;
  // Set: these stages are run anew; an empty list means all.
  std::optional<std::vector<std::string>> no_cache;

  // ---- the main context
  std::string context_name = "context";
  // A git or HTTP URL instead of a local directory.
  std::string remote_context;
  std::string context_subdir;
  // The context is the input "context" of the host.
  bool context_is_input = false;
  bool keep_git_dir = false;
  std::string session_id;       // attribute local.session
  std::string local_unique_id;  // attribute local.unique, where there is no session
  std::map<std::string, std::string> local_session_ids;
  // Ask the host for <Dockerfile>.dockerignore and .dockerignore. Off: nothing is excluded.
  bool read_dockerignore = false;

  // ---- named contexts: "name" or "name::os/arch" -> "docker-image://…", "git://…", "https://…", "local:…", …
  std::map<std::string, std::string> contexts;
  std::map<std::string, std::string> shared_keys;
  std::map<std::string, std::string> input_metadata;

  // Off: the solver has no merge op, COPY --link is a plain COPY.
  bool can_merge = true;

  // Options of build checks that take the place of the `check` directive; "" leaves it to the file.
  std::string check;

  // Name of the Dockerfile in source maps and messages.
  std::string file_name = "Dockerfile";
};

// From the frontend's options ("build-arg:X", "target", "platform", …). Options that are not the compiler's
// (cache-from, attest:…) are left alone. kInvalidArgument names the option that is wrong.
Result<DockerfileOptions> ParseFrontendOptions(const std::map<std::string, std::string>& opts);

}  // namespace loam::sema
