// The progress of a build as Control.Status streams it: kept from the beginning, so that whoever asks late sees all.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runtime-executor/solver/progress.h"

namespace moby::buildkit::v1 {
class StatusResponse;
}

namespace loam::daemon {

using StatusResponse = moby::buildkit::v1::StatusResponse;

// Thread-safe.
class BuildStatus final : public solver::ProgressSink {
 public:
  void OnEvent(const solver::ProgressEvent& event) override;
  // Nothing follows.
  void Close();

  // Everything from event `position` on, waiting for it; `position` moves on. False when the build is over and all was
  // given, or on stop.
  bool Next(std::size_t& position, StatusResponse& response, std::stop_token stop);
  // The same without waiting: false if there is nothing more now.
  bool NextIfThere(std::size_t& position, StatusResponse& response);

  struct Counts {
    int cached = 0;
    int completed = 0;  // also those that failed
    int total = 0;
    int warnings = 0;
  };
  [[nodiscard]] Counts Count() const;

 private:
  // With mutex_ held.
  bool Take(std::size_t& position, StatusResponse& response);
  // Clients show the error of a step only when none of its parts is under way any more.
  void CloseParts(const solver::VertexEvent& failed);

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<solver::ProgressEvent> events_;
  // Parts that have begun and not ended, by vertex and id.
  std::map<std::pair<Digest, std::string>, solver::StatusEvent> open_parts_;
  bool closed_ = false;
};

// Whether the build's progress can still be asked for when it is over: of the history, or of the hub alone.
enum class AfterEnd : std::uint8_t { kInHistory, kInHub };

// The builds that run, by their ref. Thread-safe.
class StatusHub {
 public:
  // How long the progress of a build that no history keeps waits for a client that asks after its end.
  static constexpr std::chrono::seconds kLinger{10};

  explicit StatusHub(const Clock& clock = SystemClock()) : clock_(clock) {}

  // kAlreadyExists if a build of that ref runs.
  Result<std::shared_ptr<BuildStatus>> Start(const std::string& ref);
  void End(const std::string& ref, AfterEnd after);
  // The build if it runs now; null otherwise.
  std::shared_ptr<BuildStatus> Find(const std::string& ref);
  // Clients ask for the status of a build before or after they start it. Null: it has ended meanwhile, and is in the
  // history.
  Result<std::shared_ptr<BuildStatus>> Wait(const std::string& ref, std::chrono::milliseconds patience,
                                            std::stop_token stop);

 private:
  struct Ended {
    std::string ref;
    std::shared_ptr<BuildStatus> status;  // null if the history has it, or after kLinger
    SteadyTime time;
  };
  // With mutex_ held.
  void ForgetOld();

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<BuildStatus>> builds_;
  // The builds that ended last: whoever is about to wait for one must not wait in vain.
  std::deque<Ended> ended_;
};

}  // namespace loam::daemon
