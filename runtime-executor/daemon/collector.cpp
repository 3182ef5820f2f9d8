#include "runtime-executor/daemon/collector.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::daemon {
namespace {

using Steady = std::chrono::steady_clock;

// After a build, so that what it left is there to be counted; and not more often than every minute.
constexpr std::chrono::seconds kAfterBuild{1};
constexpr std::chrono::minutes kBetweenCollections{1};
constexpr std::chrono::minutes kBetweenHistories{2};
constexpr std::chrono::seconds kTick{15};

}  // namespace

Collector::Collector(Options options)
    : options_(std::move(options)), thread_([this](const std::stop_token& ended) { Loop(ended); }) {}

Collector::~Collector() = default;

void Collector::BuildEnded() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  wake_.notify_one();
}

void Collector::Loop(const std::stop_token& ended) {
  Steady::time_point next_collection = Steady::now() + kAfterBuild;
  Steady::time_point next_history = Steady::now() + kAfterBuild;
  while (!ended.stop_requested()) {
    bool collect = false;
    {
      std::unique_lock lock(mutex_);
      const auto until = wanted_ ? std::min(next_collection, Steady::now() + kTick) : Steady::now() + kTick;
      const bool idle = !wanted_;
      wake_.wait_until(lock, ended, until, [&] { return idle && wanted_; });
      if (idle && wanted_) {
        next_collection = std::max(next_collection, Steady::now() + kAfterBuild);
      }
      collect = wanted_ && Steady::now() >= next_collection;
      wanted_ = wanted_ && !collect;
    }
    if (ended.stop_requested()) {
      break;
    }
    if (collect) {
      WriteBack();
      CollectGarbage();
      next_collection = Steady::now() + kBetweenCollections;
    }
    if (Steady::now() >= next_history) {
      if (const Result<> collected = options_.history->Collect(); !collected) {
        options_.log->Error("the build history could not be cleaned", {{"error", collected.error().message()}});
      }
      next_history = Steady::now() + kBetweenHistories;
    }
  }
}

void Collector::WriteBack() {
  if (const Result<> synced = options_.engine->Sync(); !synced) {
    options_.log->Error("layers could not be written back", {{"error", synced.error().message()}});
  }
}

void Collector::CollectGarbage() {
  if (options_.rules.empty()) {
    return;
  }
  std::int64_t bytes = 0;
  const Result<> pruned =
      options_.engine->PruneCache(options_.rules, [&bytes](const engine::CacheUnit& unit) { bytes += unit.size; });
  if (!pruned) {
    options_.log->Error("gc error", {{"error", pruned.error().message()}});
  } else if (bytes > 0) {
    options_.log->Debug(fmt::format("gc cleaned up {}", HumanBytes(static_cast<std::uint64_t>(bytes))));
  }
}

}  // namespace loam::daemon
