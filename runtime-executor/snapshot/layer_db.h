// The rows of layers.db. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/sqlite.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::snapshot {

class LayerDb {
 public:
  // `boot` names the run of the kernel.
  static Result<std::unique_ptr<LayerDb>> Open(const std::string& path, std::string boot);

  Result<> Insert(LayerId id, bool unpacked, const Digest& diff_id, const std::string& origin,
                  std::optional<WallTime> created = std::nullopt);
  Result<std::optional<LayerInfo>> Find(LayerId id);
  // An unpacked layer is preferred.
  Result<std::optional<LayerInfo>> FindByDiffId(const Digest& diff_id);
  Result<std::vector<LayerInfo>> All();
  Result<> SetUnpacked(LayerId id);
  Result<> SetOrigin(LayerId id, const std::string& origin);
  // Does nothing if there is one already.
  Result<> SetDescription(LayerId id, const std::string& description);
  Result<> SetUsage(LayerId id, const DiskUsage& usage);
  // Does nothing if a diffID is known already.
  Result<> SetDiffId(LayerId id, const Digest& diff_id);
  Result<> AddBlob(LayerId id, const content::Descriptor& blob);
  Result<std::vector<content::Descriptor>> Blobs(LayerId id);
  // Layers that were computed from others: "diff:<ids>|<ids>" -> layer.
  Result<std::optional<LayerId>> FindComputed(const std::string& key);
  Result<> SetComputed(const std::string& key, LayerId id);
  // Unpacked layers that are not known to survive a power cut, of this run of the kernel; and of earlier ones, whose
  // files may be lost.
  Result<std::vector<LayerId>> Unsynced();
  Result<std::vector<LayerId>> Lost();
  Result<std::optional<WallTime>> OldestUnsynced();
  Result<> SetSynced(const std::vector<LayerId>& ids);
  // Of a lost layer: an image's is lazy again, another one has no row any more.
  Result<> Forget(LayerId id);
  // All rows of these layers, in one transaction.
  Result<> Remove(const std::vector<LayerId>& ids);

 private:
  Result<> Prepare();

  Result<std::vector<LayerId>> Ids(sqlite::Statement& select);

  std::string boot_;
  std::mutex mutex_;  // guards the connection and its statements
  sqlite::Database db_;
  sqlite::Statement insert_, find_, find_diff_, all_, set_unpacked_, set_origin_, set_usage_, set_diff_, add_blob_,
      blobs_, find_computed_, set_computed_, remove_layer_, remove_blobs_, remove_computed_, add_unsynced_, unsynced_,
      lost_, oldest_unsynced_, remove_unsynced_, make_lazy_, set_description_, remove_description_;
};

}  // namespace loam::snapshot
