#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <functional>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/go_bool.h"
#include "base/strings.h"
#include "runtime-executor/daemon/config.h"

namespace loam::daemon {
namespace {

constexpr std::string_view kDefaultAddress = "unix:///run/buildkit/buildkitd.sock";
constexpr std::string_view kDefaultConfigFile = "/etc/buildkit/buildkitd.toml";
// Flags of a worker that is not there.
constexpr std::string_view kContainerdPrefix = "containerd-worker-";

enum class Kind { kBool, kText, kList };

struct Flag {
  std::string_view name;
  Kind kind;
  std::string_view help;
  // Bool: "true" or "false". Called once for every use.
  std::function<Result<>(const std::string& value, Config& config)> set;
};

Result<bool> ParseBool(std::string_view name, std::string_view value) {
  if (const std::optional<bool> parsed = ParseGoBool(value)) {
    return *parsed;
  }
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("--{}: `{}` is neither true nor false", name, value));
}

Result<int> ParseInt(std::string_view name, std::string_view value) {
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("--{}: `{}` is no number", name, value));
  }
  return number;
}

Flag Text(std::string_view name, std::string_view help, std::function<std::string&(Config&)> target) {
  return {name, Kind::kText, help, [target = std::move(target)](const std::string& value, Config& config) -> Result<> {
            target(config) = value;
            return {};
          }};
}

// A list that takes the place of what the file says, as a whole.
Flag List(std::string_view name, std::string_view help, std::function<std::vector<std::string>&(Config&)> target) {
  return {name, Kind::kList, help, [target = std::move(target)](const std::string& value, Config& config) -> Result<> {
            target(config).push_back(value);
            return {};
          }};
}

Flag NoEffect(std::string_view name, Kind kind, std::string_view help) {
  return {name, kind, help, [name](const std::string&, Config& config) -> Result<> {
            config.warnings.push_back(fmt::format("flag --{} has no effect here", name));
            return {};
          }};
}

// What is off anyway may be switched off.
Flag Unsupported(std::string_view name, Kind kind, std::string_view what) {
  return {name, kind, "not supported", [name, what](const std::string& value, Config&) -> Result<> {
            if (value.empty() || value == "false") {
              return {};
            }
            return Unexpected(ErrorCode::kUnimplemented, fmt::format("--{}: {} is not supported", name, what));
          }};
}

Result<> SetLogLevel(std::string_view name, Config& config) {
  config.log_level = LOAM_TRY_CONTEXT("unsupported log level", ParseLogLevel(name));
  return {};
}

Result<> AddLabel(const std::string& label, Config& config) {
  const auto pair = SplitOnce(label, '=');
  if (!pair) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid value {}", label));
  }
  config.worker.labels[std::string(pair->first)] = pair->second;
  return {};
}

// Lists of the flags, which take the place of those of the file.
struct Lists {
  std::vector<std::string> addresses;
  std::vector<std::string> entitlements;
  std::vector<std::string> platforms;
  std::vector<std::string> cdi_spec_dirs;
  std::string config_file{kDefaultConfigFile};
};

