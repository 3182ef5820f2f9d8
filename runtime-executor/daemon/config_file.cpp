#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>
// Parse errors as values: no exception comes out of the library.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "runtime-executor/daemon/config.h"

namespace loam::daemon {
namespace {

class Reader {
 public:
  Reader(std::string_view name, Config& config) : name_(name), config_(config) {}

  Result<> Root(const toml::table& table) {
    return Table(table, "",
                 {{"debug", Level(LogLevel::kDebug)},
                  {"trace", Level(LogLevel::kTrace)},
                  {"root", Text(config_.root)},
                  {"insecure-entitlements", TextsTo(SetEntitlements)},
                  {"proxyNetwork", Bool(config_.proxy_network)},
                  {"log", Sub(&Reader::Log)},
                  {"grpc", Sub(&Reader::Grpc)},
                  {"otel", Sub(&Reader::Otel)},
                  {"cdi", Sub(&Reader::Cdi)},
                  {"worker", Sub(&Reader::Workers)},
                  {"registry", Sub(&Reader::Registries)},
                  {"dns", Sub(&Reader::Dns)},
                  {"history", Sub(&Reader::History)},
                  {"frontend", Sub(&Reader::Frontends)},
                  {"system", Sub(&Reader::System)},
                  {"provenanceEnvDir", Text(config_.provenance_dir)},
                  {"cache", Sub(&Reader::Cache)},
                  // BuildKit reads over these two as well: they are in its examples.
                  {"gc", Nothing()}});
  }

 private:
  using Setter = std::function<Result<>(const toml::node&, const std::string& path)>;
  using Setters = std::vector<std::pair<std::string_view, Setter>>;

  [[nodiscard]] tl::unexpected<Error> Fail(const toml::node& node, std::string_view what) const {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("failed to parse config: {}:{}: {}", name_, node.source().begin.line, what));
  }

  Result<> Table(const toml::table& table, const std::string& path, const Setters& setters) {
    for (const auto& [key, value] : table) {
      const std::string_view name = key.str();
      const std::string full = path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
      const auto setter = std::find_if(setters.begin(), setters.end(), [&](const auto& s) { return s.first == name; });
      if (setter == setters.end()) {
        config_.warnings.push_back(fmt::format("{}:{}: unknown setting `{}`", name_, value.source().begin.line, full));
      } else {
        LOAM_TRY(setter->second(value, full));
      }
    }
    return {};
  }

  // --- kinds of values ---
  template <class T>
  Result<T> Value(const toml::node& node, const std::string& path, std::string_view kind) const {
    const auto value = node.value_exact<T>();
    if (!value) {
      return Fail(node, fmt::format("`{}` is {}", path, kind));
    }
    return *value;
  }
  Result<std::string> TextOf(const toml::node& node, const std::string& path) const {
    return Value<std::string>(node, path, "a string");
  }
  Result<std::vector<std::string>> TextsOf(const toml::node& node, const std::string& path) const {
    const toml::array* const array = node.as_array();
    if (array == nullptr) {
      return Fail(node, fmt::format("`{}` is a list of strings", path));
    }
    std::vector<std::string> texts;
    for (const toml::node& item : *array) {
      texts.push_back(LOAM_TRY(TextOf(item, path)));
    }
    return texts;
  }
  // Durations and sizes may be strings or numbers.
  Result<std::string> TextOrNumber(const toml::node& node, const std::string& path) const {
    if (const auto number = node.value_exact<std::int64_t>()) {
      return std::to_string(*number);
    }
    return TextOf(node, path);
  }

