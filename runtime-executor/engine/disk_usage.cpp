// What takes space, and removing it. Removal goes from the top down: records, then layers that no record names, then
// blobs that neither an image nor a layer that stays refers to; so what is visible is whole whenever the process dies.
#include "runtime-executor/engine/disk_usage.h"

#include <algorithm>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "runtime-executor/engine/engine_state.h"
#include "runtime-executor/engine/state_inventory.h"
#include "runtime-executor/source/git/git_mirrors.h"

namespace loam::engine {
namespace {

using cache::RecordInfo;
using snapshot::LayerId;

Result<DiskUsageEntry> LayerEntry(EngineState& state, const snapshot::LayerInfo& layer,
                                  const std::map<LayerId, const RecordInfo*>& makers) {
  DiskUsageEntry entry;
  entry.kind = DiskUsageEntry::Kind::kLayer;
  entry.id = std::to_string(layer.id.value());
  entry.created = layer.created;
  entry.description = layer.origin;
  if (layer.unpacked) {
    entry.size = LOAM_TRY(state.layers->Usage(layer.id)).bytes;
  }
  if (const auto maker = makers.find(layer.id); maker != makers.end()) {
    entry.description = maker->second->description;
    entry.last_used = maker->second->last_used;
    entry.usage_count = maker->second->uses;
  }
  return entry;
}

DiskUsageEntry BlobEntry(const content::BlobInfo& blob, bool in_use) {
  DiskUsageEntry entry;
  entry.kind = DiskUsageEntry::Kind::kContent;
  entry.id = blob.digest.ToString();
  entry.size = static_cast<std::int64_t>(blob.size);
  entry.created = blob.modified;
  entry.in_use = in_use;
  return entry;
}

// Removes one use of each layer; gives the bytes that are not used any more.
class LayerUses {
 public:
  static Result<LayerUses> Count(EngineState& state, const std::vector<RecordLayers>& records) {
    LayerUses uses;
    for (const RecordLayers& record : records) {
      for (const LayerId layer : record.layers) {
        ++uses.count_[layer];
      }
    }
    for (const snapshot::LayerInfo& layer : LOAM_TRY(state.layers->List())) {
      if (layer.unpacked) {
        uses.bytes_[layer.id] = LOAM_TRY(state.layers->Usage(layer.id)).bytes;
      }
    }
    return uses;
  }
  // Bytes of all layers that some record uses.
  [[nodiscard]] std::int64_t Total() const {
    std::int64_t total = 0;
    for (const auto& [layer, count] : count_) {
      total += BytesOf(layer);
    }
    return total;
  }
  std::int64_t Release(const std::vector<LayerId>& layers) {
    std::int64_t freed = 0;
    for (const LayerId layer : layers) {
      if (--count_[layer] == 0) {
        freed += BytesOf(layer);
      }
    }
    return freed;
  }

 private:
  [[nodiscard]] std::int64_t BytesOf(LayerId layer) const {
    const auto found = bytes_.find(layer);
    return found == bytes_.end() ? 0 : found->second;
  }
  std::map<LayerId, int> count_;
  std::map<LayerId, std::int64_t> bytes_;
};

// The records to remove, of a list that has the least recently used first.
Result<std::vector<bool>> Choose(EngineState& state, const std::vector<RecordLayers>& records,
                                 const PruneOptions& options) {
  std::vector<bool> chosen(records.size(), false);
  if (!options.all && !options.unused_for && !options.keep_bytes) {
    return chosen;
  }
  LayerUses uses = LOAM_TRY(LayerUses::Count(state, records));
  std::int64_t remaining = uses.Total();
  const WallTime now = state.clock.Now();
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool old_enough = !options.unused_for || records[i].record.last_used + *options.unused_for <= now;
    const bool too_much = !options.keep_bytes || remaining > *options.keep_bytes;
    if (old_enough && too_much) {
      chosen[i] = true;
      remaining -= uses.Release(records[i].layers);
    }
  }
  return chosen;
}

void Remember(PruneReport& report, DiskUsageEntry entry) {
  report.reclaimed_bytes += entry.size;
  report.removed.push_back(std::move(entry));
}

Result<> PruneLayers(EngineState& state, const std::vector<RecordLayers>& records, const std::vector<bool>& chosen,
                     PruneReport& report) {
  const std::map<LayerId, const RecordInfo*> makers = MakersOf(records);
  std::vector<solver::RecordId> remove;
  std::set<LayerId> keep;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (chosen[i]) {
      remove.push_back(records[i].record.id);
    } else {
      keep.insert(records[i].layers.begin(), records[i].layers.end());
    }
  }
  std::map<LayerId, DiskUsageEntry> entries;
  for (const snapshot::LayerInfo& layer : LOAM_TRY(state.layers->List())) {
    if (keep.count(layer.id) == 0) {
      entries.emplace(layer.id, LOAM_TRY(LayerEntry(state, layer, makers)));
    }
  }
  LOAM_TRY(state.records->RemoveRecords(remove));
  const std::vector<LayerId> keep_list(keep.begin(), keep.end());
  for (const snapshot::LayerInfo& layer : LOAM_TRY(state.layers->Collect(keep_list))) {
    if (const auto found = entries.find(layer.id); found != entries.end()) {
      Remember(report, std::move(found->second));
    }
  }
  return {};
}