std::vector<Flag> Flags(Lists& lists) {
  return {
      List(
          "addr", "address to listen on: unix:///path, tcp://host:port, fd:// (several allowed)",
          [&lists](Config&) -> auto& { return lists.addresses; }),
      Text(
          "config", "configuration file", [&lists](Config&) -> auto& { return lists.config_file; }),
      Text(
          "root", "directory of the daemon's state", [](Config & c) -> auto& { return c.root; }),
      {"debug", Kind::kBool, "as --log-level=debug",
       [](const std::string& value, Config& config) -> Result<> {
         return value == "true" ? SetLogLevel("debug", config) : Result<>();
       }},
      {"trace", Kind::kBool, "as --log-level=trace",
       [](const std::string& value, Config& config) -> Result<> {
         config.warnings.emplace_back("--trace option is deprecated; use --log-level=trace instead");
         return value == "true" ? SetLogLevel("trace", config) : Result<>();
       }},
      {"log-level", Kind::kText, "error, warn, info, debug or trace ($BUILDKITD_LOG_LEVEL)", SetLogLevel},
      {"log-format", Kind::kText, "json or text", SetLogFormat},
      Text(
          "group", "group (name or number) that may use the unix sockets",
          [](Config & c) -> auto& { return c.server.socket_group; }),
      Text(
          "tlscert", "certificate of the server", [](Config & c) -> auto& { return c.server.tls.certificate_file; }),
      Text(
          "tlskey", "key of the certificate", [](Config & c) -> auto& { return c.server.tls.key_file; }),
      Text(
          "tlscacert", "authority that clients' certificates must be of",
          [](Config & c) -> auto& { return c.server.tls.client_ca_file; }),
      List(
          "allow-insecure-entitlement", "network.host, security.insecure or device (several allowed)",
          [&lists](Config&) -> auto& { return lists.entitlements; }),
      Text(
          "otel-socket-path", "socket on which traces of clients and steps are taken",
          [](Config & c) -> auto& { return c.otel_socket; }),
      {"stop-timeout", Kind::kText, "how long SIGTERM waits for running builds (default 15m; 0: for all of them)",
       [](const std::string& value, Config& config) -> Result<> {
         config.stop_patience = LOAM_TRY_CONTEXT("--stop-timeout", ParseDuration(value));
         return {};
       }},
      {"proxy-network", Kind::kBool, "steps of all builds reach the network through a proxy",
       [](const std::string& value, Config& config) -> Result<> {
         config.proxy_network = value == "true";
         return {};
       }},
      {"cdi-disabled", Kind::kBool, "no devices by the Container Device Interface",
       [](const std::string& value, Config& config) -> Result<> {
         config.cdi_disabled = value == "true";
         return {};
       }},
      List(
          "cdi-spec-dir", "directory with CDI specifications (several allowed)",
          [&lists](Config&) -> auto& { return lists.cdi_spec_dirs; }),
      {"oci-worker", Kind::kText, "the only worker: true or auto",
       [](const std::string& value, Config&) -> Result<> {
         if (value.empty() || EqualsIgnoreCase(value, "auto") || LOAM_TRY(ParseBool("oci-worker", value))) {
           return {};
         }
         return Unexpected(ErrorCode::kInvalidArgument, "no worker found: the OCI worker is the only one");
       }},
      {"containerd-worker", Kind::kText, "only false and auto are accepted",
       [](const std::string& value, Config&) -> Result<> {
         if (value.empty() || EqualsIgnoreCase(value, "auto") || !LOAM_TRY(ParseBool("containerd-worker", value))) {
           return {};
         }
         return Unexpected(ErrorCode::kUnimplemented, "the only worker is the OCI worker");
       }},
      {"oci-worker-labels", Kind::kList, "KEY=VALUE shown in the list of workers", AddLabel},
      {"oci-worker-snapshotter", Kind::kText, "overlayfs, native or auto", SetSnapshotter},
      {"oci-worker-platform", Kind::kList, "platform to offer instead of the host's (several allowed)",
       [&lists](const std::string& value, Config&) -> Result<> {
         for (const std::string_view platform : Split(value, ',')) {
           lists.platforms.emplace_back(platform);
         }
         return {};
       }},
      {"oci-worker-net", Kind::kText, "network of steps: auto, host, cni or bridge", SetNetwork},
      Text(
          "oci-worker-binary", "OCI runtime: crun, runc or a path",
          [](Config & c) -> auto& { return c.worker.binary; }),
      Text(
          "oci-cni-config-path", "configuration of the network cni",
          [](Config & c) -> auto& { return c.worker.cni_config_path; }),
      Text(
          "oci-cni-binary-dir", "where the plugins of the networks cni and bridge are",
          [](Config & c) -> auto& { return c.worker.cni_binary_path; }),
      {"oci-cni-pool-size", Kind::kText, "networks that are made in advance",
       [](const std::string& value, Config& config) -> Result<> {
         config.worker.cni_pool_size = LOAM_TRY(ParseInt("oci-cni-pool-size", value));
         return {};
       }},
      {"oci-max-parallelism", Kind::kText, "steps that run at the same time; 0: no limit",
       [](const std::string& value, Config& config) -> Result<> {
         config.worker.max_parallelism = LOAM_TRY(ParseInt("oci-max-parallelism", value));
         return {};
       }},
      {"oci-worker-gc", Kind::kBool, "garbage collection (default true)",
       [](const std::string& value, Config& config) -> Result<> {
         config.worker.gc.enabled = value == "true";
         return {};
       }},
      {"oci-worker-gc-keepstorage", Kind::kText, "Reserved[,Free[,Maximum]] in MB",
       [](const std::string& value, Config& config) -> Result<> { return ParseKeepStorage(value, config.worker.gc); }},
      NoEffect("debugaddr", Kind::kText, "accepted"),
      NoEffect("save-cache-debug", Kind::kBool, "accepted: what cache keys are made of is always kept"),
      Unsupported("rootless", Kind::kBool, "running without root"),
      Unsupported("oci-worker-rootless", Kind::kBool, "running without root"),
      Unsupported("oci-worker-no-process-sandbox", Kind::kBool, "running without a process sandbox"),
      Unsupported("oci-worker-proxy-snapshotter-path", Kind::kText, "a proxy snapshotter"),
      Unsupported("oci-worker-apparmor-profile", Kind::kText, "AppArmor"),
      Unsupported("oci-worker-selinux", Kind::kBool, "SELinux"),
      {"help", Kind::kBool, "this text", nullptr},
      {"version", Kind::kBool, "the version", nullptr},
  };
}

std::string Help(std::string_view program, const std::vector<Flag>& flags) {
  std::string text = fmt::format("{} - build daemon: the engine of Loam behind BuildKit's API\n\nusage: {} [flags]\n\n",
                                 program, program);
  for (const Flag& flag : flags) {
    const std::string left = fmt::format("--{}{}", flag.name, flag.kind == Kind::kBool ? "" : " VALUE");
    text += fmt::format("  {:<44} {}\n", left, flag.help);
  }
  return text + "\nThe configuration file is buildkitd.toml's format; flags come before it.\n";
}

