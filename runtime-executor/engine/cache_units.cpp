// Listing the units, and removing those that a plan names. Records go first, then layers that no record names, then
// blobs that nothing refers to; so what is visible is whole whenever the process dies. Builds may run meanwhile: what
// they hold leases on stays, and what cannot be leased (blobs of no layer, mirrors) is only touched while none runs.
#include "runtime-executor/engine/cache_units.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/strings.h"
#include "runtime-executor/engine/engine_state.h"
#include "runtime-executor/engine/prune_plan.h"
#include "runtime-executor/engine/state_inventory.h"
#include "runtime-executor/ops/exec_cache_mount.h"
#include "runtime-executor/source/git/git_mirrors.h"

namespace loam::engine {
namespace {

using snapshot::LayerId;

constexpr std::string_view kLayerPrefix = "layer-";
constexpr std::string_view kMountPrefix = "mount-";
constexpr std::string_view kMirrorPrefix = "git-";
// Downloads that nobody finished meanwhile.
constexpr std::chrono::hours kStaleIngests{1};

std::string LayerName(LayerId layer) {
  return fmt::format("{}{}", kLayerPrefix, layer.value());
}

std::optional<WallTime> ModifiedTime(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return std::nullopt;
  }
  return WallTime(std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec));
}

Result<std::int64_t> DiskFree(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) {
    return UnexpectedErrno("statvfs " + path);
  }
  return static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
}

Result<> UnlessStopped(const std::stop_token& stop) {
  return stop.stop_requested() ? Unexpected(ErrorCode::kCanceled, "the removal was canceled") : Result<>();
}

// Everything that is known at one moment.
class Inventory {
 public:
  Inventory(EngineState& state, std::stop_token stop) : state_(state), stop_(std::move(stop)) {}

  Result<> Read() {
    // What is only kept in case that it is asked for again is not in use.
    state_.checksums->ReleaseHostTrees();
    state_.sources.ForgetEndedJobs();
    // Leases before records: what a build finds after this has its record still in the list.
    leased_ = state_.layers->Leased();
    records_ = LOAM_TRY(ListRecords(state_));
    of_images_ = LOAM_TRY(state_.images->ReferencedBlobs());
    for (const LayerId layer : LOAM_TRY(state_.source_index->CheckoutLayers())) {
      checkouts_.insert(layer);
    }
    LOAM_TRY(ReadLayers());
    LOAM_TRY(ReadMounts());
    return ReadMirrors();
  }

  [[nodiscard]] const std::vector<RecordLayers>& records() const { return records_; }
  [[nodiscard]] std::vector<CacheUnit>& units() { return units_; }
  [[nodiscard]] const std::vector<content::Descriptor>& BlobsOf(LayerId layer) { return blobs_[layer]; }
  [[nodiscard]] const std::vector<LayerId>& layers() const { return layers_; }
  [[nodiscard]] const std::set<Digest>& of_images() const { return of_images_; }

 private:
  Result<> ReadLayers() {
    const auto makers = MakersOf(records_);
    std::map<LayerId, std::set<LayerId>> parents;
    for (const RecordLayers& record : records_) {
      for (std::size_t i = 1; i < record.layers.size(); ++i) {
        parents[record.layers[i]].insert(record.layers[i - 1]);
      }
    }
    for (const snapshot::LayerInfo& layer : LOAM_TRY(state_.layers->List())) {
      LOAM_TRY(UnlessStopped(stop_));
      layers_.push_back(layer.id);
      CacheUnit unit;
      unit.id = LayerName(layer.id);
      unit.type = checkouts_.contains(layer.id) ? "source.git.checkout" : "regular";
      unit.description = layer.origin.empty() ? "" : "pulled from " + layer.origin;
      unit.created = layer.created;
      unit.in_use = leased_.contains(layer.id);
      if (layer.unpacked) {
        unit.size = LOAM_TRY(BytesOf(layer));
      }
      LOAM_TRY(AddBlobs(layer.id, unit));
      if (const auto maker = makers.find(layer.id); maker != makers.end()) {
        unit.description = layer.description.empty() ? maker->second->description : layer.description;
        unit.last_used = maker->second->last_used;
        unit.usage_count = maker->second->uses;
      }
      for (const LayerId parent : parents[layer.id]) {
        unit.parents.push_back(LayerName(parent));
      }
      units_.push_back(std::move(unit));
    }
    return {};
  }

  Result<std::int64_t> BytesOf(const snapshot::LayerInfo& layer) {
    if (layer.bytes) {
      return *layer.bytes;
    }
    const auto usage = state_.layers->Usage(layer.id);
    if (!usage && usage.error().Is(ErrorCode::kNotFound)) {
      return 0;  // collected meanwhile
    }
    return usage ? Result<std::int64_t>(usage->bytes) : tl::unexpected(usage.error());
  }

