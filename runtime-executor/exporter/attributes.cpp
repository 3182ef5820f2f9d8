#include "runtime-executor/exporter/attributes.h"

#include <charconv>

#include <fmt/format.h>

#include "base/go_bool.h"
#include "base/image_reference.h"
#include "base/platform.h"
#include "base/strings.h"

namespace loam::exporter {
namespace {

constexpr std::string_view kEpochAttribute = "source-date-epoch";
constexpr std::string_view kEpochMetadata = "source.date.epoch";
constexpr std::string_view kAnnotationPrefix = "annotation";

tl::unexpected<Error> Invalid(std::string message) {
  return Unexpected(ErrorCode::kInvalidArgument, std::move(message));
}

// Removes the attribute and gives its value.
std::optional<std::string> Take(Attributes& attributes, std::string_view key) {
  const auto found = attributes.find(std::string(key));
  if (found == attributes.end()) {
    return std::nullopt;
  }
  std::string value = std::move(found->second);
  attributes.erase(found);
  return value;
}

Result<std::int64_t> ParseInteger(std::string_view key, std::string_view value) {
  std::int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || stop != end || value.empty()) {
    return Invalid(fmt::format("exporter attribute `{}`: `{}` is not an integer", key, value));
  }
  return number;
}

}  // namespace

Result<bool> ParseBool(std::string_view key, std::string_view value) {
  if (const std::optional<bool> parsed = ParseGoBool(value)) {
    return *parsed;
  }
  return Invalid(fmt::format("exporter attribute `{}`: `{}` is neither true nor false", key, value));
}

Result<bool> ParseFlag(std::string_view key, std::string_view value) {
  return value.empty() ? Result<bool>(true) : ParseBool(key, value);
}

Result<std::optional<std::int64_t>> ParseEpoch(std::string_view key, std::string_view value) {
  if (value.empty()) {
    return std::optional<std::int64_t>();
  }
  return std::optional<std::int64_t>(LOAM_TRY(ParseInteger(key, value)));
}

Result<bool> AnnotationSet::Add(std::string_view key, const std::string& value) {
  // annotation(-kind)?([platform])?.key
  if (!key.starts_with(kAnnotationPrefix)) {
    return false;
  }
  std::string_view rest = key.substr(kAnnotationPrefix.size());
  std::string_view kind = "manifest";
  if (rest.starts_with('-')) {
    const std::size_t end = rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", 1);
    if (end == std::string_view::npos || end == 1) {
      return false;
    }
    kind = rest.substr(1, end - 1);
    rest.remove_prefix(end);
  }
  std::string platform;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos || end == 1) {
      return false;
    }
    const Platform parsed =
        LOAM_TRY_CONTEXT(fmt::format("exporter attribute `{}`", key), ParsePlatform(rest.substr(1, end - 1)));
    platform = FormatPlatformAll(parsed);
    rest.remove_prefix(end + 1);
  }
  if (!rest.starts_with('.') || rest.size() == 1) {
    return false;
  }
  const std::string name(rest.substr(1));
  Annotations& annotations = by_platform_[platform];
  if (kind == "manifest") {
    annotations.manifest[name] = value;
  } else if (kind == "manifest-descriptor") {
    annotations.manifest_descriptor[name] = value;
  } else if (kind == "index") {
    annotations.index[name] = value;
  } else if (kind == "index-descriptor") {
    annotations.index_descriptor[name] = value;
  } else {
    return Invalid(fmt::format("exporter attribute `{}`: there are no `{}` annotations", key, kind));
  }
  return true;
}

Annotations AnnotationSet::For(const std::string& platform) const {
  Annotations result;
  for (const auto& [_, annotations] : by_platform_) {
    for (const auto& [key, value] : annotations.index) {
      result.index[key] = value;
    }
    for (const auto& [key, value] : annotations.index_descriptor) {
      result.index_descriptor[key] = value;
    }
  }
  // The platform's own win over those of all platforms.
  for (const std::string& key : {std::string(), platform}) {
    const auto found = by_platform_.find(key);
    if (found != by_platform_.end()) {
      for (const auto& [name, value] : found->second.manifest) {
        result.manifest[name] = value;
      }
      for (const auto& [name, value] : found->second.manifest_descriptor) {
        result.manifest_descriptor[name] = value;
      }
    }
  }
  return result;
}

