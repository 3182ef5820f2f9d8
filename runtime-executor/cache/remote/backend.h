// Where caches are kept: one CacheSource to read one, one CacheTarget to write one, of a type and with attributes as
// BuildKit names them ("registry", "local", "inline", "gha", "s3", "azblob").
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runtime-executor/cache/remote/cache_chains.h"
#include "runtime-executor/cache/remote/imported_chains.h"
#include "runtime-executor/content/compression.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/registry/http_client.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/session/client_services.h"

namespace loam::cache {

using Attributes = std::map<std::string, std::string>;

// None null; all must outlive what is made with them.
struct BackendServices {
  content::ContentStore* content = nullptr;
  registry::RegistryClient* registry = nullptr;
  registry::HttpClient* http = nullptr;
  const Clock* clock = nullptr;
  // Of the client that asks.
  std::shared_ptr<session::RegistryAuth> registry_auth;
  std::shared_ptr<session::OciLayouts> layouts;
};

// Thread-safe. Kept as long as layers of it may be fetched.
class CacheSource {
 public:
  virtual ~CacheSource() = default;
  [[nodiscard]] virtual Result<std::vector<ReadCache>> Read(std::stop_token stop) = 0;
  // Brings a layer into the content store, verified.
  [[nodiscard]] virtual Result<> Fetch(const content::Descriptor& layer, const registry::TransferProgress& progress,
                                       std::stop_token stop) = 0;
  // By which layers can be fetched in later builds (snapshot::ImageLayer::origin). Empty: only through this object.
  [[nodiscard]] virtual std::string Origin() const { return {}; }
};

// Parts of a write, as statuses of its progress vertex ("writing layer sha256:…").
using StepFunction = std::function<Result<>(const std::string& name, const std::function<Result<>()>& body)>;

class CacheTarget {
 public:
  virtual ~CacheTarget() = default;
  // "exporting cache to registry"
  [[nodiscard]] virtual std::string Name() const = 0;
  // Every blob of `cache` is in the content store. Gives what the client is told ("cache.manifest").
  [[nodiscard]] virtual Result<std::map<std::string, std::string>> Write(const MarshalledCache& cache,
                                                                         const StepFunction& step,
                                                                         std::stop_token stop) = 0;
};

enum class CacheMode : std::uint8_t { kMin, kMax };

// What every type of export has.
struct CacheExportSettings {
  CacheMode mode = CacheMode::kMin;
  bool ignore_error = false;
  content::Compression compression;
  bool force_compression = false;
};

// kInvalidArgument for a value that is wrong. Unknown modes are "min", as upstream has it.
Result<CacheExportSettings> ReadExportSettings(const Attributes& attributes);

// kInvalidArgument for what is wrong or lacks; kNotFound for a type that does not exist.
Result<std::unique_ptr<CacheSource>> OpenCacheSource(std::string_view type, const Attributes& attributes,
                                                     const BackendServices& services);
Result<std::unique_ptr<CacheTarget>> OpenCacheTarget(std::string_view type, const Attributes& attributes,
                                                     const BackendServices& services);

// Go's strconv.ParseBool; `fallback` if the attribute is not there.
Result<bool> BoolAttribute(const Attributes& attributes, const std::string& name, bool fallback);
std::string TextAttribute(const Attributes& attributes, const std::string& name, const std::string& fallback = {});

}  // namespace loam::cache
