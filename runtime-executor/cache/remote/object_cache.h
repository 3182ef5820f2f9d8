// Caches in object stores, which have no manifests: the config is one object, which also describes the layers; each
// layer is another.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime-executor/cache/remote/backend.h"

namespace loam::cache {

// Says in the config what each layer is. kInvalidArgument for a layer without a diffID.
Result<CacheConfig> DescribeLayers(const MarshalledCache& cache);
// The other way: a config that describes its layers.
Result<ReadCache> ReadDescribedCache(std::string_view config_text);

// The body of a 2xx answer to `request` into the content store, verified. Other answers are left to the caller.
Result<registry::HttpResponse> DownloadBlob(registry::HttpRequest request, const content::Descriptor& blob,
                                            const BackendServices& services, const registry::TransferProgress& progress,
                                            std::stop_token stop);

// Thread-safe.
class ObjectStore {
 public:
  struct Object {
    std::uint64_t size = 0;
    // In HTTP's format, as the store says it; may be "".
    std::string last_modified;
  };
  virtual ~ObjectStore() = default;
  [[nodiscard]] virtual Result<std::optional<Object>> Stat(const std::string& key, std::stop_token stop) = 0;
  // nullopt: it is not there.
  [[nodiscard]] virtual Result<std::optional<std::string>> Read(const std::string& key, std::stop_token stop) = 0;
  [[nodiscard]] virtual Result<> Download(const std::string& key, const content::Descriptor& blob,
                                          const registry::TransferProgress& progress, std::stop_token stop) = 0;
  [[nodiscard]] virtual Result<> Write(const std::string& key, std::string_view text, std::stop_token stop) = 0;
  [[nodiscard]] virtual Result<> Upload(const std::string& key, const content::Blob& blob, const Digest& digest,
                                        std::stop_token stop) = 0;
  // Makes the store think that the object was just written; only where stores expire what is old.
  [[nodiscard]] virtual Result<> Touch(const std::string&, std::stop_token) { return {}; }
};

struct ObjectCacheSettings {
  std::string target_name;  // CacheTarget::Name
  std::vector<std::string> names;
  // Reads only the first of the names, or all.
  bool reads_all_names = false;
  std::function<std::string(const std::string& name)> manifest_key;
  std::function<std::string(const Digest& blob)> blob_key;
  // Layers that were written longer ago are touched when they are used again; nullopt: never.
  std::optional<std::chrono::seconds> touch_after;
  std::size_t parallel = 4;
};

std::unique_ptr<CacheSource> MakeObjectCacheSource(std::shared_ptr<ObjectStore> store, ObjectCacheSettings settings);
std::unique_ptr<CacheTarget> MakeObjectCacheTarget(std::shared_ptr<ObjectStore> store, ObjectCacheSettings settings,
                                                   const BackendServices& services);

// `name=a;b`, by default "buildkit".
std::vector<std::string> CacheNames(const Attributes& attributes);

}  // namespace loam::cache
