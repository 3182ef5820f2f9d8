#include "runtime-executor/cache/remote/object_cache.h"

#include <ctime>
#include <mutex>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/task_pool.h"

namespace loam::cache {
namespace {

class ObjectSource final : public CacheSource {
 public:
  ObjectSource(std::shared_ptr<ObjectStore> store, ObjectCacheSettings settings)
      : store_(std::move(store)), settings_(std::move(settings)) {}

  Result<std::vector<ReadCache>> Read(std::stop_token stop) override {
    std::vector<ReadCache> caches;
    for (const std::string& name : settings_.names) {
      if (const auto text = LOAM_TRY(store_->Read(settings_.manifest_key(name), stop))) {
        caches.push_back(LOAM_TRY_CONTEXT(fmt::format("cache `{}`", name), ReadDescribedCache(*text)));
      }
      if (!settings_.reads_all_names) {
        break;
      }
    }
    return caches;
  }

  Result<> Fetch(const content::Descriptor& layer, const registry::TransferProgress& progress,
                 std::stop_token stop) override {
    return store_->Download(settings_.blob_key(layer.digest), layer, progress, std::move(stop));
  }

 private:
  const std::shared_ptr<ObjectStore> store_;
  const ObjectCacheSettings settings_;
};

class ObjectTarget final : public CacheTarget {
 public:
  ObjectTarget(std::shared_ptr<ObjectStore> store, ObjectCacheSettings settings, const BackendServices& services)
      : store_(std::move(store)), settings_(std::move(settings)), services_(services) {}

  [[nodiscard]] std::string Name() const override { return settings_.target_name; }

  Result<std::map<std::string, std::string>> Write(const MarshalledCache& cache, const StepFunction& step,
                                                   std::stop_token stop) override {
    const CacheConfig config = LOAM_TRY(DescribeLayers(cache));
    std::vector<content::Descriptor> blobs;
    for (const auto& [digest, blob] : cache.blobs) {
      blobs.push_back(blob);
    }
    std::mutex mutex;  // guards failure
    std::optional<Error> failure;
    ParallelFor(
        blobs.size(),
        [&](std::size_t i) {
          {
            const std::lock_guard lock(mutex);
            if (failure) {
              return;
            }
          }
          Result<> sent = Send(blobs[i], step, stop);
          if (!sent) {
            const std::lock_guard lock(mutex);
            failure = std::move(sent).error();
          }
        },
        settings_.parallel);
    if (failure) {
      return Unexpected(std::move(*failure));
    }
    const std::string text = PrintCacheConfig(config);
    for (const std::string& name : settings_.names) {
      LOAM_TRY_CONTEXT("error writing manifest: " + name, store_->Write(settings_.manifest_key(name), text, stop));
    }
    return std::map<std::string, std::string>();
  }

 private:
  Result<> Send(const content::Descriptor& blob, const StepFunction& step, const std::stop_token& stop) {
    const std::string key = settings_.blob_key(blob.digest);
    if (const auto object = LOAM_TRY(store_->Stat(key, stop))) {
      return IsOld(*object) ? store_->Touch(key, stop) : Result<>();
    }
    return step("writing layer " + blob.digest.ToString(), [&]() -> Result<> {
      const content::Blob file = LOAM_TRY(services_.content->OpenBlob(blob));
      LOAM_TRY_CONTEXT("error writing layer blob", store_->Upload(key, file, blob.digest, stop));
      return {};
    });
  }

  [[nodiscard]] bool IsOld(const ObjectStore::Object& object) const {
    if (!settings_.touch_after || object.last_modified.empty()) {
      return false;
    }
    std::tm parts{};
    if (::strptime(object.last_modified.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) {
      return false;
    }
    const time_t modified = ::timegm(&parts);
    const auto now = std::chrono::floor<std::chrono::seconds>(services_.clock->Now());
    return now - WallTime(std::chrono::seconds(modified)) > *settings_.touch_after;
  }

  const std::shared_ptr<ObjectStore> store_;
  const ObjectCacheSettings settings_;
  const BackendServices services_;
};

}  // namespace

Result<CacheConfig> DescribeLayers(const MarshalledCache& cache) {
  CacheConfig config = cache.config;
  for (CacheLayer& layer : config.layers) {
    const content::Descriptor& blob = cache.blobs.at(layer.blob);
    const auto diff_id = blob.annotations.find(std::string(kUncompressedAnnotation));
    if (diff_id == blob.annotations.end()) {
      return Unexpected(ErrorCode::kInvalidArgument, "invalid descriptor without uncompressed annotation");
    }
    CacheLayer::Description& description = layer.description.emplace();
    description.media_type = blob.media_type;
    description.diff_id = LOAM_TRY(Digest::Parse(diff_id->second));
    description.size = static_cast<std::int64_t>(blob.size);
    if (const auto created = blob.annotations.find(std::string(kCreatedAnnotation));
        created != blob.annotations.end()) {
      description.created = created->second;
    }
  }
  return config;
}

Result<ReadCache> ReadDescribedCache(std::string_view config_text) {
  ReadCache cache;
  cache.config = LOAM_TRY(ParseCacheConfig(config_text));
  for (const CacheLayer& layer : cache.config.layers) {
    if (!layer.description || layer.description->diff_id.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "cache layer with missing diffid");
    }
    content::Descriptor& blob = cache.blobs[layer.blob];
    blob.media_type = layer.description->media_type;
    blob.digest = layer.blob;
    blob.size = static_cast<std::uint64_t>(layer.description->size);
    blob.annotations[std::string(kUncompressedAnnotation)] = layer.description->diff_id.ToString();
    if (!layer.description->created.empty()) {
      blob.annotations[std::string(kCreatedAnnotation)] = layer.description->created;
    }
  }
  return cache;
}

Result<registry::HttpResponse> DownloadBlob(registry::HttpRequest request, const content::Descriptor& blob,
                                            const BackendServices& services, const registry::TransferProgress& progress,
                                            std::stop_token stop) {
  content::Ingest ingest = LOAM_TRY(services.content->StartIngest());
  request.receiver = [&](const registry::HttpResponse&, std::string_view data) -> Result<> {
    if (data.size() > blob.size - ingest.offset()) {
      return Unexpected(ErrorCode::kDataLoss,
                        fmt::format("{} is longer than {} bytes", blob.digest.ToString(), blob.size));
    }
    LOAM_TRY(ingest.Write(data));
    if (progress) {
      progress(blob, ingest.offset(), blob.size);
    }
    return {};
  };
  registry::HttpResponse response = LOAM_TRY(services.http->Perform(request, std::move(stop)));
  if (response.ok()) {
    LOAM_TRY(ingest.Commit(blob.digest, blob.size));
  }
  return response;
}

std::unique_ptr<CacheSource> MakeObjectCacheSource(std::shared_ptr<ObjectStore> store, ObjectCacheSettings settings) {
  return std::make_unique<ObjectSource>(std::move(store), std::move(settings));
}

std::unique_ptr<CacheTarget> MakeObjectCacheTarget(std::shared_ptr<ObjectStore> store, ObjectCacheSettings settings,
                                                   const BackendServices& services) {
  return std::make_unique<ObjectTarget>(std::move(store), std::move(settings), services);
}

std::vector<std::string> CacheNames(const Attributes& attributes) {
  std::vector<std::string> names;
  const std::string text = TextAttribute(attributes, "name", "buildkit");
  for (const std::string_view name : Split(text, ';')) {
    names.emplace_back(name);
  }
  return names;
}

}  // namespace loam::cache
