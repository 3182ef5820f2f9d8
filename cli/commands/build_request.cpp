#include "cli/commands/build_request.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/commands/build_attests.h"
#include "cli/commands/build_caches.h"
#include "cli/commands/common.h"
#include "compiler/sema/dockerfile/git_reference.h"
#include "compiler/sema/dockerfile/options.h"
#include "runtime-executor/session/local_client_services.h"

namespace loam::cli {

namespace {

using Options = std::map<std::string, std::string>;

Error BadValue(std::string_view flag, std::string_view value, std::string_view expected) {
  return {ErrorCode::kInvalidArgument, fmt::format("`--{}={}`: expected {}", flag, value, expected)};
}

// "128m" -> bytes, with binary units, as docker reads --shm-size.
Result<std::int64_t> ParseBinarySize(std::string_view flag, const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit =
      ToLowerAscii(std::string_view(end, static_cast<std::size_t>(text.data() + text.size() - end)));
  static constexpr std::string_view kUnits = "bkmgt";
  const bool valid_unit = unit.empty() || (kUnits.find(unit[0]) != std::string_view::npos &&
                                           (unit.size() == 1 || unit.substr(1) == "b" || unit.substr(1) == "ib"));
  const int shift = unit.empty() ? 0 : 10 * static_cast<int>(kUnits.find(unit[0]));
  if (error != std::errc() || number < 0 || !valid_unit || number > INT64_MAX >> shift) {
    return Unexpected(BadValue(flag, text, "a size such as 64m or 1g"));
  }
  return number << shift;
}

Result<> AddKeyValues(const Flags& flags, std::string_view flag, std::string_view prefix, Options& options) {
  for (const std::string& text : flags.List(flag)) {
    const auto pair = SplitOnce(text, '=');
    if (!pair || pair->first.empty()) {
      return Unexpected(BadValue(flag, text, "KEY=VALUE"));
    }
    options[fmt::format("{}{}", prefix, pair->first)] = std::string(pair->second);
  }
  return {};
}

Result<> AddBuildArgs(const Context& context, const Flags& flags, Options& options) {
  for (const std::string& text : flags.List("build-arg")) {
    const auto pair = SplitOnce(text, '=');
    if (text.empty() || (pair && pair->first.empty())) {
      return Unexpected(BadValue("build-arg", text, "NAME=VALUE, or NAME of a variable that is set here"));
    }
    if (pair) {
      options[fmt::format("build-arg:{}", pair->first)] = std::string(pair->second);
    } else if (const char* const value = std::getenv(text.c_str()); value != nullptr) {
      options["build-arg:" + text] = value;
    }
  }
  if (const std::string epoch = context.Env("SOURCE_DATE_EPOCH"); !epoch.empty()) {
    options.try_emplace("build-arg:SOURCE_DATE_EPOCH", epoch);
  }
  return {};
}

Result<> AddHosts(const Flags& flags, Options& options) {
  std::vector<std::string> hosts;
  for (const std::string& text : flags.List("add-host")) {
    auto pair = SplitOnce(text, '=');
    if (!pair) {
      pair = SplitOnce(text, ':');
    }
    if (!pair || pair->first.empty() || pair->second.empty()) {
      return Unexpected(BadValue("add-host", text, "HOST:IP"));
    }
    std::string_view address = pair->second;
    if (address.starts_with('[') && address.ends_with(']')) {
      address = address.substr(1, address.size() - 2);
    }
    hosts.push_back(fmt::format("{}={}", pair->first, address));
  }
  if (!hosts.empty()) {
    options["add-hosts"] = Join(hosts, ",");
  }
  return {};
}

// --build-context: directories become local directories of the client, the rest is for the frontend.
Result<> AddNamedContexts(const Flags& flags, Options& options, session::LocalClientOptions& client) {
  for (const std::string& text : flags.List("build-context")) {
    const auto pair = SplitOnce(text, '=');
    if (!pair || pair->first.empty() || pair->second.empty()) {
      return Unexpected(BadValue("build-context", text, "NAME=DIRECTORY or NAME=docker-image://IMAGE"));
    }
    const std::string name(pair->first);
    const std::string where(pair->second);
    constexpr std::string_view kLayout = "oci-layout://";
    if (where.starts_with(kLayout)) {
      // oci-layout://PATH[:TAG][@DIGEST]: the path becomes a store of the client, named like the context.
      const std::string rest = where.substr(kLayout.size());
      const std::size_t end = std::min(rest.find('@'), rest.find(':', rest.rfind('/') + 1));
      client.oci_layouts[name] = rest.substr(0, end);
      options["context:" + name] =
          fmt::format("{}{}{}", kLayout, name, end == std::string::npos ? "" : rest.substr(end));
      continue;
    }
    if (where.find("://") != std::string::npos || where.starts_with("target:")) {
      options["context:" + name] = where;
      continue;
    }
    if (!std::filesystem::is_directory(where)) {
      // "git@host:path"
      if (LOAM_TRY(sema::ParseGitReference(where))) {
        options["context:" + name] = where;
        continue;
      }
      return Unexpected(BadValue("build-context", text,
                                 "an existing directory, or docker-image://, oci-layout://, target: or a URL"));
    }
    options["context:" + name] = "local:" + name;
    client.local_dirs[name] = where;
  }
  return {};
}

// What the frontend says of an option, said of the flag that gave it.
Error AboutFlag(const Error& error) {
  constexpr std::pair<std::string_view, std::string_view> kFlags[] = {
      {"add-hosts", "add-host"},     {"cgroup-parent", "cgroup-parent"},
      {"cpuperiod", "cpu-period"},   {"cpuquota", "cpu-quota"},
      {"cpushares", "cpu-shares"},   {"cpusetcpus", "cpuset-cpus"},
      {"cpusetmems", "cpuset-mems"}, {"memory", "memory"},
      {"memswap", "memory-swap"},    {"platform", "platform"},
      {"shm-size", "shm-size"},      {"ulimit", "ulimit"},
  };
  for (const auto& [option, flag] : kFlags) {
    const std::string prefix = fmt::format("option `{}`: ", option);
    if (error.message().starts_with(prefix)) {
      return Error(error.code(), fmt::format("`--{}`: {}", flag, error.message().substr(prefix.size())))
          .WithHint(error.hint());
    }
  }
  return error;
}

// Limits of each RUN; what is wrong with the other values the frontend says.
Result<> AddResources(const Flags& flags, Options& options) {
  constexpr std::pair<std::string_view, const char*> kPlain[] = {{"cpu-period", "cpuperiod"},
                                                                 {"cpu-quota", "cpuquota"},
                                                                 {"cpu-shares", "cpushares"},
                                                                 {"cpuset-cpus", "cpusetcpus"},
                                                                 {"cpuset-mems", "cpusetmems"}};
  for (const auto& [flag, option] : kPlain) {
    if (flags.Has(flag)) {
      options[option] = flags.String(flag);
    }
  }
  if (flags.Has("memory")) {
    options["memory"] = std::to_string(LOAM_TRY(ParseBinarySize("memory", flags.String("memory"))));
  }
  if (flags.Has("memory-swap")) {
    const std::string text = flags.String("memory-swap");
    options["memswap"] = text == "-1" ? text : std::to_string(LOAM_TRY(ParseBinarySize("memory-swap", text)));
  }
  return {};
}

Result<ops::Entitlements> ParseEntitlements(const Flags& flags) {
  constexpr std::string_view kDevice = "device=";
  ops::Entitlements entitlements;
  for (const std::string& text : flags.List("allow")) {
    if (text == "network.host") {
      entitlements.network_host = true;
    } else if (text == "security.insecure") {
      entitlements.security_insecure = true;
    } else if (text == "device" || text.starts_with(kDevice)) {
      LOAM_TRY(cdi::AddGrant(text == "device" ? "" : text.substr(kDevice.size()), entitlements.devices));
    } else {
      return Unexpected(BadValue("allow", text, "network.host, security.insecure or device[=NAME]"));
    }
  }
  return entitlements;
}

}  // namespace

Result<BuildRequest> MakeBuildRequest(const Context& context, const Flags& flags, const BuildContext& files) {
  BuildRequest request;
  Options& options = request.frontend.options;
  session::LocalClientOptions client;
  request.entitlements = LOAM_TRY(ParseEntitlements(flags));

  LOAM_TRY(AddBuildArgs(context, flags, options));
  LOAM_TRY(AddKeyValues(flags, "label", "label:", options));
  LOAM_TRY(AddHosts(flags, options));
  LOAM_TRY(AddNamedContexts(flags, options, client));
  options["filename"] = files.dockerfile_name;
  if (flags.Has("target")) {
    options["target"] = flags.String("target");
  }
  if (flags.Has("platform")) {
    options["platform"] = Join(flags.List("platform"), ",");
  }
  if (flags.Bool("no-cache")) {
    options["no-cache"] = "";
  } else if (flags.Has("no-cache-filter")) {
    options["no-cache"] = Join(flags.List("no-cache-filter"), ",");
  }
  if (flags.Bool("pull")) {
    options["image-resolve-mode"] = "pull";
  }
  const std::string network = flags.String("network");
  if (!network.empty() && network != "default") {
    if (network != "host" && network != "none") {
      return Unexpected(BadValue("network", network, "default, host or none"));
    }
    options["force-network-mode"] = network;
    request.entitlements.network_host = request.entitlements.network_host || network == "host";
  }
  if (flags.Has("shm-size")) {
    options["shm-size"] = std::to_string(LOAM_TRY(ParseBinarySize("shm-size", flags.String("shm-size"))));
  }
  if (flags.Has("ulimit")) {
    options["ulimit"] = Join(flags.List("ulimit"), ",");
  }
  LOAM_TRY(AddResources(flags, options));
  if (flags.Has("cgroup-parent")) {
    options["cgroup-parent"] = flags.String("cgroup-parent");
  }
  const std::string level = flags.Has("optimize") ? flags.String("optimize") : "1";
  if (level != "0" && level != "1") {
    return Unexpected(BadValue("optimize", level, "0 or 1"));
  }
  request.frontend.optimization_level = level == "1" ? 1 : 0;
  request.frontend.display_name = files.display_name;

  for (const std::string& text : flags.List("secret")) {
    auto [id, secret] = LOAM_TRY(session::ParseSecretOption(text));
    client.secrets[id] = secret;
  }
  for (const std::string& text : flags.List("ssh")) {
    auto [id, agent] = LOAM_TRY(session::ParseSshOption(text));
    client.ssh[id] = agent;
  }
  if (!files.remote_url.empty()) {
    options["context"] = files.remote_url;
    if (!files.dockerfile_dir.empty()) {
      options["dockerfilekey"] = "dockerfile";
      client.local_dirs["dockerfile"] = files.dockerfile_dir;
    }
  } else {
    client.local_dirs["context"] = files.context_dir;
    client.local_dirs["dockerfile"] = files.dockerfile_dir;
  }
  if (const auto known = sema::ParseFrontendOptions(options); !known) {
    return Unexpected(AboutFlag(known.error()));
  }
  request.caches = LOAM_TRY(ParseBuildCaches(context, flags, client));
  request.attests = LOAM_TRY(ParseAttests(flags));
  request.client = session::MakeLocalClientServices(std::move(client));

  const std::string target = flags.Has("target") ? " --target " + flags.String("target") : std::string();
  request.title = files.display_name + target;
  std::error_code ignored;
  const std::string where =
      files.remote_url.empty() ? std::filesystem::canonical(files.context_dir, ignored).string() : files.remote_url;
  request.build_key = fmt::format("{}\n{}\n{}", where, files.display_name, flags.String("target"));
  return request;
}

}  // namespace loam::cli
