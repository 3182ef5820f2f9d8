// Caches that a build imports: read once a job, before the first step that may be found in them.
#include <fmt/format.h>

#include "base/rfc3339.h"
#include "base/task_pool.h"
#include "runtime-executor/cache/remote/imported_chains.h"
#include "runtime-executor/engine/cache_collector.h"
#include "runtime-executor/engine/job_state.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/session/token_fetcher.h"

namespace loam::engine {
namespace {

std::string KeyOf(const CacheEntry& entry) {
  std::string key = entry.type;
  for (const auto& [name, value] : entry.attributes) {
    key += fmt::format("\n{}={}", name, value);
  }
  return key;
}

// As people see it: the reference of a registry's cache, else a digest of the attributes.
std::string ShownName(const CacheEntry& entry) {
  const auto ref = entry.attributes.find("ref");
  return entry.type == "registry" && ref != entry.attributes.end()
             ? ref->second
             : fmt::format("{}:{}", entry.type, Digest::Of(KeyOf(entry)).Hex().substr(0, 16));
}

// Credentials of the builds that use what a cache has: whoever imported it may be gone when its files are needed.
class UsersAuth final : public session::RegistryAuth, public session::TokenFetcher {
 public:
  explicit UsersAuth(std::shared_ptr<session::RegistryAuth> importer) : importer_(std::move(importer)) {}

  void Add(const std::shared_ptr<solver::OpContext>& context) {
    const std::lock_guard lock(mutex_);
    std::erase_if(users_, [](const auto& user) { return user.expired(); });
    users_.push_back(context);
  }

  Result<session::RegistryCredentials> Credentials(std::string_view host, std::stop_token stop) override {
    return UsersOrImporters()->Credentials(host, std::move(stop));
  }
  Result<std::optional<session::RegistryToken>> FetchToken(const session::TokenRequest& request,
                                                           std::stop_token stop) override {
    const std::shared_ptr<session::RegistryAuth> auth = UsersOrImporters();
    auto* const fetcher = dynamic_cast<session::TokenFetcher*>(auth.get());
    if (fetcher == nullptr) {
      return std::optional<session::RegistryToken>();
    }
    return fetcher->FetchToken(request, std::move(stop));
  }

 private:
  std::shared_ptr<session::RegistryAuth> UsersOrImporters() {
    std::vector<std::weak_ptr<solver::OpContext>> users;
    {
      const std::lock_guard lock(mutex_);
      users = users_;
    }
    for (const auto& user : users) {
      const std::shared_ptr<solver::OpContext> context = user.lock();
      const auto services = context == nullptr ? nullptr : ops::ServicesOf(*context);
      if (services != nullptr) {
        return services->client().registry_auth();
      }
    }
    return importer_;
  }

  const std::shared_ptr<session::RegistryAuth> importer_;
  std::mutex mutex_;  // guards users_
  std::vector<std::weak_ptr<solver::OpContext>> users_;
};

// Results of a cache as layers of the engine, downloaded when something needs their files.
class LayerLoader {
 public:
  LayerLoader(std::shared_ptr<EngineState> engine, std::shared_ptr<cache::CacheSource> source,
              std::shared_ptr<UsersAuth> auth)
      : engine_(std::move(engine)), source_(std::move(source)), auth_(std::move(auth)) {}

  Result<solver::ResultPtr> operator()(const std::vector<content::Descriptor>& layers,
                                       const std::shared_ptr<solver::OpContext>& context) const {
    auth_->Add(context);
    const std::string origin = source_->Origin();
    std::vector<snapshot::LayerRef> refs;
    for (const content::Descriptor& layer : layers) {
      const auto diff_id = layer.annotations.find(std::string(cache::kUncompressedAnnotation));
      if (diff_id == layer.annotations.end()) {
        return Unexpected(ErrorCode::kNotFound,
                          fmt::format("the cache does not say what {} is uncompressed", layer.digest.ToString()));
      }
      snapshot::ImageLayer image;
      image.diff_id = LOAM_TRY(Digest::Parse(diff_id->second));
      image.blob.media_type = layer.media_type;
      image.blob.digest = layer.digest;
      image.blob.size = layer.size;
      image.origin = origin;
      const auto description = layer.annotations.find(std::string(cache::kDescriptionAnnotation));
      image.description =
          description == layer.annotations.end() ? "imported " + layer.digest.ToString() : description->second;
      if (const auto created = layer.annotations.find(std::string(cache::kCreatedAnnotation));
          created != layer.annotations.end()) {
        constexpr std::int64_t kLast = 9'000'000'000;  // that nanoseconds can tell
        if (const Result<Instant> time = ParseRfc3339(created->second); time && std::abs(time->seconds) < kLast) {
          image.created = time->ToWallTime();
        }
      }
      image.open = [engine = engine_.get(), source = source_, diff_id = image.diff_id, blob = image.blob, origin](
                       const snapshot::LayerProgress& progress,
                       std::stop_token stop_open) -> Result<std::unique_ptr<content::ByteSource>> {
        LOAM_TRY(source->Fetch(blob, progress, stop_open));
        return source::MakeLazyLayerOpener(engine->ImageOptions())(diff_id, blob, origin, progress, stop_open);
      };
      refs.push_back(LOAM_TRY(engine_->layers->AddImageLayer(std::move(image))));
    }
    snapshot::FsRef fs(std::move(refs));
    if (origin.empty()) {
      // Only this job can fetch it, but what is recorded must work in later ones.
      LOAM_TRY(engine_->layers->Unpack(fs, context->stop()));
    }
    return ops::MakeFsResult(std::move(fs));
  }

