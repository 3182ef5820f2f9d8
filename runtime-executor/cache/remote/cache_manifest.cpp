#include "runtime-executor/cache/remote/cache_manifest.h"

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/go_json.h"
#include "runtime-executor/cache/remote/inline_cache.h"

namespace loam::cache {
namespace {

using nlohmann::ordered_json;
namespace media_type = content::media_type;

constexpr int kDeepestIndex = 4;

content::Descriptor DescriptorOf(std::string_view type, std::string_view text) {
  content::Descriptor descriptor;
  descriptor.media_type = type;
  descriptor.digest = Digest::Of(text);
  descriptor.size = text.size();
  return descriptor;
}

std::string LayerType(const std::string& type, bool oci) {
  const Result<content::CompressionType> compression = content::CompressionOfMediaType(type);
  return compression ? std::string(content::LayerMediaType(*compression, oci)) : type;
}

class Reader {
 public:
  explicit Reader(const FetchText& fetch) : fetch_(fetch) {}

  Result<> Read(std::string_view text, int depth) {
    if (depth > kDeepestIndex) {
      return Unexpected(ErrorCode::kInvalidArgument, "indexes are nested too deeply");
    }
    const std::string type = LOAM_TRY(content::DetectMediaType(text));
    return media_type::IsIndex(type) ? ReadIndex(text, depth) : ReadManifest(text);
  }

  std::vector<ReadCache> Take() { return std::move(caches_); }

 private:
  Result<> ReadIndex(std::string_view text, int depth) {
    const content::Index index = LOAM_TRY(content::ParseIndex(text));
    for (const content::Descriptor& config : index.manifests) {
      if (config.media_type == kCacheConfigMediaType) {
        return ReadConfig(config, index.manifests);
      }
    }
    for (const content::Descriptor& manifest : index.manifests) {
      if (media_type::IsIndex(manifest.media_type) || media_type::IsManifest(manifest.media_type)) {
        LOAM_TRY(Read(LOAM_TRY(fetch_(manifest)), depth + 1));
      }
    }
    return {};
  }

  Result<> ReadManifest(std::string_view text) {
    const content::Manifest manifest = LOAM_TRY(content::ParseManifest(text));
    if (manifest.config.media_type == kCacheConfigMediaType) {
      return ReadConfig(manifest.config, manifest.layers);
    }
    if (manifest.layers.empty() || !media_type::IsConfig(manifest.config.media_type)) {
      return {};
    }
    ReadCache cache = LOAM_TRY(ReadInlineCache(manifest, LOAM_TRY(fetch_(manifest.config))));
    if (!cache.config.records.empty()) {
      caches_.push_back(std::move(cache));
    }
    return {};
  }

  Result<> ReadConfig(const content::Descriptor& config, const std::vector<content::Descriptor>& layers) {
    ReadCache cache;
    cache.config = LOAM_TRY(ParseCacheConfig(LOAM_TRY(fetch_(config))));
    for (const content::Descriptor& layer : layers) {
      if (layer.media_type != kCacheConfigMediaType) {
        cache.blobs[layer.digest] = layer;
      }
    }
    caches_.push_back(std::move(cache));
    return {};
  }

  const FetchText& fetch_;
  std::vector<ReadCache> caches_;
};

}  // namespace

Result<ManifestSettings> ReadManifestSettings(const Attributes& attributes) {
  ManifestSettings settings;
  settings.oci_media_types = LOAM_TRY(BoolAttribute(attributes, "oci-mediatypes", true));
  settings.image_manifest = LOAM_TRY(BoolAttribute(attributes, "image-manifest", settings.oci_media_types));
  if (settings.image_manifest && !settings.oci_media_types) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      "invalid configuration for remote cache, OCI mediatypes are required for image-manifest cache "
                      "format");
  }
  return settings;
}

CacheManifest MakeCacheManifest(const MarshalledCache& cache, const ManifestSettings& settings) {
  CacheManifest made;
  made.config_text = PrintCacheConfig(cache.config);
  made.config = DescriptorOf(kCacheConfigMediaType, made.config_text);
  ordered_json layers = ordered_json::array();
  std::set<Digest> seen;
  for (const CacheLayer& layer : cache.config.layers) {
    content::Descriptor blob = cache.blobs.at(layer.blob);
    blob.media_type = LayerType(blob.media_type, settings.oci_media_types);
    layers.push_back(ToJson(blob));
    if (seen.insert(blob.digest).second) {
      made.layers.push_back(std::move(blob));
    }
  }
  const std::string_view type = settings.image_manifest    ? media_type::kOciManifest
                                : settings.oci_media_types ? media_type::kOciIndex
                                                           : media_type::kDockerManifestList;
  ordered_json root = {{"schemaVersion", 2}, {"mediaType", type}};
  if (settings.image_manifest) {
    root["config"] = ToJson(made.config);
    root["layers"] = std::move(layers);
  } else {
    layers.push_back(ToJson(made.config));
    root["manifests"] = std::move(layers);
  }
  made.root_text = root.dump();
  made.root = DescriptorOf(type, made.root_text);
  return made;
}

std::string DescriptorText(const content::Descriptor& descriptor) {
  return ToJson(descriptor).dump();
}

Result<std::vector<ReadCache>> ReadCacheManifest(std::string_view root_text, const FetchText& fetch) {
  Reader reader(fetch);
  LOAM_TRY(reader.Read(root_text, 0));
  return reader.Take();
}

}  // namespace loam::cache
