#include "cli/remote/engine_address.h"

#include <map>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::cli {
namespace {

Error Wrong(const std::string& text, std::string_view why) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("`--engine={}`: {}", text, why))
      .WithHint("unix:///SOCKET, tcp://HOST:PORT, docker-container://NAME, kube-pod://POD or ssh://[USER@]HOST");
}

std::map<std::string, std::string> QueryOf(std::string_view text) {
  std::map<std::string, std::string> query;
  for (const std::string_view part : Split(text, '&')) {
    if (const auto pair = SplitOnce(part, '=')) {
      query[std::string(pair->first)] = std::string(pair->second);
    }
  }
  return query;
}

}  // namespace

Result<EngineAddress> ParseEngineAddress(const std::string& text) {
  EngineAddress address;
  address.text = text;
  const auto scheme = text.find("://");
  if (scheme == std::string::npos) {
    return Unexpected(Wrong(text, "it has no scheme"));
  }
  const std::string kind = text.substr(0, scheme);
  std::string_view rest = std::string_view(text).substr(scheme + 3);
  std::map<std::string, std::string> query;
  if (kind != "unix") {
    if (const auto pair = SplitOnce(rest, '?')) {
      query = QueryOf(pair->second);
      rest = pair->first;
    }
  }
  if (rest.empty()) {
    return Unexpected(Wrong(text, "it names nothing"));
  }
  if (kind == "unix") {
    address.target = fmt::format("unix:{}", rest);
  } else if (kind == "tcp") {
    address.target = std::string(rest);
  } else if (kind == "docker-container") {
    address.command = {"docker"};
    if (const auto context = query.find("context"); context != query.end()) {
      address.command.insert(address.command.end(), {"--context", context->second});
    }
    address.command.insert(address.command.end(), {"exec", "-i", std::string(rest), "buildctl", "dial-stdio"});
  } else if (kind == "kube-pod") {
    address.command = {"kubectl"};
    for (const char* const key : {"context", "namespace"}) {
      if (const auto found = query.find(key); found != query.end()) {
        address.command.push_back(fmt::format("--{}={}", key, found->second));
      }
    }
    address.command.emplace_back("exec");
    if (const auto container = query.find("container"); container != query.end()) {
      address.command.push_back("--container=" + container->second);
    }
    address.command.insert(address.command.end(), {"-i", std::string(rest), "--", "buildctl", "dial-stdio"});
  } else if (kind == "ssh") {
    std::string_view host = rest;
    std::string socket;
    if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
      host = rest.substr(0, slash);
      socket = std::string(rest.substr(slash));
    }
    address.command = {"ssh", "-T", "-o", "ConnectTimeout=30"};
    if (const auto pair = SplitOnce(host, '@')) {
      address.command.insert(address.command.end(), {"-l", std::string(pair->first)});
      host = pair->second;
    }
    if (const auto pair = SplitOnce(host, ':')) {
      address.command.insert(address.command.end(), {"-p", std::string(pair->second)});
      host = pair->first;
    }
    address.command.insert(address.command.end(), {"--", std::string(host), "buildctl"});
    if (socket.size() > 1) {
      address.command.push_back("--addr=unix://" + socket);
    }
    address.command.emplace_back("dial-stdio");
  } else {
    return Unexpected(Wrong(text, fmt::format("`{}` is not supported", kind)));
  }
  return address;
}

}  // namespace loam::cli
