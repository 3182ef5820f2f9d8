#include "runtime-executor/cache/remote/inline_cache.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"

namespace loam::cache {
namespace {

using nlohmann::json;

constexpr const char* kCacheMember = "moby.buildkit.cache.v0";

// Positions of a result's layers in the image, bottom to top; nullopt if one is not in it.
std::optional<std::vector<std::size_t>> PlacesOf(const CacheConfig& config, std::size_t top,
                                                 std::span<const Digest> image_layers) {
  std::vector<std::size_t> places;
  for (auto next = static_cast<std::int64_t>(top); next >= 0;
       next = config.layers[static_cast<std::size_t>(next)].parent) {
    const Digest& blob = config.layers[static_cast<std::size_t>(next)].blob;
    const auto found = std::find(image_layers.begin(), image_layers.end(), blob);
    if (found == image_layers.end()) {
      return std::nullopt;
    }
    places.push_back(static_cast<std::size_t>(found - image_layers.begin()));
  }
  std::reverse(places.begin(), places.end());
  return places;
}

bool IsPrefix(const std::vector<std::size_t>& places, const CacheConfig& config, std::size_t top,
              std::span<const Digest> image_layers) {
  // Compared by digest: an image may have a layer twice.
  std::size_t at = places.size();
  for (auto next = static_cast<std::int64_t>(top); next >= 0;
       next = config.layers[static_cast<std::size_t>(next)].parent) {
    --at;
    if (at >= image_layers.size() || image_layers[at] != config.layers[static_cast<std::size_t>(next)].blob) {
      return false;
    }
  }
  return true;
}

std::string MemberText(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// What the image's history says of each layer: when and by what it was made.
void AddHistory(const json& config, std::vector<content::Descriptor>& layers) {
  const auto history = config.find("history");
  if (history == config.end() || !history->is_array()) {
    return;
  }
  std::size_t layer = 0;
  for (const json& entry : *history) {
    if (!entry.is_object() || entry.value("empty_layer", false) || layer >= layers.size()) {
      continue;
    }
    if (const std::string created = MemberText(entry, "created"); !created.empty()) {
      layers[layer].annotations[std::string(kCreatedAnnotation)] = created;
    }
    if (const std::string by = MemberText(entry, "created_by"); !by.empty()) {
      layers[layer].annotations[std::string(kDescriptionAnnotation)] = by;
    }
    ++layer;
  }
}

}  // namespace

std::string InlineCacheRecords(const MarshalledCache& cache, std::span<const Digest> image_layers) {
  CacheConfig config = cache.config;
  bool any = false;
  for (CacheConfig::Record& record : config.records) {
    std::vector<CacheConfig::LayerResult> kept;
    for (const CacheConfig::LayerResult& result : record.results) {
      const auto places = PlacesOf(config, result.layer, image_layers);
      if (!places) {
        continue;
      }
      any = true;
      if (IsPrefix(*places, config, result.layer, image_layers)) {
        kept.push_back({places->size() - 1, result.created});
      } else {
        record.chains.push_back({*places, result.created});
      }
    }
    record.results = std::move(kept);
  }
  return any ? PrintCacheRecords(config) : std::string();
}

Result<ReadCache> ReadInlineCache(const content::Manifest& manifest, std::string_view config_text) {
  ReadCache cache;
  const json config = json::parse(config_text, nullptr, false);
  if (!config.is_object() || manifest.layers.empty()) {
    return cache;
  }
  const std::string encoded = MemberText(config, kCacheMember);
  const auto diff_ids = config.value("rootfs", json::object()).value("diff_ids", json::array());
  if (encoded.empty() || !diff_ids.is_array() || diff_ids.size() != manifest.layers.size()) {
    return cache;
  }
  const std::optional<std::string> records = Base64Decode(encoded);
  if (!records) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` of the image is not base64", kCacheMember));
  }
  cache.config = LOAM_TRY(ParseCacheRecords(*records, manifest.layers.size()));
  std::vector<content::Descriptor> layers = manifest.layers;
  AddHistory(config, layers);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i].annotations[std::string(kUncompressedAnnotation)] =
        diff_ids[i].is_string() ? diff_ids[i].get<std::string>() : std::string();
    cache.config.layers.push_back({layers[i].digest, static_cast<std::int64_t>(i) - 1, std::nullopt});
    cache.blobs[layers[i].digest] = layers[i];
  }
  return cache;
}

}  // namespace loam::cache
