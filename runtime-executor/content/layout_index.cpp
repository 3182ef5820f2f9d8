#include "runtime-executor/content/layout_index.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/go_json.h"

namespace loam::content {
namespace {

using nlohmann::ordered_json;

std::string AnnotationOf(const ordered_json& descriptor, std::string_view key) {
  const auto annotations = descriptor.find("annotations");
  if (annotations == descriptor.end() || !annotations->is_object()) {
    return {};
  }
  const auto value = annotations->find(std::string(key));
  return value != annotations->end() && value->is_string() ? value->get<std::string>() : std::string();
}

// The manifests of an index.json that is there already, as they are.
Result<ordered_json> ExistingManifests(const std::string& path) {
  const std::optional<std::string> text = LOAM_TRY(ReadFileIfExists(path));
  if (!text) {
    return ordered_json::array();
  }
  ordered_json index = ordered_json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!index.is_object() || (index.contains("manifests") && !index["manifests"].is_array())) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} is not an OCI image index", path));
  }
  return index.value("manifests", ordered_json::array());
}

}  // namespace

Result<> AddToLayout(const std::string& directory, const std::vector<Descriptor>& added) {
  LOAM_TRY(MakeDirs(directory));
  LOAM_TRY(WriteFileAtomic(directory + "/oci-layout", kOciLayoutFile));
  // The directory itself is the lock for changing its index.
  const std::string index_path = directory + "/index.json";
  const FileLock lock = LOAM_TRY(FileLock::AcquireDirectory(directory));
  const ordered_json manifests = LOAM_TRY(ExistingManifests(index_path));
  ordered_json index = {{"schemaVersion", 2}, {"mediaType", media_type::kOciIndex}};
  index["manifests"] = ordered_json::array();
  for (const ordered_json& old : manifests) {
    const auto is_replaced = [&](const Descriptor& descriptor) {
      const auto name = descriptor.annotations.find(std::string(kImageNameAnnotation));
      return AnnotationOf(old, kRefNameAnnotation) == descriptor.annotations.at(std::string(kRefNameAnnotation)) &&
             AnnotationOf(old, kImageNameAnnotation) == (name != descriptor.annotations.end() ? name->second : "");
    };
    if (std::none_of(added.begin(), added.end(), is_replaced)) {
      index["manifests"].push_back(old);
    }
  }
  for (const Descriptor& descriptor : added) {
    index["manifests"].push_back(ToJson(descriptor));
  }
  return WriteFileAtomic(index_path, EscapeLikeGo(index.dump()));
}

Result<> NameInLayout(const std::string& directory, Descriptor descriptor, const std::string& ref_name) {
  descriptor.annotations[std::string(kRefNameAnnotation)] = ref_name;
  return AddToLayout(directory, {std::move(descriptor)});
}

Result<Digest> FindInLayout(const std::string& directory, const std::string& ref_name) {
  const ordered_json manifests = LOAM_TRY(ExistingManifests(directory + "/index.json"));
  for (const ordered_json& manifest : manifests) {
    if (AnnotationOf(manifest, kRefNameAnnotation) == ref_name) {
      return Digest::Parse(manifest.value("digest", std::string()));
    }
  }
  return Unexpected(ErrorCode::kNotFound, fmt::format("{} holds nothing named `{}`", directory, ref_name));
}

}  // namespace loam::content