Result<ImageAttributes> TakeImageAttributes(Attributes& attributes) {
  ImageAttributes result;
  if (auto value = Take(attributes, "name")) {
    result.name = std::move(*value);
  }
  if (const auto value = Take(attributes, "compression")) {
    result.compression.type = LOAM_TRY_CONTEXT("exporter attribute `compression`", content::ParseCompression(*value));
  }
  if (const auto value = Take(attributes, "force-compression")) {
    result.force_compression = LOAM_TRY(ParseFlag("force-compression", *value));
  }
  if (const auto value = Take(attributes, "compression-level")) {
    const std::int64_t level = LOAM_TRY(ParseInteger("compression-level", *value));
    const std::int64_t highest = result.compression.type == content::CompressionType::kZstd ? 22 : 9;
    if (result.compression.type != content::CompressionType::kUncompressed && (level < 0 || level > highest)) {
      return Invalid(fmt::format("exporter attribute `compression-level`: {} has the levels 0 to {}, not {}",
                                 content::CompressionName(result.compression.type), highest, level));
    }
    result.compression.level = static_cast<int>(level);
  }
  if (const auto value = Take(attributes, "oci-mediatypes")) {
    result.oci_media_types = LOAM_TRY(ParseBool("oci-mediatypes", *value));
    result.oci_media_types_set = true;
  }
  if (const auto value = Take(attributes, "oci-artifact")) {
    result.oci_artifact = LOAM_TRY(ParseFlag("oci-artifact", *value));
  }
  if (const auto value = Take(attributes, "attestation-inline")) {
    result.attestation_inline = LOAM_TRY(ParseFlag("attestation-inline", *value));
  }
  if (const auto value = Take(attributes, "prefer-nondist-layers")) {
    result.prefer_nondistributable = LOAM_TRY(ParseBool("prefer-nondist-layers", *value));
  }
  if (const auto value = Take(attributes, "rewrite-timestamp")) {
    result.rewrite_timestamp = LOAM_TRY(ParseBool("rewrite-timestamp", *value));
  }
  if (const auto value = Take(attributes, kEpochAttribute)) {
    result.epoch = LOAM_TRY(ParseEpoch(kEpochAttribute, *value));
  }
  for (auto attribute = attributes.begin(); attribute != attributes.end();) {
    const bool is_annotation = LOAM_TRY(result.annotations.Add(attribute->first, attribute->second));
    attribute = is_annotation ? attributes.erase(attribute) : std::next(attribute);
  }
  return result;
}

Result<std::optional<std::int64_t>> EpochFor(const std::optional<std::optional<std::int64_t>>& attribute,
                                             const ExportInput& input, const std::string& platform) {
  if (attribute) {
    return *attribute;
  }
  for (const std::string& key : {std::string(kEpochMetadata), fmt::format("{}/{}", kEpochMetadata, platform)}) {
    const auto found = input.metadata.find(key);
    if (found != input.metadata.end()) {
      return ParseEpoch("SOURCE_DATE_EPOCH", found->second);
    }
  }
  return std::optional<std::int64_t>();
}

Result<std::vector<std::string>> NormalizedNames(std::string_view names) {
  std::vector<std::string> result;
  if (names.empty()) {
    return result;
  }
  for (const std::string_view name : Split(names, ',')) {
    const ImageReference reference =
        LOAM_TRY_CONTEXT(fmt::format("image name `{}`", name), ParseImageReference(TrimSpace(name)));
    result.push_back(reference.WithDefaultTag().ToString());
  }
  return result;
}

}  // namespace loam::exporter
