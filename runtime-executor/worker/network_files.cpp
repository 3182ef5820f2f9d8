#include "runtime-executor/worker/network_files.h"

#include <arpa/inet.h>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::worker {

namespace {

constexpr std::string_view kPublicServers =
    "nameserver 8.8.8.8\nnameserver 8.8.4.4\nnameserver 2001:4860:4860::8888\nnameserver 2001:4860:4860::8844\n";

bool IsIpAddress(const std::string& text) {
  in6_addr buffer{};
  return inet_pton(AF_INET, text.c_str(), &buffer) == 1 || inet_pton(AF_INET6, text.c_str(), &buffer) == 1;
}

}  // namespace

Result<std::string> HostsFile(std::string_view hostname, const std::vector<HostAddress>& extra_hosts) {
  std::string text = fmt::format("127.0.0.1\tlocalhost {}\n::1\tlocalhost ip6-localhost ip6-loopback\n", hostname);
  for (const HostAddress& extra : extra_hosts) {
    if (!IsIpAddress(extra.ip)) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("extra host `{}`: `{}` is not an IP address", extra.host, extra.ip));
    }
    text += fmt::format("{}\t{}\n", extra.ip, extra.host);
  }
  return text;
}

std::string ResolvConf(std::string_view host_file, NetworkMode network, const DnsOptions& dns) {
  std::string text;
  bool has_server = !dns.nameservers.empty();
  for (const std::string& server : dns.nameservers) {
    text += fmt::format("nameserver {}\n", server);
  }
  if (!dns.search_domains.empty()) {
    text += fmt::format("search {}\n", Join(dns.search_domains, " "));
  }
  if (!dns.options.empty()) {
    text += fmt::format("options {}\n", Join(dns.options, " "));
  }
  const auto replaced = [&dns](std::string_view line) {
    return (line.starts_with("nameserver") && !dns.nameservers.empty()) ||
           ((line.starts_with("search") || line.starts_with("domain")) && !dns.search_domains.empty()) ||
           (line.starts_with("options") && !dns.options.empty());
  };
  for (std::string_view line : Split(host_file, '\n')) {
    const std::string_view trimmed = TrimSpace(line);
    if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == ';' || replaced(trimmed)) {
      continue;
    }
    if (trimmed.starts_with("nameserver")) {
      const std::string_view address = TrimSpace(trimmed.substr(std::string_view("nameserver").size()));
      const bool loopback = address.starts_with("127.") || address == "::1";
      if (loopback && network != NetworkMode::kHost) {
        continue;
      }
      has_server = true;
    }
    text += trimmed;
    text += '\n';
  }
  if (!has_server) {
    text += kPublicServers;
  }
  return text;
}

}  // namespace loam::worker