// A use of a flag on the command line.
struct Use {
  const Flag* flag;
  std::string value;
};

class CommandLine {
 public:
  CommandLine(const std::vector<Flag>& flags, const std::vector<std::string>& arguments)
      : flags_(flags), arguments_(arguments) {}

  Result<std::vector<Use>> Read(std::vector<std::string>& warnings) {
    std::vector<Use> uses;
    while (at_ < arguments_.size()) {
      const std::string& argument = arguments_[at_++];
      std::string_view name = argument;
      if (!name.starts_with('-') || name == "-" || name == "--") {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("unexpected argument `{}`", argument));
      }
      name.remove_prefix(name.starts_with("--") ? 2 : 1);
      std::optional<std::string> value;
      if (const auto parts = SplitOnce(name, '=')) {
        value = std::string(parts->second);
        name = parts->first;
      }
      name = name == "h" ? "help" : name == "v" ? "version" : name;
      if (name.starts_with(kContainerdPrefix)) {
        warnings.push_back(fmt::format("flag --{} has no effect: there is no containerd worker", name));
        SkipValue(name, value);
        continue;
      }
      const auto flag = std::find_if(flags_.begin(), flags_.end(), [&](const Flag& f) { return f.name == name; });
      if (flag == flags_.end()) {
        return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("flag provided but not defined: -{}", name))
                              .WithHint("--help lists the flags"));
      }
      uses.push_back({&*flag, LOAM_TRY(ValueOf(*flag, value))});
    }
    return uses;
  }

 private:
  Result<std::string> ValueOf(const Flag& flag, const std::optional<std::string>& value) {
    if (flag.kind == Kind::kBool) {
      return std::string(!value || LOAM_TRY(ParseBool(flag.name, *value)) ? "true" : "false");
    }
    if (value) {
      return *value;
    }
    if (at_ == arguments_.size()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("flag needs an argument: --{}", flag.name));
    }
    return arguments_[at_++];
  }
  // Bool flags of the containerd worker take none.
  void SkipValue(std::string_view name, const std::optional<std::string>& value) {
    const bool is_bool = name.ends_with("-gc") || name.ends_with("-selinux") || name.ends_with("-rootless");
    if (!value && !is_bool && at_ < arguments_.size()) {
      ++at_;
    }
  }

  const std::vector<Flag>& flags_;
  const std::vector<std::string>& arguments_;
  std::size_t at_ = 0;
};

Result<> ReadConfigFile(const std::string& path, bool required, Config& config) {
  const auto text = LOAM_TRY_CONTEXT("failed to load config", ReadFileIfExists(path));
  if (text) {
    return ReadConfig(*text, path, config);
  }
  if (required) {
    config.warnings.push_back(fmt::format("there is no configuration file {}", path));
  }
  return {};
}

}  // namespace

Result<Invocation> ParseArguments(std::string_view program, const std::vector<std::string>& arguments) {
  Lists lists;
  const std::vector<Flag> flags = Flags(lists);
  Invocation invocation;
  Config& config = invocation.config;
  const std::vector<Use> uses = LOAM_TRY(CommandLine(flags, arguments).Read(config.warnings));
  bool config_named = false;
  for (const Use& use : uses) {
    if (use.flag->name == "help" && use.value == "true") {
      invocation.text = Help(program, flags);
      return invocation;
    }
    if (use.flag->name == "version" && use.value == "true") {
      // Program, package, version, revision: buildx wants exactly four words.
      invocation.text = fmt::format("{} loam v" LOAM_VERSION " -\n", program);
      return invocation;
    }
    if (use.flag->name == "config") {
      lists.config_file = use.value;
      config_named = true;
    }
  }
  LOAM_TRY(ReadConfigFile(lists.config_file, config_named, config));
  if (const char* level = std::getenv("BUILDKITD_LOG_LEVEL"); level != nullptr && *level != '\0') {
    LOAM_TRY(SetLogLevel(level, config));
  }
  for (const Use& use : uses) {
    if (use.flag->set) {
      LOAM_TRY(use.flag->set(use.value, config));
    }
  }
  if (!lists.addresses.empty()) {
    config.server.addresses = lists.addresses;
  }
  if (config.server.addresses.empty()) {
    config.server.addresses = {std::string(kDefaultAddress)};
  }
  if (!lists.entitlements.empty()) {
    LOAM_TRY(SetEntitlements(lists.entitlements, config));
  }
  if (!lists.platforms.empty()) {
    LOAM_TRY(SetPlatforms(lists.platforms, config));
  }
  if (!lists.cdi_spec_dirs.empty()) {
    config.cdi_spec_dirs = lists.cdi_spec_dirs;
  }
  return invocation;
}

}  // namespace loam::daemon