  Setter Text(std::string& target) {
    return [this, &target](const toml::node& node, const std::string& path) -> Result<> {
      target = LOAM_TRY(TextOf(node, path));
      return {};
    };
  }
  Setter Texts(std::vector<std::string>& target) {
    return [this, &target](const toml::node& node, const std::string& path) -> Result<> {
      target = LOAM_TRY(TextsOf(node, path));
      return {};
    };
  }
  Setter TextTo(Result<> (*set)(std::string_view, Config&)) {
    return [this, set](const toml::node& node, const std::string& path) -> Result<> {
      return set(LOAM_TRY(TextOf(node, path)), config_);
    };
  }
  Setter TextsTo(Result<> (*set)(const std::vector<std::string>&, Config&)) {
    return [this, set](const toml::node& node, const std::string& path) -> Result<> {
      return set(LOAM_TRY(TextsOf(node, path)), config_);
    };
  }
  template <class T>
  Setter Bool(T& target) {
    return [this, &target](const toml::node& node, const std::string& path) -> Result<> {
      target = LOAM_TRY(Value<bool>(node, path, "true or false"));
      return {};
    };
  }
  template <class T>
  Setter Number(T& target) {
    return [this, &target](const toml::node& node, const std::string& path) -> Result<> {
      target = static_cast<T>(LOAM_TRY(Value<std::int64_t>(node, path, "a number")));
      return {};
    };
  }
  Setter Space(DiskSpace& target) {
    return [this, &target](const toml::node& node, const std::string& path) -> Result<> {
      target = LOAM_TRY_CONTEXT(path, ParseDiskSpace(LOAM_TRY(TextOrNumber(node, path))));
      return {};
    };
  }
  Setter Duration(std::chrono::nanoseconds& target) {
    return [this, &target](const toml::node& node, const std::string& path) -> Result<> {
      target = LOAM_TRY_CONTEXT(path, ParseDuration(LOAM_TRY(TextOrNumber(node, path))));
      return {};
    };
  }
  Setter Level(LogLevel level) {
    return [this, level](const toml::node& node, const std::string& path) -> Result<> {
      if (LOAM_TRY(Value<bool>(node, path, "true or false"))) {
        config_.log_level = std::max(config_.log_level, level);
        config_.warnings.push_back(fmt::format("setting `{}` is deprecated: use log.level", path));
      }
      return {};
    };
  }
  Setter Sub(Result<> (Reader::*read)(const toml::table&, const std::string&)) {
    return [this, read](const toml::node& node, const std::string& path) -> Result<> {
      const toml::table* const table = node.as_table();
      if (table == nullptr) {
        return Fail(node, fmt::format("`{}` is a table", path));
      }
      return (this->*read)(*table, path);
    };
  }
  template <class Item>
  Setter Tables(std::vector<Item>& target, Result<> (Reader::*read)(const toml::table&, const std::string&, Item&)) {
    return [this, &target, read](const toml::node& node, const std::string& path) -> Result<> {
      const toml::array* const array = node.as_array();
      if (array == nullptr) {
        return Fail(node, fmt::format("`{}` is a list of tables", path));
      }
      for (const toml::node& item : *array) {
        const toml::table* const table = item.as_table();
        if (table == nullptr) {
          return Fail(item, fmt::format("`{}` is a list of tables", path));
        }
        LOAM_TRY((this->*read)(*table, path, target.emplace_back()));
      }
      return {};
    };
  }
  static Setter Nothing() {
    return [](const toml::node&, const std::string&) -> Result<> { return {}; };
  }
  Setter Ignored(std::string_view what) {
    return [this, what](const toml::node& node, const std::string&) -> Result<> {
      config_.warnings.push_back(
          fmt::format("{}:{}: setting `{}` has no effect here", name_, node.source().begin.line, what));
      return {};
    };
  }
  // False or empty is what is there anyway.
  Setter Unsupported(std::string_view what) {
    return [this, what](const toml::node& node, const std::string& path) -> Result<> {
      const bool off = node.value_exact<bool>() == false || node.value_exact<std::string>() == "" ||
                       node.value_exact<std::int64_t>() == 0;
      if (off) {
        return {};
      }
      return Unexpected(ErrorCode::kUnimplemented,
                        fmt::format("{}:{}: `{}`: {} is not supported", name_, node.source().begin.line, path, what));
    };
  }

