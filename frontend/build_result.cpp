#include "frontend/build_result.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/platform.h"
#include "base/strings.h"

namespace loam::frontend {
namespace {

// What a Windows image says of its version belongs to the platform of the result.
void ExtendWindows(Platform& platform, const std::string& config) {
  const auto parsed = nlohmann::json::parse(config, nullptr, false);
  if (platform.os == "windows" && parsed.is_object() && parsed.value("os", "") == "windows" &&
      platform.os_version.empty()) {
    platform.os_version = parsed.value("os.version", "");
  }
}

}  // namespace

Result<> ResultBuilder::Add(BuiltPlatform built) {
  Platform platform = NormalizePlatform(LOAM_TRY(ParsePlatform(built.id)));
  const std::string id = FormatPlatformAll(platform);
  ExtendWindows(platform, built.config);
  auto json = nlohmann::ordered_json{{"architecture", platform.architecture}, {"os", platform.os}};
  if (!platform.os_version.empty()) {
    json["os.version"] = platform.os_version;
  }
  if (!platform.os_features.empty()) {
    json["os.features"] = platform.os_features;
  }
  if (!platform.variant.empty()) {
    json["variant"] = platform.variant;
  }
  platforms_.push_back(nlohmann::ordered_json{{"ID", id}, {"Platform", std::move(json)}}.dump());

  const auto add = [&](const char* key, std::string value) {
    if (!value.empty()) {
      (*result_.mutable_metadata())[multi_platform_ ? fmt::format("{}/{}", key, id) : key] = std::move(value);
    }
  };
  add("containerimage.config", std::move(built.config));
  add("containerimage.base.config", std::move(built.base_config));
  add("source.date.epoch", built.epoch ? std::to_string(*built.epoch) : std::string());

  if (built.sbom) {
    api::Attestation& attestation = *(*result_.mutable_attestations())[id].add_attestation();
    attestation.set_kind(api::Bundle);
    attestation.mutable_ref()->set_id(built.sbom->id);
    attestation.set_intotopredicatetype("https://spdx.dev/Document");
    (*attestation.mutable_metadata())["reason"] = "sbom";
    (*attestation.mutable_metadata())["sbom-core"] = "sbom";
  }
  const bool arrays = client_.Has("proto.refarray");
  const auto set = [&](api::Ref& wire) {
    wire.set_id(built.ref.id);
    if (!built.ref.definition.empty()) {
      wire.mutable_def()->ParseFromString(built.ref.definition);
    }
  };
  if (multi_platform_ && arrays) {
    set((*result_.mutable_refs()->mutable_refs())[id]);
  } else if (multi_platform_) {
    (*result_.mutable_refsdeprecated()->mutable_refs())[id] = built.ref.id;
  } else if (arrays) {
    set(*result_.mutable_ref());
  } else {
    result_.set_refdeprecated(built.ref.id);
  }
  return {};
}

api::Result ResultBuilder::Finish() {
  (*result_.mutable_metadata())["refs.platforms"] = fmt::format("{{\"Platforms\":[{}]}}", Join(platforms_, ","));
  return std::move(result_);
}

}  // namespace loam::frontend
