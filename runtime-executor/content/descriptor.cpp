#include "runtime-executor/content/descriptor.h"

#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace loam::content {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

tl::unexpected<Error> Invalid(std::string_view what) {
  return Unexpected(ErrorCode::kInvalidArgument, std::string(what));
}

// A string member; absent and null are "".
Result<std::string> StringMember(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return std::string();
  }
  if (!found->is_string()) {
    return Invalid(fmt::format("member `{}` is not a string", key));
  }
  return found->get<std::string>();
}

Result<std::vector<std::string>> StringList(const json& object, const char* key) {
  std::vector<std::string> list;
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return list;
  }
  if (!found->is_array()) {
    return Invalid(fmt::format("member `{}` is not an array", key));
  }
  for (const json& item : *found) {
    if (!item.is_string()) {
      return Invalid(fmt::format("member `{}` has an element that is not a string", key));
    }
    list.push_back(item.get<std::string>());
  }
  return list;
}

Result<std::map<std::string, std::string>> Annotations(const json& object) {
  std::map<std::string, std::string> annotations;
  const auto found = object.find("annotations");
  if (found == object.end() || found->is_null()) {
    return annotations;
  }
  if (!found->is_object()) {
    return Invalid("member `annotations` is not an object");
  }
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) {
      return Invalid(fmt::format("annotation `{}` is not a string", key));
    }
    annotations[key] = value.get<std::string>();
  }
  return annotations;
}

Result<json> ParseObject(std::string_view text) {
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) {
    return Invalid("not valid JSON");
  }
  if (!value.is_object()) {
    return Invalid("not a JSON object");
  }
  return value;
}

Result<std::vector<Descriptor>> DescriptorList(const json& object, const char* key) {
  std::vector<Descriptor> list;
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return list;
  }
  if (!found->is_array()) {
    return Invalid(fmt::format("member `{}` is not an array", key));
  }
  for (const json& item : *found) {
    list.push_back(LOAM_TRY_CONTEXT(fmt::format("{}[{}]", key, list.size()), ParseDescriptor(item)));
  }
  return list;
}

}  // namespace

namespace media_type {

bool IsIndex(std::string_view media_type) {
  return media_type == kOciIndex || media_type == kDockerManifestList;
}
bool IsManifest(std::string_view media_type) {
  return media_type == kOciManifest || media_type == kDockerManifest;
}
bool IsConfig(std::string_view media_type) {
  return media_type == kOciConfig || media_type == kDockerConfig;
}
bool IsLayer(std::string_view media_type) {
  return media_type.starts_with("application/vnd.oci.image.layer.") ||
         media_type.starts_with("application/vnd.docker.image.rootfs.");
}

}  // namespace media_type

ordered_json ToJson(const Platform& platform) {
  ordered_json json = {{"architecture", platform.architecture}, {"os", platform.os}};
  if (!platform.os_version.empty()) {
    json["os.version"] = platform.os_version;
  }
  if (!platform.os_features.empty()) {
    json["os.features"] = platform.os_features;
  }
  if (!platform.variant.empty()) {
    json["variant"] = platform.variant;
  }
  return json;
}

ordered_json ToJson(const Descriptor& descriptor) {
  ordered_json json = {
      {"mediaType", descriptor.media_type}, {"digest", descriptor.digest.ToString()}, {"size", descriptor.size}};
  if (!descriptor.urls.empty()) {
    json["urls"] = descriptor.urls;
  }
  if (!descriptor.annotations.empty()) {
    json["annotations"] = descriptor.annotations;
  }
  if (descriptor.platform) {
    json["platform"] = ToJson(*descriptor.platform);
  }
  if (!descriptor.artifact_type.empty()) {
    json["artifactType"] = descriptor.artifact_type;
  }
  return json;
}

Result<Platform> ParsePlatformJson(const json& object) {
  if (!object.is_object()) {
    return Invalid("a platform is not an object");
  }
  Platform platform;
  platform.os = LOAM_TRY(StringMember(object, "os"));
  platform.architecture = LOAM_TRY(StringMember(object, "architecture"));
  platform.variant = LOAM_TRY(StringMember(object, "variant"));
  platform.os_version = LOAM_TRY(StringMember(object, "os.version"));
  platform.os_features = LOAM_TRY(StringList(object, "os.features"));
  return platform;
}

Result<Descriptor> ParseDescriptor(const json& object) {
  if (!object.is_object()) {
    return Invalid("a descriptor is not an object");
  }
  Descriptor descriptor;
  descriptor.media_type = LOAM_TRY(StringMember(object, "mediaType"));
  const std::string digest = LOAM_TRY(StringMember(object, "digest"));
  descriptor.digest = LOAM_TRY_CONTEXT("descriptor", Digest::Parse(digest));
  const auto size = object.find("size");
  if (size == object.end() || !size->is_number_integer() ||
      (!size->is_number_unsigned() && size->get<std::int64_t>() < 0)) {
    return Invalid("a descriptor has no valid size");
  }
  descriptor.size = size->get<std::uint64_t>();
  if (descriptor.size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return Invalid("a descriptor has no valid size");
  }
  descriptor.annotations = LOAM_TRY(Annotations(object));
  const auto platform = object.find("platform");
  if (platform != object.end() && !platform->is_null()) {
    descriptor.platform = LOAM_TRY(ParsePlatformJson(*platform));
  }
  descriptor.artifact_type = LOAM_TRY(StringMember(object, "artifactType"));
  descriptor.urls = LOAM_TRY(StringList(object, "urls"));
  return descriptor;
}

Result<Manifest> ParseManifest(std::string_view text) {
  const json object = LOAM_TRY_CONTEXT("image manifest", ParseObject(text));
  Manifest manifest;
  manifest.media_type = LOAM_TRY_CONTEXT("image manifest", StringMember(object, "mediaType"));
  const auto config = object.find("config");
  if (config == object.end()) {
    return Invalid("image manifest: no `config`");
  }
  manifest.config = LOAM_TRY_CONTEXT("image manifest: config", ParseDescriptor(*config));
  manifest.layers = LOAM_TRY_CONTEXT("image manifest", DescriptorList(object, "layers"));
  manifest.annotations = LOAM_TRY_CONTEXT("image manifest", Annotations(object));
  return manifest;
}

Result<Index> ParseIndex(std::string_view text) {
  const json object = LOAM_TRY_CONTEXT("image index", ParseObject(text));
  Index index;
  index.media_type = LOAM_TRY_CONTEXT("image index", StringMember(object, "mediaType"));
  if (!object.contains("manifests")) {
    return Invalid("image index: no `manifests`");
  }
  index.manifests = LOAM_TRY_CONTEXT("image index", DescriptorList(object, "manifests"));
  index.annotations = LOAM_TRY_CONTEXT("image index", Annotations(object));
  return index;
}

Result<std::string> DetectMediaType(std::string_view text) {
  const json object = LOAM_TRY(ParseObject(text));
  std::string type = LOAM_TRY(StringMember(object, "mediaType"));
  if (!type.empty()) {
    return type;
  }
  if (object.contains("manifests")) {
    return std::string(media_type::kOciIndex);
  }
  if (object.contains("config")) {
    return std::string(media_type::kOciManifest);
  }
  return Invalid("neither an image manifest nor an index");
}

}  // namespace loam::content
