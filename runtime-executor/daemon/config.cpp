#include "runtime-executor/daemon/config.h"

#include <fmt/format.h>

namespace loam::daemon {

Result<> SetEntitlements(const std::vector<std::string>& names, Config& config) {
  config.entitlements.clear();
  for (const std::string& name : names) {
    if (name != "network.host" && name != "security.insecure" && name != "device") {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid entitlement : {}", name));
    }
    config.entitlements.insert(name);
  }
  return {};
}

Result<> SetSnapshotter(std::string_view name, Config& config) {
  if (name == "auto" || name == "native" || name == "overlayfs" || name == "overlay") {
    config.worker.snapshotter = name == "overlay" ? "overlayfs" : name;
    return {};
  }
  if (name == "fuse-overlayfs" || name == "stargz") {
    return Unexpected(Error(ErrorCode::kUnimplemented, fmt::format("snapshotter {} is not supported", name))
                          .WithHint("use overlayfs, native or auto"));
  }
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("unknown snapshotter name: {}", name));
}

Result<> SetNetwork(std::string_view mode, Config& config) {
  if (mode == "auto" || mode == "host" || mode == "bridge" || mode == "cni") {
    config.worker.network = mode;
    return {};
  }
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid network mode: {}", mode));
}

Result<> SetPlatforms(const std::vector<std::string>& names, Config& config) {
  config.worker.platforms.clear();
  for (const std::string& name : names) {
    config.worker.platforms.push_back(NormalizePlatform(LOAM_TRY_CONTEXT("invalid platforms", ParsePlatform(name))));
  }
  return {};
}

Result<> SetLogFormat(std::string_view format, Config& config) {
  if (format != "json" && format != "text" && !format.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("unsupported log type \"{}\"", format));
  }
  config.log_json = format == "json";
  return {};
}

}  // namespace loam::daemon
