// What the daemon does by itself: garbage collection after builds and from time to time, writing back to disk, and
// forgetting old builds.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "runtime-executor/daemon/gc_policy.h"
#include "runtime-executor/daemon/history.h"
#include "runtime-executor/daemon/log.h"
#include "runtime-executor/engine/engine.h"

namespace loam::daemon {

class Collector {
 public:
  struct Options {
    // All outlive the collector.
    engine::Engine* engine = nullptr;
    BuildHistory* history = nullptr;
    Log* log = nullptr;
    std::vector<engine::PruneRule> rules;
  };
  explicit Collector(Options options);
  // Ends the work at the next pause.
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  // A build has ended: soon there may be something to collect. Thread-safe.
  void BuildEnded();

 private:
  void Loop(const std::stop_token& ended);
  void CollectGarbage(const std::stop_token& ended);
  void WriteBack();

  const Options options_;
  std::mutex mutex_;  // guards wanted_, grown_
  std::condition_variable_any wake_;
  bool wanted_ = true;
  // Builds ended since memory was last given back to the system.
  bool grown_ = true;
  std::jthread thread_;
};

}  // namespace loam::daemon
