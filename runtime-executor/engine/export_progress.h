// Parts of an export as statuses of its progress vertex.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "runtime-executor/exporter/exporter.h"
#include "runtime-executor/solver/progress.h"

namespace loam::engine {

// Thread-safe. `writer` and `clock` outlive it.
class StatusProgress final : public exporter::ExportProgress {
 public:
  StatusProgress(solver::ProgressWriter& writer, const Clock& clock) : writer_(writer), clock_(clock) {}

  void Started(const std::string& id) override { Send(id, 0, 0, false); }
  void Progressed(const std::string& id, std::uint64_t current, std::uint64_t total) override {
    Send(id, static_cast<std::int64_t>(current), static_cast<std::int64_t>(total), false);
  }
  void Finished(const std::string& id) override { Send(id, 0, 0, true); }

 private:
  void Send(const std::string& id, std::int64_t current, std::int64_t total, bool finished) {
    solver::StatusEvent event;
    const WallTime now = clock_.Now();
    {
      const std::lock_guard lock(mutex_);
      solver::StatusEvent& state = states_[id];
      if (!state.started) {
        state.id = id;
        state.started = now;
      }
      if (finished) {
        state.completed = now;
      } else {
        state.current = current;
        state.total = total;
      }
      event = state;
    }
    writer_.Status(std::move(event));
  }

  solver::ProgressWriter& writer_;
  const Clock& clock_;
  std::mutex mutex_;  // guards states_
  std::map<std::string, solver::StatusEvent> states_;
};

}  // namespace loam::engine