  // The layer's compressed forms that are here.
  Result<> AddBlobs(LayerId layer, CacheUnit& unit) {
    blobs_[layer] = LOAM_TRY(state_.layers->Blobs(layer));
    for (const content::Descriptor& blob : blobs_[layer]) {
      if (const auto info = state_.content->Info(blob.digest)) {
        unit.size += static_cast<std::int64_t>(info->size);
      }
      unit.shared = unit.shared || of_images_.contains(blob.digest);
    }
    return {};
  }

  Result<> ReadMounts() {
    const std::string directory = state_.options.root + "/cache-mounts";
    for (const std::string& name : LOAM_TRY(CacheMounts(state_.options.root))) {
      const std::string path = directory + "/" + name;
      const auto created = ModifiedTime(path + "/key");
      if (!created) {
        continue;  // pruned: only its lock is left
      }
      LOAM_TRY(UnlessStopped(stop_));
      CacheUnit unit;
      unit.id = fmt::format("{}{}", kMountPrefix, name);
      unit.type = "exec.cachemount";
      const std::string key = LOAM_TRY(ReadFileIfExists(path + "/key")).value_or("");
      unit.description = fmt::format("cached mount {}", Split(key, '\n').front());
      unit.is_mutable = true;
      unit.in_use = LOAM_TRY(ops::CacheMount::InUse(directory, name));
      unit.size = LOAM_TRY(TreeBytes(path + "/fs"));
      unit.created = *created;
      unit.last_used = ModifiedTime(path + "/lock");
      units_.push_back(std::move(unit));
    }
    return {};
  }

  Result<> ReadMirrors() {
    for (const source::GitMirrorInfo& mirror : LOAM_TRY(source::ListGitMirrors(state_.options.root + "/git"))) {
      CacheUnit unit;
      unit.id = fmt::format("{}{}", kMirrorPrefix, mirror.path.substr(mirror.path.rfind('/') + 1));
      unit.type = "source.git.checkout";
      unit.description = "git repository " + mirror.remote;
      unit.is_mutable = true;
      unit.in_use = !state_.jobs.idle();
      unit.size = LOAM_TRY(TreeBytes(mirror.path));
      unit.created = mirror.last_used;
      unit.last_used = mirror.last_used;
      units_.push_back(std::move(unit));
    }
    return {};
  }

  EngineState& state_;
  const std::stop_token stop_;
  std::set<LayerId> leased_;
  std::vector<RecordLayers> records_;
  std::set<Digest> of_images_;
  std::set<LayerId> checkouts_;
  std::vector<LayerId> layers_;
  std::map<LayerId, std::vector<content::Descriptor>> blobs_;
  std::vector<CacheUnit> units_;
};

class Pruning {
 public:
  Pruning(EngineState& state, const std::function<void(const CacheUnit&)>& removed, const std::stop_token& stop)
      : state_(state), removed_(removed), stop_(stop), inventory_(state, stop) {}

  Result<> Run(std::span<const PruneRule> rules) {
    LOAM_TRY(inventory_.Read());
    std::map<std::string, CacheArea*> area_of;
    for (const auto& area : state_.areas) {
      for (CacheUnit& unit : LOAM_TRY(area->List())) {
        area_of[unit.id] = area.get();
        inventory_.units().push_back(std::move(unit));
      }
    }
    const std::vector<std::string> plan =
        PlanPrune(inventory_.units(), rules, state_.clock.Now(), LOAM_TRY(DiskFree(state_.options.root)));
    std::map<std::string_view, const CacheUnit*> units;
    for (const CacheUnit& unit : inventory_.units()) {
      units.emplace(unit.id, &unit);
    }
    std::set<std::string_view> layers;
    for (const std::string& id : plan) {
      LOAM_TRY(UnlessStopped(stop_));
      if (id.starts_with(kLayerPrefix)) {
        layers.insert(id);
        continue;
      }
      if (LOAM_TRY(RemoveOther(id, area_of))) {
        removed_(*units.at(id));
      }
    }
    const bool everything = std::any_of(rules.begin(), rules.end(), [](const PruneRule& rule) {
      return rule.all && !rule.matches && rule.keep_duration.count() == 0 && BytesToKeep(rule, 0, 0) == 0;
    });
    for (const LayerId layer : LOAM_TRY(RemoveLayers(layers, everything))) {
      removed_(*units.at(LayerName(layer)));
    }
    LOAM_TRY(UnlessStopped(stop_));
    return SweepContent();
  }

 private:
  Result<bool> RemoveOther(const std::string& id, const std::map<std::string, CacheArea*>& area_of) {
    if (const auto area = area_of.find(id); area != area_of.end()) {
      return area->second->Remove(id);
    }
    if (id.starts_with(kMountPrefix)) {
      return ops::CacheMount::Remove(state_.options.root + "/cache-mounts", id.substr(kMountPrefix.size()));
    }
    Result<> removed;
    const bool idle = state_.jobs.IfIdle([&] {
      removed = source::RemoveGitMirror({state_.options.root + "/git/" + id.substr(kMirrorPrefix.size()), "", {}});
    });
    LOAM_TRY(removed);
    return idle;
  }

