#include "runtime-executor/ops/exec_environment.h"

#include <algorithm>

#include <fmt/format.h>

namespace loam::ops {

void AddDefault(std::string_view name, std::string_view value, std::vector<std::string>& env) {
  const std::string prefix = fmt::format("{}=", name);
  if (std::none_of(env.begin(), env.end(), [&](const std::string& set) { return set.starts_with(prefix); })) {
    env.push_back(prefix + std::string(value));
  }
}

Result<> AddSecrets(const google::protobuf::RepeatedPtrField<pb::SecretEnv>& secrets, session::ClientServices& client,
                    std::stop_token stop, std::vector<std::string>& env) {
  for (const pb::SecretEnv& secret : secrets) {
    if (secret.id().empty()) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("secret ID missing for environment variable {}", secret.name()));
    }
    auto value = client.secrets()->Get(secret.id(), stop);
    if (!value && !(value.error().Is(ErrorCode::kNotFound) && secret.optional())) {
      return Unexpected(std::move(value).error().Wrap("secret " + secret.id()));
    }
    env.push_back(fmt::format("{}={}", secret.name(), value ? *value : std::string()));
  }
  return {};
}

Result<> CheckEntitlements(pb::NetMode network, pb::SecurityMode security, const Entitlements& allowed) {
  if (security != pb::SANDBOX && security != pb::INSECURE) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid security mode {}", static_cast<int>(security)));
  }
  const auto denied = [](std::string_view what) {
    return Unexpected(Error(ErrorCode::kPermissionDenied, fmt::format("entitlement {} is not allowed", what))
                          .WithHint(fmt::format("allow it with `--allow {}`", what)));
  };
  if (network == pb::HOST && !allowed.network_host) {
    return denied("network.host");
  }
  if (security == pb::INSECURE && !allowed.security_insecure) {
    return denied("security.insecure");
  }
  return {};
}

Result<worker::NetworkMode> NetworkOf(pb::NetMode network) {
  switch (network) {
    case pb::UNSET:
      return worker::NetworkMode::kWorker;
    case pb::HOST:
      return worker::NetworkMode::kHost;
    case pb::NONE:
      return worker::NetworkMode::kNone;
    default:
      return Unexpected(ErrorCode::kUnimplemented,
                        fmt::format("network mode {} is not supported", static_cast<int>(network)));
  }
}

}  // namespace loam::ops
