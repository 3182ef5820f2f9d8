#include "runtime-executor/gateway/bridge/frontend_result.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/platform.h"

namespace loam::gateway {
namespace {

using nlohmann::json;

std::string MetadataOr(const FrontendResult& result, std::string_view key, const std::string& platform,
                       const std::string& fallback) {
  if (!platform.empty()) {
    const auto own = result.metadata.find(fmt::format("{}/{}", key, platform));
    if (own != result.metadata.end()) {
      return own->second;
    }
  }
  const auto shared = result.metadata.find(std::string(key));
  return shared == result.metadata.end() ? fallback : shared->second;
}

// What belongs to the reference `name`, whose platform is `id`.
void AddFacts(const FrontendResult& result, const std::string& name, const std::string& id,
              engine::PlatformResult& platform) {
  if (const auto definition = result.definitions.find(name); definition != result.definitions.end()) {
    platform.definition = definition->second;
  }
  if (const auto request = result.requests.find(name); request != result.requests.end()) {
    platform.request = request->second;
  }
  if (const auto scan = result.scans.find(name); scan != result.scans.end()) {
    platform.scan = scan->second;
  }
  platform.sources = result.sources;
  if (const auto attestations = result.attestations.find(id); attestations != result.attestations.end()) {
    platform.attestations = attestations->second;
  }
}

// What an image config says it is for; the host's platform if it says nothing.
std::string PlatformOfConfig(const std::string& config) {
  const json parsed = json::parse(config, nullptr, false);
  Platform platform = HostPlatform();
  if (parsed.is_object() && parsed.contains("os") && parsed["os"].is_string() && parsed.contains("architecture") &&
      parsed["architecture"].is_string()) {
    platform = {};
    platform.os = parsed["os"].get<std::string>();
    platform.architecture = parsed["architecture"].get<std::string>();
    if (parsed.contains("variant") && parsed["variant"].is_string()) {
      platform.variant = parsed["variant"].get<std::string>();
    }
  }
  return platform.ToString();
}

Result<> CheckPlatformOfConfig(const std::string& config) {
  const json parsed = json::parse(config, nullptr, false);
  const auto names = [&parsed](const char* key) {
    return parsed.is_object() && parsed.contains(key) && parsed[key].is_string() &&
           !parsed[key].get<std::string>().empty();
  };
  if (names("os") != names("architecture")) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      "invalid image config: os and architecture must be specified together");
  }
  return {};
}

Result<std::vector<std::string>> PlatformIds(const FrontendResult& result) {
  std::vector<std::string> ids;
  const auto listed = result.metadata.find(std::string(kPlatformsKey));
  if (listed == result.metadata.end()) {
    for (const auto& [id, fs] : result.refs) {
      ids.push_back(id);
    }
    return ids;
  }
  const json parsed = json::parse(listed->second, nullptr, false);
  if (parsed.is_null() || (parsed.is_object() && (!parsed.contains("Platforms") || parsed["Platforms"].is_null()))) {
    return Unexpected(ErrorCode::kInvalidArgument, "invalid empty platforms index for exporter");
  }
  if (!parsed.is_object() || !parsed["Platforms"].is_array()) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("{} of the result is no list of platforms", kPlatformsKey));
  }
  if (parsed["Platforms"].empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "invalid empty platforms index for exporter");
  }
  for (const json& platform : parsed["Platforms"]) {
    if (!platform.is_object() || !platform.contains("ID") || !platform["ID"].is_string()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} of the result names no platform", kPlatformsKey));
    }
    ids.push_back(platform["ID"].get<std::string>());
    if (ids.back().empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "invalid empty platform key for exporter");
    }
    if (!ParsePlatform(ids.back())) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid platform value {}", ids.back()));
    }
  }
  return ids;
}

}  // namespace

Result<std::vector<engine::PlatformResult>> PlatformResultsOf(const FrontendResult& result) {
  std::vector<engine::PlatformResult> platforms;
  if (!result.is_map) {
    // A stage that a named context without an image config replaces leaves half a platform in the config; the frontend
    // says beside it what the result is for.
    if (!result.metadata.contains(std::string(kPlatformsKey))) {
      LOAM_TRY(CheckPlatformOfConfig(MetadataOr(result, kImageConfigKey, "", "")));
    }
    engine::PlatformResult platform;
    std::string id;
    const auto ids = LOAM_TRY(PlatformIds(result));
    if (result.metadata.contains(std::string(kPlatformsKey)) && ids.size() == 1) {
      id = ids.front();
    }
    platform.image_config = MetadataOr(result, kImageConfigKey, id, "");
    platform.base_image_config = MetadataOr(result, kBaseImageConfigKey, id, "");
    platform.platform = id.empty() ? PlatformOfConfig(platform.image_config) : id;
    if (!result.refs.empty()) {
      platform.fs = result.refs.front().second;
      AddFacts(result, result.refs.front().first, id.empty() ? platform.platform : id, platform);
    }
    platforms.push_back(std::move(platform));
    return platforms;
  }
  for (const std::string& id : LOAM_TRY(PlatformIds(result))) {
    const auto found =
        std::find_if(result.refs.begin(), result.refs.end(), [&](const auto& entry) { return entry.first == id; });
    if (found == result.refs.end()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the result has no filesystem for platform {}", id));
    }
    engine::PlatformResult platform;
    platform.platform = id;
    platform.fs = found->second;
    AddFacts(result, id, id, platform);
    platform.image_config = MetadataOr(result, kImageConfigKey, id, "");
    platform.base_image_config = MetadataOr(result, kBaseImageConfigKey, id, "");
    platforms.push_back(std::move(platform));
  }
  return platforms;
}

FrontendResult FrontendResultOf(std::vector<engine::PlatformResult> platforms, bool multi_platform,
                                std::map<std::string, std::string> metadata) {
  FrontendResult result;
  result.is_map = multi_platform || platforms.size() > 1;
  result.metadata = std::move(metadata);
  json listed = json::array();
  for (engine::PlatformResult& platform : platforms) {
    const std::string suffix = result.is_map ? "/" + platform.platform : std::string();
    result.metadata[std::string(kImageConfigKey) + suffix] = platform.image_config;
    if (!platform.base_image_config.empty()) {
      result.metadata[std::string(kBaseImageConfigKey) + suffix] = platform.base_image_config;
    }
    json spec;
    if (const auto parsed = ParsePlatform(platform.platform)) {
      spec["architecture"] = parsed->architecture;
      spec["os"] = parsed->os;
      if (!parsed->variant.empty()) {
        spec["variant"] = parsed->variant;
      }
      if (!parsed->os_version.empty()) {
        spec["os.version"] = parsed->os_version;
      }
    }
    listed.push_back({{"ID", platform.platform}, {"Platform", std::move(spec)}});
    const std::string name = result.is_map ? platform.platform : "";
    if (!platform.attestations.empty()) {
      result.attestations[platform.platform] = std::move(platform.attestations);
    }
    result.sources = std::move(platform.sources);
    result.scans[name] = std::move(platform.scan);
    result.definitions[name] = std::move(platform.definition);
    result.refs.emplace_back(name, std::move(platform.fs));
  }
  result.metadata[std::string(kPlatformsKey)] = json{{"Platforms", std::move(listed)}}.dump();
  return result;
}

}  // namespace loam::gateway
