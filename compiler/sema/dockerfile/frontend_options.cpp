// The frontend's `opt` map as values.
#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/platform.h"
#include "base/strings.h"
#include "compiler/sema/dockerfile/git_reference.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/dockerfile/options.h"

namespace loam::sema {
namespace {

using Options = std::map<std::string, std::string>;

tl::unexpected<Error> Bad(std::string_view option, std::string_view why) {
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("option `{}`: {}", option, why));
}

std::string Get(const Options& opts, const std::string& key) {
  const auto found = opts.find(key);
  return found == opts.end() ? std::string() : found->second;
}

std::map<std::string, std::string> WithPrefix(const Options& opts, std::string_view prefix) {
  std::map<std::string, std::string> out;
  for (auto it = opts.lower_bound(std::string(prefix)); it != opts.end() && it->first.starts_with(prefix); ++it) {
    out.emplace(it->first.substr(prefix.size()), it->second);
  }
  return out;
}

// The fields of one line of comma-separated values.
Result<std::vector<std::string>> CsvFields(std::string_view line) {
  std::vector<std::string> fields;
  std::size_t pos = 0;
  for (;;) {
    std::string field;
    if (pos < line.size() && line[pos] == '"') {
      for (++pos;; ++pos) {
        if (pos >= line.size()) {
          return Unexpected(ErrorCode::kInvalidArgument, "a quote is not closed");
        }
        if (line[pos] == '"') {
          if (pos + 1 >= line.size() || line[pos + 1] != '"') {
            break;
          }
          ++pos;
        }
        field += line[pos];
      }
      ++pos;
      if (pos < line.size() && line[pos] != ',') {
        return Unexpected(ErrorCode::kInvalidArgument, "text behind a closing quote");
      }
    } else {
      const std::size_t end = std::min(line.find(',', pos), line.size());
      field = line.substr(pos, end - pos);
      if (field.find('"') != std::string::npos) {
        return Unexpected(ErrorCode::kInvalidArgument, "a quote inside of a field");
      }
      pos = end;
    }
    fields.push_back(std::move(field));
    if (pos >= line.size()) {
      return fields;
    }
    ++pos;
  }
}

// An address as Go's net.IP prints it.
std::optional<std::string> NormalIp(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    return ::inet_ntop(AF_INET, bytes.data(), out.data(), out.size());
  }
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) {
    return std::nullopt;
  }
  // ::ffff:1.2.3.4 is the IPv4 address.
  const bool mapped = std::all_of(bytes.begin(), bytes.begin() + 10, [](unsigned char byte) { return byte == 0; }) &&
                      bytes[10] == 0xFF && bytes[11] == 0xFF;
  return mapped ? ::inet_ntop(AF_INET, bytes.data() + 12, out.data(), out.size())
                : ::inet_ntop(AF_INET6, bytes.data(), out.data(), out.size());
}

Result<void> ReadHosts(const Options& opts, DockerfileOptions& out) {
  const std::string value = Get(opts, "add-hosts");
  if (value.empty()) {
    return {};
  }
  for (const std::string& field : LOAM_TRY_CONTEXT("option `add-hosts`", CsvFields(value))) {
    const std::string lower = ToLowerAscii(field);
    const std::size_t equals = lower.find('=');
    const auto ip = equals == std::string::npos ? std::nullopt : NormalIp(lower.substr(equals + 1));
    if (!ip) {
      return Bad("add-hosts", fmt::format("`{}` is not host=address", field));
    }
    out.extra_hosts.push_back({lower.substr(0, equals), *ip});
  }
  return {};
}

Result<void> ReadUlimits(const Options& opts, DockerfileOptions& out) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile",
                                       "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"});
  const std::string value = Get(opts, "ulimit");
  if (value.empty()) {
    return {};
  }
  for (const std::string& field : LOAM_TRY_CONTEXT("option `ulimit`", CsvFields(value))) {
    const std::size_t equals = field.find('=');
    const std::string name = field.substr(0, equals);
    if (equals == std::string::npos || std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
      return Bad("ulimit", fmt::format("`{}` is not name=soft[:hard] of a known limit", field));
    }
    const auto limits = Split(std::string_view(field).substr(equals + 1), ':');
    const auto soft = ParseInt(limits.front(), 10, 64);
    const auto hard = limits.size() == 2 ? ParseInt(limits[1], 10, 64) : soft;
    if (limits.size() > 2 || !soft || !hard) {
      return Bad("ulimit", fmt::format("`{}` is not name=soft[:hard]", field));
    }
    if (*hard != -1 && (*soft == -1 || *soft > *hard)) {
      return Bad("ulimit", fmt::format("the soft limit of `{}` is above the hard one", field));
    }
    out.ulimits.push_back({name, *soft, *hard});
  }
  return {};
}

// "0-3,5": numbers and ascending ranges.
bool IsCpuSet(std::string_view text) {
  for (const std::string_view part : Split(text, ',')) {
    const std::size_t dash = part.find('-');
    const auto first = ParseUint(part.substr(0, dash), 10, 31);
    const auto last = dash == std::string_view::npos ? first : ParseUint(part.substr(dash + 1), 10, 31);
    if (!first || !last || *last < *first) {
      return false;
    }
  }
  return true;
}

