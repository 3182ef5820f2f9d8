#include "runtime-executor/cache/remote/gha/gha_cache.h"

#include <charconv>
#include <thread>

#include <fmt/format.h>

#include "runtime-executor/cache/remote/gha/gha_client.h"
#include "runtime-executor/cache/remote/object_cache.h"

namespace loam::cache {
namespace {

constexpr std::uint64_t kMaxConfigSize = std::uint64_t{64} << 20;
// So long another writer of the index is waited for, in steps.
constexpr std::chrono::seconds kIndexPatience{15};
constexpr std::chrono::seconds kIndexPause{2};

std::string BlobKey(const Digest& digest) {
  return "buildkit-blob-1-" + digest.ToString();
}

std::string IndexKey(const GhaSettings& settings, const std::string& scope) {
  return fmt::format("index-{}-1-{}", settings.scope, Digest::Of(scope).Hex().substr(0, 8));
}

class GhaSource final : public CacheSource {
 public:
  GhaSource(GhaSettings settings, const BackendServices& services)
      : settings_(std::move(settings)), services_(services), client_(MakeGhaClient(settings_, services)) {}

  Result<std::vector<ReadCache>> Read(std::stop_token stop) override {
    std::vector<ReadCache> caches;
    for (const std::string& scope : settings_.read_scopes) {
      const auto entry = LOAM_TRY(client_->Find(IndexKey(settings_, scope), stop));
      if (!entry) {
        continue;
      }
      registry::HttpRequest request;
      request.url = entry->url;
      request.body_limit = kMaxConfigSize;
      const registry::HttpResponse response = LOAM_TRY(services_.http->Perform(request, stop));
      if (!response.ok()) {
        return Unexpected(ErrorCode::kUnavailable,
                          fmt::format("github actions cache: read {}: status {}", entry->key, response.status));
      }
      caches.push_back(LOAM_TRY(ReadDescribedCache(response.body)));
    }
    return caches;
  }

  Result<> Fetch(const content::Descriptor& layer, const registry::TransferProgress& progress,
                 std::stop_token stop) override {
    if (services_.content->Contains(layer)) {
      return {};
    }
    const auto entry = LOAM_TRY(client_->Find(BlobKey(layer.digest), stop));
    if (!entry) {
      return Unexpected(ErrorCode::kNotFound,
                        fmt::format("github actions cache: blob {} is gone", layer.digest.ToString()));
    }
    registry::HttpRequest request;
    request.url = entry->url;
    const registry::HttpResponse response =
        LOAM_TRY(DownloadBlob(std::move(request), layer, services_, progress, std::move(stop)));
    if (!response.ok()) {
      return Unexpected(ErrorCode::kUnavailable, fmt::format("github actions cache: read {}: status {}",
                                                             layer.digest.ToString(), response.status));
    }
    return {};
  }

 private:
  const GhaSettings settings_;
  const BackendServices services_;
  const std::unique_ptr<GhaClient> client_;
};

class GhaTarget final : public CacheTarget {
 public:
  GhaTarget(GhaSettings settings, const BackendServices& services)
      : settings_(std::move(settings)), services_(services), client_(MakeGhaClient(settings_, services)) {}

  [[nodiscard]] std::string Name() const override { return "exporting to GitHub Actions Cache"; }

  Result<std::map<std::string, std::string>> Write(const MarshalledCache& cache, const StepFunction& step,
                                                   std::stop_token stop) override {
    const CacheConfig config = LOAM_TRY(DescribeLayers(cache));
    for (const auto& [digest, blob] : cache.blobs) {
      const std::string key = BlobKey(digest);
      const auto entry = LOAM_TRY(client_->Find(key, stop));
      if (entry && entry->key == key) {
        continue;
      }
      LOAM_TRY(step("writing layer " + digest.ToString(), [&]() -> Result<> {
        const content::Blob file = LOAM_TRY(services_.content->OpenBlob(blob));
        LOAM_TRY_CONTEXT("error writing layer blob", client_->Save(key, {{}, &file}, stop));
        return {};
      }));
    }
    LOAM_TRY(SaveIndex(PrintCacheConfig(config), stop));
    return std::map<std::string, std::string>();
  }

 private:
  // Entries are written once: each index has a number of its own, the highest counts. A number that is taken but cannot
  // be found is being written by somebody else, or was left by someone who died.
  Result<> SaveIndex(const std::string& text, const std::stop_token& stop) {
    const std::string key = IndexKey(settings_, settings_.write_scope);
    std::chrono::seconds waited{0};
    std::int64_t number = 0;
    while (true) {
      const auto newest = LOAM_TRY(client_->Find(key + "#", stop));
      if (newest) {
        const std::string digits = newest->key.substr(std::min(newest->key.size(), key.size() + 1));
        std::int64_t found = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), found);
        if (error != std::errc() || end != digits.data() + digits.size()) {
          return Unexpected(ErrorCode::kDataLoss, fmt::format("failed to parse {} index", key));
        }
        number = std::max(number, found);
      }
      ++number;
      if (LOAM_TRY(client_->Save(fmt::format("{}#{}", key, number), {text, nullptr}, stop))) {
        return {};
      }
      if (waited < kIndexPatience) {
        waited += kIndexPause;
        --number;
        std::this_thread::sleep_for(kIndexPause);
      }
      if (stop.stop_requested()) {
        return Unexpected(ErrorCode::kCanceled, "context canceled");
      }
    }
  }

  const GhaSettings settings_;
  const BackendServices services_;
  const std::unique_ptr<GhaClient> client_;
};

}  // namespace

Result<std::unique_ptr<CacheSource>> OpenGhaCacheSource(const Attributes& attributes, const BackendServices& services) {
  return std::make_unique<GhaSource>(LOAM_TRY(ReadGhaSettings(attributes)), services);
}

Result<std::unique_ptr<CacheTarget>> OpenGhaCacheTarget(const Attributes& attributes, const BackendServices& services) {
  return std::make_unique<GhaTarget>(LOAM_TRY(ReadGhaSettings(attributes)), services);
}

}  // namespace loam::cache
