#include "runtime-executor/cache/remote/registry_cache.h"

#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "runtime-executor/cache/remote/cache_manifest.h"

namespace loam::cache {
namespace {

constexpr std::uint64_t kMaxConfigSize = std::uint64_t{64} << 20;
// How image sources name what a registry has.
constexpr std::string_view kOrigin = "docker-image://";
constexpr std::string_view kInsecureOrigin = "docker-image+insecure://";

struct Place {
  ImageReference reference;
  registry::Access access;
};

Result<Place> ReadPlace(const Attributes& attributes, const BackendServices& services) {
  const std::string ref = TextAttribute(attributes, "ref");
  if (ref.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "a registry cache needs `ref=NAME`: missing ref");
  }
  Place place;
  place.reference = LOAM_TRY(ParseImageReference(ref)).WithDefaultTag();
  place.access.auth = services.registry_auth;
  place.access.insecure = LOAM_TRY(BoolAttribute(attributes, "registry.insecure", false));
  return place;
}

class RegistrySource final : public CacheSource {
 public:
  RegistrySource(Place place, const BackendServices& services) : place_(std::move(place)), services_(services) {}

  Result<std::vector<ReadCache>> Read(std::stop_token stop) override {
    const content::Descriptor root = LOAM_TRY(services_.registry->Resolve(place_.reference, place_.access, stop));
    const std::string text = LOAM_TRY(services_.registry->FetchManifest(place_.reference, root, place_.access, stop));
    {
      const std::lock_guard lock(mutex_);
      root_ = root.digest;
    }
    return ReadCacheManifest(text, [&](const content::Descriptor& descriptor) -> Result<std::string> {
      if (content::media_type::IsIndex(descriptor.media_type) ||
          content::media_type::IsManifest(descriptor.media_type)) {
        return services_.registry->FetchManifest(place_.reference, descriptor, place_.access, stop);
      }
      if (descriptor.size > kMaxConfigSize) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the config {} is too large ({} bytes)",
                                                                   descriptor.digest.ToString(), descriptor.size));
      }
      LOAM_TRY(
          services_.registry->FetchBlob(place_.reference, descriptor, *services_.content, place_.access, {}, stop));
      return services_.content->ReadBlob(descriptor.digest, kMaxConfigSize);
    });
  }

  Result<> Fetch(const content::Descriptor& layer, const registry::TransferProgress& progress,
                 std::stop_token stop) override {
    return services_.registry->FetchBlob(place_.reference, layer, *services_.content, place_.access, progress,
                                         std::move(stop));
  }

  [[nodiscard]] std::string Origin() const override {
    const std::lock_guard lock(mutex_);
    if (root_.empty()) {
      return {};
    }
    ImageReference pinned = place_.reference;
    pinned.digest = root_.ToString();
    return std::string(place_.access.insecure ? kInsecureOrigin : kOrigin) + pinned.ToString();
  }

 private:
  const Place place_;
  const BackendServices services_;
  mutable std::mutex mutex_;  // guards root_
  Digest root_;
};

class RegistryTarget final : public CacheTarget {
 public:
  RegistryTarget(Place place, ManifestSettings settings, const BackendServices& services)
      : place_(std::move(place)), settings_(settings), services_(services) {}

  [[nodiscard]] std::string Name() const override { return "exporting cache to registry"; }

  Result<std::map<std::string, std::string>> Write(const MarshalledCache& cache, const StepFunction& step,
                                                   std::stop_token stop) override {
    const CacheManifest manifest = MakeCacheManifest(cache, settings_);
    LOAM_TRY(services_.content->WriteBlob(manifest.config_text));
    LOAM_TRY(services_.content->WriteBlob(manifest.root_text));
    LOAM_TRY(step(fmt::format("writing cache {} {}", settings_.image_manifest ? "image manifest" : "manifest",
                              manifest.root.digest.ToString()),
                  [&] {
                    return services_.registry->Push(place_.reference, manifest.root, *services_.content, place_.access,
                                                    {}, stop);
                  }));
    return std::map<std::string, std::string>{{"cache.manifest", DescriptorText(manifest.root)}};
  }

 private:
  const Place place_;
  const ManifestSettings settings_;
  const BackendServices services_;
};

}  // namespace

Result<std::unique_ptr<CacheSource>> OpenRegistryCacheSource(const Attributes& attributes,
                                                             const BackendServices& services) {
  return std::make_unique<RegistrySource>(LOAM_TRY(ReadPlace(attributes, services)), services);
}

Result<std::unique_ptr<CacheTarget>> OpenRegistryCacheTarget(const Attributes& attributes,
                                                             const BackendServices& services) {
  return std::make_unique<RegistryTarget>(LOAM_TRY(ReadPlace(attributes, services)),
                                          LOAM_TRY(ReadManifestSettings(attributes)), services);
}

}  // namespace loam::cache