 private:
  const std::shared_ptr<EngineState> engine_;
  const std::shared_ptr<cache::CacheSource> source_;
  const std::shared_ptr<UsersAuth> auth_;
};

}  // namespace

// One import; whoever needs it first reads it, the others wait.
struct JobState::Import {
  std::mutex mutex;
  bool done = false;
  std::shared_ptr<const solver::CacheImport> import;  // null: it cannot be read
};

cache::BackendServices JobState::CacheServices() const {
  cache::BackendServices services;
  services.content = engine_->content.get();
  services.registry = engine_->registry.get();
  services.http = engine_->http.get();
  services.clock = &engine_->clock;
  services.registry_auth = options_.client->registry_auth();
  services.layouts = options_.client->oci_layouts();
  return services;
}

Result<std::shared_ptr<const solver::CacheImport>> JobState::OpenImport(const CacheEntry& entry, std::stop_token stop) {
  std::shared_ptr<const solver::CacheImport> import;
  const Result<> read =
      Step(fmt::format("importing cache manifest from {}", ShownName(entry)), [&](solver::ProgressWriter&) -> Result<> {
        cache::BackendServices services = CacheServices();
        const auto auth = std::make_shared<UsersAuth>(services.registry_auth);
        services.registry_auth = auth;
        const std::shared_ptr<cache::CacheSource> source =
            LOAM_TRY_CONTEXT(fmt::format("failed to configure {} cache importer", entry.type),
                             cache::OpenCacheSource(entry.type, entry.attributes, services));
        const std::vector<cache::ReadCache> caches = LOAM_TRY(source->Read(stop));
        import = std::make_shared<const solver::CacheImport>(
            LOAM_TRY(cache::MakeImportedChains(caches, LayerLoader(engine_, source, auth))));
        const std::lock_guard lock(imports_mutex_);
        import_sources_[import.get()] = source;
        return {};
      });
  if (!read && stop.stop_requested()) {
    return Unexpected(read.error());
  }
  // The step has shown why; the build goes on without it.
  return import;
}

Result<std::vector<std::shared_ptr<const solver::CacheImport>>> JobState::Imports(std::span<const CacheEntry> entries,
                                                                                  std::stop_token stop) {
  std::vector<Result<std::shared_ptr<const solver::CacheImport>>> opened(entries.size(),
                                                                         std::shared_ptr<const solver::CacheImport>());
  ParallelFor(
      entries.size(),
      [&](std::size_t i) {
        std::shared_ptr<Import> slot;
        {
          const std::lock_guard lock(imports_mutex_);
          std::shared_ptr<Import>& entry = imports_[KeyOf(entries[i])];
          if (entry == nullptr) {
            entry = std::make_shared<Import>();
          }
          slot = entry;
        }
        const std::lock_guard lock(slot->mutex);
        if (!slot->done) {
          opened[i] = OpenImport(entries[i], stop);
          if (!opened[i]) {
            return;
          }
          slot->import = *opened[i];
          slot->done = true;
        }
        opened[i] = slot->import;
      },
      entries.size());
  std::vector<std::shared_ptr<const solver::CacheImport>> imports;
  for (auto& import : opened) {
    if (std::shared_ptr<const solver::CacheImport> usable = LOAM_TRY(std::move(import)); usable != nullptr) {
      imports.push_back(std::move(usable));
    }
  }
  return imports;
}

Result<std::optional<cache::ExportedResult>> JobState::FetchImported(const solver::CacheGraphNode::Imported& imported,
                                                                     const std::stop_token& stop) {
  std::optional<cache::ExportedResult> result = ResultInImport(imported, engine_->clock.Now());
  std::shared_ptr<cache::CacheSource> source;
  {
    const std::lock_guard lock(imports_mutex_);
    const auto found = import_sources_.find(imported.import.get());
    source = found == import_sources_.end() ? nullptr : found->second;
  }
  if (!result || source == nullptr) {
    return std::optional<cache::ExportedResult>();
  }
  for (const content::Descriptor& layer : result->layers) {
    const Result<> fetched = engine_->content->Contains(layer) ? Result<>() : source->Fetch(layer, {}, stop);
    // A cache may have lost blobs: what it still has of the result is not enough.
    if (!fetched && fetched.error().Is(ErrorCode::kNotFound)) {
      return std::optional<cache::ExportedResult>();
    }
    LOAM_TRY(fetched);
  }
  return result;
}

}  // namespace loam::engine
