#include "runtime-executor/cache/remote/local_cache.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "runtime-executor/cache/remote/cache_manifest.h"

namespace loam::cache {
namespace {

constexpr std::uint64_t kMaxConfigSize = std::uint64_t{64} << 20;
// The name under which clients offer the directory.
constexpr std::string_view kStorePrefix = "local:";

// A blob of the client's layout into the content store; verified.
Result<> CopyBlob(const BackendServices& services, const std::string& store_id, const Digest& digest,
                  std::uint64_t limit, const std::stop_token& stop) {
  if (services.content->Contains(digest)) {
    return {};
  }
  const std::string context = fmt::format("cache `{}`, blob {}", store_id, digest.ToString());
  const UniqueFd fd = LOAM_TRY_CONTEXT(context, services.layouts->OpenBlob(store_id, digest, stop));
  content::FdSource source(fd.get(), context);
  content::Ingest ingest = LOAM_TRY(services.content->StartIngest());
  std::string buffer(std::size_t{1} << 20, '\0');
  while (const std::size_t got = LOAM_TRY(source.Read(buffer))) {
    if (stop.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    if (ingest.offset() + got > limit) {
      return Unexpected(ErrorCode::kDataLoss, fmt::format("{}: it is longer than {} bytes", context, limit));
    }
    LOAM_TRY(ingest.Write(std::string_view(buffer).substr(0, got)));
  }
  LOAM_TRY_CONTEXT(context, ingest.Commit(digest));
  return {};
}

class LocalSource final : public CacheSource {
 public:
  LocalSource(std::string store_id, Digest digest, const BackendServices& services)
      : store_id_(std::move(store_id)), digest_(digest), services_(services) {}

  Result<std::vector<ReadCache>> Read(std::stop_token stop) override {
    const auto fetch = [&](const Digest& digest) -> Result<std::string> {
      LOAM_TRY(CopyBlob(services_, store_id_, digest, kMaxConfigSize, stop));
      return services_.content->ReadBlob(digest, kMaxConfigSize);
    };
    return ReadCacheManifest(LOAM_TRY(fetch(digest_)),
                             [&](const content::Descriptor& descriptor) { return fetch(descriptor.digest); });
  }

  Result<> Fetch(const content::Descriptor& layer, const registry::TransferProgress&, std::stop_token stop) override {
    return CopyBlob(services_, store_id_, layer.digest, layer.size, stop);
  }

 private:
  const std::string store_id_;
  const Digest digest_;
  const BackendServices services_;
};

class LocalTarget final : public CacheTarget {
 public:
  LocalTarget(std::string store_id, ManifestSettings settings, const BackendServices& services)
      : store_id_(std::move(store_id)), settings_(settings), services_(services) {}

  [[nodiscard]] std::string Name() const override { return "exporting cache to client directory"; }

  Result<std::map<std::string, std::string>> Write(const MarshalledCache& cache, const StepFunction& step,
                                                   std::stop_token stop) override {
    const CacheManifest manifest = MakeCacheManifest(cache, settings_);
    LOAM_TRY(services_.content->WriteBlob(manifest.config_text));
    LOAM_TRY(services_.content->WriteBlob(manifest.root_text));
    const auto send = [&](const std::string& what, const content::Descriptor& blob) {
      return step(fmt::format("writing {} {}", what, blob.digest.ToString()), [&]() -> Result<> {
        const content::Blob file = LOAM_TRY(services_.content->OpenBlob(blob));
        return services_.layouts->WriteBlob(store_id_, blob.digest, blob.size, file.fd(), stop);
      });
    };
    for (const content::Descriptor& layer : manifest.layers) {
      LOAM_TRY(send("layer", layer));
    }
    LOAM_TRY(send("config", manifest.config));
    LOAM_TRY(send(settings_.image_manifest ? "cache image manifest" : "cache manifest", manifest.root));
    return std::map<std::string, std::string>{{"cache.manifest", DescriptorText(manifest.root)}};
  }

 private:
  const std::string store_id_;
  const ManifestSettings settings_;
  const BackendServices services_;
};

}  // namespace

Result<std::unique_ptr<CacheSource>> OpenLocalCacheSource(const Attributes& attributes,
                                                          const BackendServices& services) {
  const std::string digest = TextAttribute(attributes, "digest");
  if (digest.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "local cache importer requires explicit digest");
  }
  const std::string directory = TextAttribute(attributes, "src");
  if (directory.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "local cache importer requires src");
  }
  return std::make_unique<LocalSource>(std::string(kStorePrefix) + directory, LOAM_TRY(Digest::Parse(digest)),
                                       services);
}

Result<std::unique_ptr<CacheTarget>> OpenLocalCacheTarget(const Attributes& attributes,
                                                          const BackendServices& services) {
  const std::string directory = TextAttribute(attributes, "dest");
  if (directory.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "local cache exporter requires dest");
  }
  return std::make_unique<LocalTarget>(std::string(kStorePrefix) + directory,
                                       LOAM_TRY(ReadManifestSettings(attributes)), services);
}

}  // namespace loam::cache
