// What lies below a state root, for showing and removing it. Internal to this folder.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime-executor/engine/engine_state.h"

namespace loam::engine {

// Names of the directories of cache mounts.
Result<std::vector<std::string>> CacheMounts(const std::string& root);

// A record with its layers, bottom to top.
struct RecordLayers {
  cache::RecordInfo record;
  std::vector<snapshot::LayerId> layers;
};
// The least recently used first.
Result<std::vector<RecordLayers>> ListRecords(EngineState& state);

// A layer is described by the first record that has it on top: the step that made it.
std::map<snapshot::LayerId, const cache::RecordInfo*> MakersOf(const std::vector<RecordLayers>& records);

// The lock of the root, exclusively until the end of the scope.
class ExclusiveRoot {
 public:
  // kUnavailable if another process uses the root.
  static Result<ExclusiveRoot> Take(EngineState& state);
  ~ExclusiveRoot() {
    if (lock_ != nullptr) {
      // Without it this process would only keep others out until it ends.
      static_cast<void>(lock_->Downgrade());
    }
  }
  ExclusiveRoot(ExclusiveRoot&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  ExclusiveRoot& operator=(ExclusiveRoot&&) = delete;

 private:
  explicit ExclusiveRoot(FileLock* lock) : lock_(lock) {}
  FileLock* lock_;
};

}  // namespace loam::engine