Result<void> ReadResources(const Options& opts, DockerfileOptions& out) {
  ResourceOptions resources;
  bool any = false;
  const auto read = [&](const std::string& key, auto& field, std::int64_t least) -> Result<void> {
    const std::string value = Get(opts, key);
    if (value.empty()) {
      return {};
    }
    const auto number = ParseInt(value, 10, 64);
    if (!number || *number == 0 || *number < least) {
      return Bad(key, fmt::format("`{}` is no {}", value, least < 0 ? "number above 0, nor -1" : "number above 0"));
    }
    field = static_cast<std::remove_reference_t<decltype(field)>>(*number);
    any = true;
    return {};
  };
  LOAM_TRY(read("memory", resources.memory, 1));
  LOAM_TRY(read("memswap", resources.memory_swap, -1));
  LOAM_TRY(read("cpushares", resources.cpu_shares, 1));
  LOAM_TRY(read("cpuperiod", resources.cpu_period, 1));
  LOAM_TRY(read("cpuquota", resources.cpu_quota, 1));
  for (auto [key, field] : {std::pair{"cpusetcpus", &resources.cpuset_cpus}, {"cpusetmems", &resources.cpuset_mems}}) {
    *field = Get(opts, key);
    if (!field->empty() && !IsCpuSet(*field)) {
      return Bad(key, fmt::format("`{}` is no list such as 0-3,5", *field));
    }
    any = any || !field->empty();
  }
  if (any) {
    out.resources = resources;
  }
  return {};
}

Result<void> ReadPlatforms(const Options& opts, DockerfileOptions& out) {
  const std::string value = Get(opts, "platform");
  for (const std::string_view platform : value.empty() ? std::vector<std::string_view>() : Split(value, ',')) {
    LOAM_TRY_CONTEXT("option `platform`", ParsePlatform(platform));
    out.platforms.emplace_back(platform);
  }
  out.multi_platform = out.platforms.size() > 1;
  std::string multi = Get(opts, "build-arg:BUILDKIT_MULTI_PLATFORM");
  if (multi.empty()) {
    multi = Get(opts, "multi-platform");
  }
  if (!multi.empty()) {
    const auto flag = ParseBool(multi);
    if (!flag) {
      return Bad("multi-platform", fmt::format("`{}` is no boolean", multi));
    }
    if (!*flag && out.multi_platform) {
      return Bad("multi-platform", "several platforms are asked for");
    }
    out.multi_platform = *flag;
  }
  return {};
}

}  // namespace

Result<DockerfileOptions> ParseFrontendOptions(const Options& opts) {
  DockerfileOptions out;
  out.target = Get(opts, "target");
  out.build_args = WithPrefix(opts, "build-arg:");
  out.labels = WithPrefix(opts, "label:");
  out.contexts = WithPrefix(opts, "context:");
  out.input_metadata = WithPrefix(opts, "input-metadata:");
  out.shared_keys = WithPrefix(opts, "sharedkey:localdir:");
  out.local_session_ids = WithPrefix(opts, "local-sessionid:");
  LOAM_TRY(ReadPlatforms(opts, out));
  LOAM_TRY(ReadHosts(opts, out));
  LOAM_TRY(ReadUlimits(opts, out));
  LOAM_TRY(ReadResources(opts, out));

  if (const std::string mode = Get(opts, "image-resolve-mode"); !mode.empty()) {
    if (mode != "default" && mode != "pull" && mode != "local") {
      return Bad("image-resolve-mode", fmt::format("`{}` is not default, pull or local", mode));
    }
    out.image_resolve_mode = mode;
  }
  if (const std::string mode = Get(opts, "force-network-mode"); !mode.empty()) {
    if (mode != "host" && mode != "none" && mode != "sandbox") {
      return Bad("force-network-mode", fmt::format("`{}` is not sandbox, host or none", mode));
    }
    out.network = mode == "host" ? ir::Network::kHost : mode == "none" ? ir::Network::kNone : ir::Network::kSandbox;
  }
  if (const std::string size = Get(opts, "shm-size"); !size.empty()) {
    const auto bytes = ParseInt(size, 10, 64);
    if (!bytes) {
      return Bad("shm-size", fmt::format("`{}` is no number of bytes", size));
    }
    out.shm_size = *bytes;
  }
  if (const auto found = opts.find("no-cache"); found != opts.end()) {
    out.no_cache.emplace();
    if (!found->second.empty()) {
      for (const std::string_view stage : Split(found->second, ',')) {
        out.no_cache->emplace_back(stage);
      }
    }
  }
  out.cgroup_parent = Get(opts, "cgroup-parent");
  out.cache_mount_namespace = Get(opts, "build-arg:BUILDKIT_CACHE_MOUNT_NS");
  out.hostname = Get(opts, "build-arg:BUILDKIT_SANDBOX_HOSTNAME");
  if (out.hostname.empty()) {
    out.hostname = Get(opts, "hostname");
  }
  out.check = Get(opts, "build-arg:BUILDKIT_DOCKERFILE_CHECK");
  out.keep_git_dir = ParseBool(Get(opts, "build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR")).value_or(false);
  if (const std::string name = Get(opts, "filename"); !name.empty()) {
    out.file_name = name;
  }
  // The context's own name is an option too, under which its place stands if that is a URL.
  const std::string context_key = Get(opts, "contextkey");
  const std::string place = Get(opts, context_key.empty() ? "context" : context_key);
  if (LOAM_TRY_CONTEXT("option `context`", ParseGitReference(place)) || place.starts_with("http://") ||
      place.starts_with("https://")) {
    out.remote_context = place;
  }
  out.context_subdir = Get(opts, "contextsubdir");
  return out;
}

}  // namespace loam::sema