  // Those that went. `everything`: also records that have no layer at all.
  Result<std::vector<LayerId>> RemoveLayers(const std::set<std::string_view>& names, bool everything) {
    std::set<LayerId> chosen;
    std::vector<LayerId> keep;
    for (const LayerId layer : inventory_.layers()) {
      if (names.contains(LayerName(layer))) {
        chosen.insert(layer);
      } else {
        keep.push_back(layer);
      }
    }
    std::vector<solver::RecordId> records;
    for (const RecordLayers& record : inventory_.records()) {
      const bool gone = std::any_of(record.layers.begin(), record.layers.end(),
                                    [&](LayerId layer) { return chosen.contains(layer); });
      if (gone || (everything && record.layers.empty())) {
        records.push_back(record.record.id);
      }
    }
    if (records.empty() && chosen.empty()) {
      return std::vector<LayerId>();
    }
    LOAM_TRY(state_.records->RemoveRecords(records));
    // Layers made since the inventory are leased, or belong to a record that is not in it.
    for (const RecordLayers& record : LOAM_TRY(ListRecords(state_))) {
      keep.insert(keep.end(), record.layers.begin(), record.layers.end());
    }
    for (const snapshot::LayerInfo& layer : LOAM_TRY(state_.layers->List())) {
      if (!chosen.contains(layer.id)) {
        keep.push_back(layer.id);
      }
    }
    std::vector<LayerId> went;
    for (const snapshot::LayerInfo& layer : LOAM_TRY(state_.layers->Collect(keep, stop_))) {
      went.push_back(layer.id);
      freed_.insert(freed_.end(), inventory_.BlobsOf(layer.id).begin(), inventory_.BlobsOf(layer.id).end());
    }
    return went;
  }

  Result<> SweepContent() {
    Result<> swept;
    if (state_.jobs.IfIdle([&] { swept = SweepAll(); })) {
      return swept;
    }
    // Blobs of layers that went; a build that needs one fetches it again.
    const std::set<Digest> named = LOAM_TRY(NamedBlobs());
    for (const content::Descriptor& blob : freed_) {
      if (!named.contains(blob.digest)) {
        LOAM_TRY(state_.content->Delete(blob.digest));
      }
    }
    return {};
  }

  Result<std::set<Digest>> NamedBlobs() {
    std::set<Digest> named = LOAM_TRY(state_.images->ReferencedBlobs());
    for (const snapshot::LayerInfo& layer : LOAM_TRY(state_.layers->List())) {
      for (const content::Descriptor& blob : LOAM_TRY(state_.layers->Blobs(layer.id))) {
        named.insert(blob.digest);
      }
    }
    return named;
  }

  Result<> SweepAll() {
    const std::set<Digest> named = LOAM_TRY(NamedBlobs());
    std::vector<Digest> remove;
    LOAM_TRY(state_.content->Walk([&](const content::BlobInfo& blob) -> Result<> {
      if (!named.contains(blob.digest)) {
        remove.push_back(blob.digest);
      }
      return {};
    }));
    for (const Digest& digest : remove) {
      LOAM_TRY(UnlessStopped(stop_));
      LOAM_TRY(state_.content->Delete(digest));
    }
    return state_.content->RemoveStaleIngests(kStaleIngests);
  }

  EngineState& state_;
  const std::function<void(const CacheUnit&)>& removed_;
  const std::stop_token& stop_;
  Inventory inventory_;
  std::vector<content::Descriptor> freed_;
};

}  // namespace

void Engine::AddCacheArea(std::unique_ptr<CacheArea> area) {
  state_->areas.push_back(std::move(area));
}

Result<std::vector<CacheUnit>> Engine::CacheUnits() const {
  Inventory inventory(*state_, {});
  LOAM_TRY(inventory.Read());
  std::vector<CacheUnit> units = std::move(inventory.units());
  for (const auto& area : state_->areas) {
    for (CacheUnit& unit : LOAM_TRY(area->List())) {
      units.push_back(std::move(unit));
    }
  }
  return units;
}

Result<> Engine::PruneCache(std::span<const PruneRule> rules, const std::function<void(const CacheUnit&)>& removed,
                            const std::stop_token& stop) {
  const std::lock_guard lock(state_->prune_mutex);
  const ExclusiveRoot exclusive = LOAM_TRY(ExclusiveRoot::Take(*state_));
  return Pruning(*state_, removed, stop).Run(rules);
}

Result<> Engine::Sync() {
  return state_->layers->Sync();
}

}  // namespace loam::engine