Result<> PruneContent(EngineState& state, PruneReport& report) {
  std::set<Digest> keep = LOAM_TRY(state.images->ReferencedBlobs());
  for (const snapshot::LayerInfo& layer : LOAM_TRY(state.layers->List())) {
    for (const content::Descriptor& blob : LOAM_TRY(state.layers->Blobs(layer.id))) {
      keep.insert(blob.digest);
    }
  }
  std::vector<content::BlobInfo> remove;
  LOAM_TRY(state.content->Walk([&](const content::BlobInfo& blob) -> Result<> {
    if (keep.count(blob.digest) == 0) {
      remove.push_back(blob);
    }
    return {};
  }));
  for (const content::BlobInfo& blob : remove) {
    LOAM_TRY(state.content->Delete(blob.digest));
    Remember(report, BlobEntry(blob, false));
  }
  return state.content->RemoveStaleIngests(std::chrono::seconds(0));
}

Result<> PruneCacheMounts(EngineState& state, PruneReport& report) {
  const std::string directory = state.options.root + "/cache-mounts";
  for (const std::string& name : LOAM_TRY(CacheMounts(state.options.root))) {
    DiskUsageEntry entry;
    entry.kind = DiskUsageEntry::Kind::kCacheMount;
    entry.id = name;
    entry.size = LOAM_TRY(TreeBytes(directory + "/" + name));
    LOAM_TRY(RemoveTree(directory + "/" + name));
    Remember(report, std::move(entry));
  }
  return {};
}

// Mirrors of git repositories count as content.
Result<DiskUsageEntry> MirrorEntry(const source::GitMirrorInfo& mirror) {
  DiskUsageEntry entry;
  entry.kind = DiskUsageEntry::Kind::kContent;
  entry.id = mirror.path.substr(mirror.path.rfind('/') + 1);
  entry.description = "git repository " + mirror.remote;
  entry.size = LOAM_TRY(TreeBytes(mirror.path));
  entry.last_used = mirror.last_used;
  return entry;
}

Result<> PruneMirrors(EngineState& state, const PruneOptions& options, PruneReport& report) {
  if (!options.all && !options.unused_for) {
    return {};
  }
  for (const source::GitMirrorInfo& mirror : LOAM_TRY(source::ListGitMirrors(state.options.root + "/git"))) {
    if (options.unused_for && mirror.last_used + *options.unused_for > state.clock.Now()) {
      continue;
    }
    DiskUsageEntry entry = LOAM_TRY(MirrorEntry(mirror));
    LOAM_TRY(source::RemoveGitMirror(mirror));
    Remember(report, std::move(entry));
  }
  return {};
}

}  // namespace

Result<std::vector<DiskUsageEntry>> Engine::DiskUsage() const {
  EngineState& state = *state_;
  std::vector<DiskUsageEntry> entries;
  const std::vector<RecordLayers> records = LOAM_TRY(ListRecords(state));
  for (const RecordLayers& record : records) {
    DiskUsageEntry entry;
    entry.kind = DiskUsageEntry::Kind::kCacheRecord;
    entry.id = std::to_string(record.record.id.value());
    entry.description = record.record.description;
    entry.created = record.record.created;
    entry.last_used = record.record.last_used;
    entry.usage_count = record.record.uses;
    entries.push_back(std::move(entry));  // the bytes are counted with the layers
  }
  const std::map<LayerId, const RecordInfo*> makers = MakersOf(records);
  for (const snapshot::LayerInfo& layer : LOAM_TRY(state.layers->List())) {
    entries.push_back(LOAM_TRY(LayerEntry(state, layer, makers)));
  }
  const std::set<Digest> of_images = LOAM_TRY(state.images->ReferencedBlobs());
  LOAM_TRY(state.content->Walk([&](const content::BlobInfo& blob) -> Result<> {
    entries.push_back(BlobEntry(blob, of_images.count(blob.digest) > 0));
    return {};
  }));
  for (const std::string& name : LOAM_TRY(CacheMounts(state.options.root))) {
    DiskUsageEntry entry;
    entry.kind = DiskUsageEntry::Kind::kCacheMount;
    entry.id = name;
    entry.size = LOAM_TRY(TreeBytes(state.options.root + "/cache-mounts/" + name));
    entries.push_back(std::move(entry));
  }
  for (const source::GitMirrorInfo& mirror : LOAM_TRY(source::ListGitMirrors(state.options.root + "/git"))) {
    entries.push_back(LOAM_TRY(MirrorEntry(mirror)));
  }
  for (const source::StoredImage& image : LOAM_TRY(state.images->List())) {
    DiskUsageEntry entry;
    entry.kind = DiskUsageEntry::Kind::kImage;
    entry.id = image.name;
    entry.created = image.updated;
    entry.in_use = true;
    entries.push_back(std::move(entry));  // the bytes are counted with the content
  }
  return entries;
}

Result<PruneReport> Engine::Prune(const PruneOptions& options) {
  EngineState& state = *state_;
  const std::lock_guard lock(state.prune_mutex);
  const ExclusiveRoot exclusive = LOAM_TRY(ExclusiveRoot::Take(state));
  PruneReport report;
  const std::vector<RecordLayers> records = LOAM_TRY(ListRecords(state));
  const std::vector<bool> chosen = LOAM_TRY(Choose(state, records, options));
  LOAM_TRY(PruneLayers(state, records, chosen, report));
  LOAM_TRY(PruneContent(state, report));
  LOAM_TRY(PruneMirrors(state, options, report));
  if (options.cache_mounts) {
    LOAM_TRY(PruneCacheMounts(state, report));
  }
  return report;
}

}  // namespace loam::engine
