#include "runtime-executor/gateway/bridge/verify_platforms.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/go_json.h"
#include "base/platform.h"
#include "base/strings.h"

namespace loam::gateway {
namespace {

std::string OneSpelling(const Platform& platform) {
  return FormatPlatformAll(NormalizePlatform(platform));
}

std::string List(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return Join(names, ",");
}

}  // namespace

Result<std::vector<std::string>> PlatformWarnings(const std::string* requested, const FrontendResult& result,
                                                  std::span<const engine::PlatformResult> platforms) {
  std::vector<std::string> warnings;
  std::vector<std::string> wanted;
  Platform only;
  const std::string request = requested == nullptr ? FormatPlatformAll(HostPlatform()) : *requested;
  for (const std::string_view name : Split(request, ',')) {
    const Result<Platform> platform = ParsePlatform(name);
    if (!platform) {
      warnings.push_back(
          fmt::format("Invalid platform result requested {}: {}", GoJsonString(name), platform.error().message()));
      continue;
    }
    only = *platform;
    const std::string spelling = OneSpelling(*platform);
    if (std::find(wanted.begin(), wanted.end(), spelling) != wanted.end()) {
      warnings.push_back(fmt::format("Duplicate platform result requested {}", GoJsonString(name)));
    }
    wanted.push_back(spelling);
  }
  if (!warnings.empty()) {
    return warnings;
  }
  std::vector<std::string> made;
  for (const engine::PlatformResult& platform : platforms) {
    made.push_back(OneSpelling(LOAM_TRY(ParsePlatform(platform.platform))));
  }
  if (wanted.size() == 1 && made.size() == 1) {
    Platform result_platform = LOAM_TRY(ParsePlatform(platforms.front().platform));
    if (only.os_version.empty()) {
      // A result may say more than what was asked for.
      result_platform.os_version.clear();
    }
    if (OneSpelling(result_platform) != wanted.front()) {
      warnings.push_back(fmt::format("Requested platform {} does not match result platform {}", GoJsonString(request),
                                     GoJsonString(made.front())));
    }
    return warnings;
  }
  if (!result.is_map && wanted.size() > 1) {
    warnings.emplace_back("Multiple platforms requested but result is not multi-platform");
    return warnings;
  }
  if (std::set(wanted.begin(), wanted.end()) != std::set(made.begin(), made.end()) || wanted.size() != made.size()) {
    warnings.push_back(
        fmt::format("Requested platforms {} do not match result platforms {}", List(wanted), List(made)));
  }
  return warnings;
}

}  // namespace loam::gateway
