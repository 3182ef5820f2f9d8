#include "runtime-executor/daemon/collector.h"

#include <malloc.h>

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
constexpr std::chrono::seconds kBetweenTrims{10};

}  // namespace

Collector::Collector(Options options)
    : options_(std::move(options)), thread_([this](const std::stop_token& ended) { Loop(ended); }) {}

Collector::~Collector() = default;

void Collector::BuildEnded() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
    grown_ = true;
  }
  wake_.notify_one();
}

void Collector::Loop(const std::stop_token& ended) {
  Steady::time_point next_collection = Steady::now() + kAfterBuild;
  Steady::time_point next_history = Steady::now() + kAfterBuild;
  Steady::time_point next_trim = Steady::now();
  while (!ended.stop_requested()) {
    bool collect = false;
    bool trim = false;
    {
      std::unique_lock lock(mutex_);
      Steady::time_point until = Steady::now() + kTick;
      until = wanted_ ? std::min(next_collection, until) : until;
      until = grown_ ? std::min(next_trim, until) : until;
      const bool was_wanted = wanted_;
      const bool was_grown = grown_;
      wake_.wait_until(lock, ended, until, [&] { return wanted_ != was_wanted || grown_ != was_grown; });
      const Steady::time_point now = Steady::now();
      if (!was_wanted && wanted_) {
        next_collection = std::max(next_collection, now + kAfterBuild);
      }
      if (!was_grown && grown_) {
        next_trim = std::max(next_trim, now + kAfterBuild);
      }
      collect = wanted_ && now >= next_collection;
      wanted_ = wanted_ && !collect;
      trim = grown_ && now >= next_trim;
      grown_ = grown_ && !trim;
    }
    if (ended.stop_requested()) {
      break;
    }
    if (collect) {
      WriteBack();
      CollectGarbage(ended);
      next_collection = Steady::now() + kBetweenCollections;
    }
    if (trim) {
      // What builds freed lies in as many arenas as there were threads.
      ::malloc_trim(0);
      next_trim = Steady::now() + kBetweenTrims;
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

void Collector::CollectGarbage(const std::stop_token& ended) {
  if (options_.rules.empty()) {
    return;
  }
  std::int64_t bytes = 0;
  const Result<> pruned = options_.engine->PruneCache(
      options_.rules, [&bytes](const engine::CacheUnit& unit) { bytes += unit.size; }, ended);
  if (!pruned && !ended.stop_requested()) {
    options_.log->Error("gc error", {{"error", pruned.error().message()}});
  } else if (bytes > 0) {
    options_.log->Debug(fmt::format("gc cleaned up {}", HumanBytes(static_cast<std::uint64_t>(bytes))));
  }
}

}  // namespace loam::daemon
