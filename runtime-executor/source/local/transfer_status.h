// The transfer of a client's directory as a status of the vertex that asked for it: "transferring context: 1.2MB".
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/clock.h"
#include "runtime-executor/solver/progress.h"

namespace loam::source {

// For one call of session::LocalDirs::Open, on its thread. `writer` outlives it; null: nothing is told.
class TransferStatus {
 public:
  TransferStatus(std::string_view directory, solver::ProgressWriter* writer) : writer_(writer) {
    status_.id = fmt::format("transferring {}:", directory);
    status_.action = "transferring";
    status_.started = SystemClock().Now();
  }

  // For LocalDirRequest::progress; this object outlives what it gives.
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
  // Tells the whole, if anything was transferred.
  void Done() {
    if (status_.current > 0) {
      status_.completed = SystemClock().Now();
      writer_->Status(status_);
    }
  }

 private:
  static constexpr std::chrono::milliseconds kInterval{100};

  solver::ProgressWriter* const writer_;
  solver::StatusEvent status_;
  WallTime reported_;
};

}  // namespace loam::source