  // --- tables ---
  Result<> Log(const toml::table& table, const std::string& path) {
    std::string level;
    LOAM_TRY(Table(table, path, {{"format", TextTo(SetLogFormat)}, {"level", Text(level)}}));
    if (!level.empty()) {
      config_.log_level = LOAM_TRY_CONTEXT("unsupported log level", ParseLogLevel(level));
    }
    return {};
  }
  Result<> Grpc(const toml::table& table, const std::string& path) {
    return Table(table, path,
                 {{"address", Texts(config_.server.addresses)},
                  {"debugAddress", Ignored("grpc.debugAddress")},
                  {"uid", Number(config_.server.socket_uid)},
                  {"gid", Number(config_.server.socket_gid)},
                  {"securityDescriptor", Ignored("grpc.securityDescriptor")},
                  {"tls", Sub(&Reader::Tls)}});
  }
  Result<> Tls(const toml::table& table, const std::string& path) {
    TlsOptions& tls = config_.server.tls;
    return Table(table, path,
                 {{"cert", Text(tls.certificate_file)}, {"key", Text(tls.key_file)}, {"ca", Text(tls.client_ca_file)}});
  }
  Result<> Otel(const toml::table& table, const std::string& path) {
    return Table(table, path, {{"socketPath", Text(config_.otel_socket)}});
  }
  Result<> Cache(const toml::table& table, const std::string& path) {
    return Table(table, path, {{"gha", Sub(&Reader::GithubCache)}});
  }
  // Who asks for signatures to be checked must not get unchecked caches.
  Result<> GithubCache(const toml::table& table, const std::string& path) {
    return Table(table, path,
                 {{"sign", Unsupported("the signing of GitHub's caches")}, {"verify", Sub(&Reader::GithubVerify)}});
  }
  Result<> GithubVerify(const toml::table& table, const std::string& path) {
    return Table(table, path,
                 {{"required", Unsupported("the verification of GitHub's caches")},
                  {"policy", Ignored("cache.gha.verify.policy")}});
  }
  Result<> Cdi(const toml::table& table, const std::string& path) {
    return Table(table, path,
                 {{"disabled", Bool(config_.cdi_disabled)},
                  {"specDirs", Texts(config_.cdi_spec_dirs)},
                  {"autoAllowed", Texts(config_.cdi_auto_allowed)}});
  }
  Result<> Workers(const toml::table& table, const std::string& path) {
    return Table(table, path, {{"oci", Sub(&Reader::OciWorker)}, {"containerd", Sub(&Reader::ContainerdWorker)}});
  }
  Result<> ContainerdWorker(const toml::table& table, const std::string&) {
    if (table["enabled"].value<bool>() == true) {
      return Unexpected(ErrorCode::kUnimplemented, fmt::format("{}: the only worker is the OCI worker", name_));
    }
    return {};
  }
  Result<> OciWorker(const toml::table& table, const std::string& path) {
    WorkerSettings& worker = config_.worker;
    std::optional<bool> enabled;
    DiskSpace keep_storage;
    LOAM_TRY(Table(table, path,
                   {{"enabled", Bool(enabled)},
                    {"labels", Sub(&Reader::Labels)},
                    {"platforms", TextsTo(SetPlatforms)},
                    {"snapshotter", TextTo(SetSnapshotter)},
                    {"rootless", Unsupported("a rootless worker")},
                    {"noProcessSandbox", Unsupported("running without a process sandbox")},
                    {"gc", Bool(worker.gc.enabled)},
                    {"gckeepstorage", Space(keep_storage)},
                    {"reservedSpace", Space(worker.gc.reserved)},
                    {"maxUsedSpace", Space(worker.gc.max_used)},
                    {"minFreeSpace", Space(worker.gc.min_free)},
                    {"gcpolicy", Tables(worker.gc.policy, &Reader::GcRule)},
                    {"networkMode", TextTo(SetNetwork)},
                    {"cniConfigPath", Text(worker.cni_config_path)},
                    {"cniBinaryPath", Text(worker.cni_binary_path)},
                    {"cniPoolSize", Number(worker.cni_pool_size)},
                    {"bridgeName", Text(worker.bridge_name)},
                    {"bridgeSubnet", Text(worker.bridge_subnet)},
                    {"userRemapUnsupported", Unsupported("mapping of users")},
                    {"binary", Text(worker.binary)},
                    {"proxySnapshotterPath", Unsupported("a proxy snapshotter")},
                    {"defaultCgroupParent", Text(worker.cgroup_parent)},
                    {"stargzSnapshotter", Ignored("stargzSnapshotter")},
                    {"apparmor-profile", Unsupported("AppArmor")},
                    {"selinux", Unsupported("SELinux")},
                    {"max-parallelism", Number(worker.max_parallelism)}}));
    if (enabled == false) {
      return Unexpected(ErrorCode::kInvalidArgument, "no worker found: the OCI worker is the only one");
    }
    if (!worker.gc.reserved.is_set() && !worker.gc.max_used.is_set() && !worker.gc.min_free.is_set()) {
      worker.gc.reserved = keep_storage;
    }
    return {};
  }
  Result<> Labels(const toml::table& table, const std::string& path) {
    for (const auto& [key, value] : table) {
      config_.worker.labels[std::string(key.str())] = LOAM_TRY(TextOf(value, path));
    }
    return {};
  }
  Result<> GcRule(const toml::table& table, const std::string& path, GcRuleSetting& rule) {
    DiskSpace keep_bytes;
    LOAM_TRY(Table(table, path,
                   {{"all", Bool(rule.all)},
                    {"filters", Texts(rule.filters)},
                    {"keepDuration", Duration(rule.keep_duration)},
                    {"keepBytes", Space(keep_bytes)},
                    {"reservedSpace", Space(rule.reserved)},
                    {"maxUsedSpace", Space(rule.max_used)},
                    {"minFreeSpace", Space(rule.min_free)}}));
    if (!rule.reserved.is_set()) {
      rule.reserved = keep_bytes;
    }
    return {};
  }
  Result<> Registries(const toml::table& table, const std::string& path) {
    for (const auto& [host, node] : table) {
      const toml::table* const settings = node.as_table();
      if (settings == nullptr) {
        return Fail(node, fmt::format("`{}.\"{}\"` is a table", path, host.str()));
      }
      RegistrySettings& registry = config_.registries[std::string(host.str())];
      LOAM_TRY(Table(*settings, fmt::format("{}.\"{}\"", path, host.str()),
                     {{"mirrors", Texts(registry.mirrors)},
                      {"http", Bool(registry.http)},
                      {"insecure", Bool(registry.insecure)},
                      {"ca", Texts(registry.ca_files)},
                      {"keypair", Tables(registry.key_pairs, &Reader::Pair)},
                      {"tlsconfigdir", Texts(registry.tls_directories)}}));
    }
    return {};
  }
  Result<> Pair(const toml::table& table, const std::string& path, KeyPair& pair) {
    return Table(table, path, {{"key", Text(pair.key_file)}, {"cert", Text(pair.certificate_file)}});
  }
  Result<> Dns(const toml::table& table, const std::string& path) {
    DnsSettings& dns = config_.dns.emplace();
    return Table(table, path,
                 {{"nameservers", Texts(dns.nameservers)},
                  {"options", Texts(dns.options)},
                  {"searchDomains", Texts(dns.search_domains)}});
  }
  Result<> History(const toml::table& table, const std::string& path) {
    // As BuildKit: with the table, what it does not say is 0.
    config_.history = {std::chrono::nanoseconds(0), 0};
    return Table(table, path,
                 {{"maxAge", Duration(config_.history.max_age)}, {"maxEntries", Number(config_.history.max_entries)}});
  }
  Result<> Frontends(const toml::table& table, const std::string& path) {
    return Table(table, path, {{"dockerfile.v0", Sub(&Reader::Dockerfile)}, {"gateway.v0", Sub(&Reader::Gateway)}});
  }
  Result<> Dockerfile(const toml::table& table, const std::string& path) {
    return Table(table, path, {{"enabled", Bool(config_.frontends.dockerfile)}});
  }
  Result<> Gateway(const toml::table& table, const std::string& path) {
    return Table(table, path,
                 {{"enabled", Bool(config_.frontends.gateway)},
                  {"allowedRepositories", Texts(config_.frontends.gateway_repositories)}});
  }
  Result<> System(const toml::table& table, const std::string& path) {
    std::optional<int> concurrency;
    LOAM_TRY(Table(table, path,
                   {{"platformsCacheMaxAge", Ignored("system.platformsCacheMaxAge")},
                    {"maxRegistryConcurrency", Number(concurrency)}}));
    if (concurrency && *concurrency <= 0) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("maxRegistryConcurrency must be greater than zero; set to {} in the configuration "
                                    "file",
                                    *concurrency));
    }
    config_.registry_concurrency = concurrency.value_or(config_.registry_concurrency);
    return {};
  }

  const std::string_view name_;
  Config& config_;
};

}  // namespace

Result<> ReadConfig(std::string_view text, std::string_view name, Config& config) {
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("failed to parse config: {}:{}: {}", name,
                                                               error.source().begin.line, error.description()));
  }
  return Reader(name, config).Root(parsed.table());
}

}  // namespace loam::daemon
