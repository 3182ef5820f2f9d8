// A transfer as a status of the vertex that it belongs to: "transferring context: 1.2MB".
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "runtime-executor/solver/progress.h"

namespace loam::solver {

// `writer` outlives it; null: nothing is told. Not thread-safe.
class TransferStatus {
 public:
  TransferStatus(std::string id, std::string action, ProgressWriter* writer) : writer_(writer) {
    status_.id = std::move(id);
    status_.action = std::move(action);
    status_.started = SystemClock().Now();
  }

  // To be called with the bytes so far; this object outlives what it gives. Null without a writer.
  [[nodiscard]] std::function<void(std::uint64_t)> Callback() {
    if (writer_ == nullptr) {
      return nullptr;
    }
    return [this](std::uint64_t bytes) {
      status_.current = static_cast<std::int64_t>(bytes);
      if (const WallTime now = SystemClock().Now(); now - reported_ >= kInterval) {
        reported_ = now;
        writer_->Status(status_);
      }
    };
  }
  // Tells the whole.
  void Complete() {
    status_.completed = SystemClock().Now();
    writer_->Status(status_);
  }
  // The same, if anything was transferred.
  void CompleteIfAny() {
    if (status_.current > 0) {
      Complete();
    }
  }

 private:
  static constexpr std::chrono::milliseconds kInterval{100};

  ProgressWriter* const writer_;
  StatusEvent status_;
  WallTime reported_;
};

}  // namespace loam::solver
