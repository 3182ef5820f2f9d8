// The config of a distributable build cache as BuildKit stores it (media type application/vnd.buildkit.cacheconfig.v0;
// cache/remotecache/v1 there): records are cache keys with links to the keys of their inputs, layers are the results.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"

namespace loam::cache {

inline constexpr std::string_view kCacheConfigMediaType = "application/vnd.buildkit.cacheconfig.v0";
// Annotations of a cache's layers.
inline constexpr std::string_view kUncompressedAnnotation = "containerd.io/uncompressed";  // the diffID
inline constexpr std::string_view kCreatedAnnotation = "buildkit/createdat";
inline constexpr std::string_view kDescriptionAnnotation = "buildkit/description";

struct CacheLayer {
  // Backends without a manifest (GitHub, S3, Azure) describe the blob here.
  struct Description {
    std::string media_type;
    Digest diff_id;
    std::int64_t size = 0;
    std::string created;  // RFC 3339, or ""
    friend bool operator==(const Description&, const Description&) = default;
  };
  Digest blob;
  // Index of the layer below; -1: none.
  std::int64_t parent = -1;
  std::optional<Description> description;
  friend bool operator==(const CacheLayer&, const CacheLayer&) = default;
};

struct CacheConfig {
  struct Input {
    Digest selector;
    std::size_t link = 0;  // index of a record
    friend bool operator==(const Input&, const Input&) = default;
  };
  struct LayerResult {
    std::size_t layer = 0;  // with all that are below it
    std::string created;    // RFC 3339
    friend bool operator==(const LayerResult&, const LayerResult&) = default;
  };
  struct ChainResult {
    std::vector<std::size_t> layers;  // exactly these, bottom to top
    std::string created;
    friend bool operator==(const ChainResult&, const ChainResult&) = default;
  };
  struct Record {
    Digest digest;
    std::vector<std::vector<Input>> inputs;
    std::vector<LayerResult> results;
    std::vector<ChainResult> chains;
    friend bool operator==(const Record&, const Record&) = default;
  };
  std::vector<CacheLayer> layers;
  std::vector<Record> records;
  friend bool operator==(const CacheConfig&, const CacheConfig&) = default;
};

// JSON as Go's encoder prints upstream's types.
std::string PrintCacheConfig(const CacheConfig& config);
std::string PrintCacheRecords(const CacheConfig& config);

// kInvalidArgument for JSON that is no cache config, or that points to layers or records that are not there. Records
// keyed by anything but SHA-256 (BuildKit's "random:") are kept with an empty digest, which nothing matches.
Result<CacheConfig> ParseCacheConfig(std::string_view json);
// Only the records, as inline caches have them; their layers are the image's, `layer_count` of them.
Result<CacheConfig> ParseCacheRecords(std::string_view json, std::size_t layer_count);

}  // namespace loam::cache
