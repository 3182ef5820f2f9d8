// ProgressModel: what is known of a running build, folded from the solver's events. No I/O and no clock of its own; the
// renderers (tty.h, plain.h) read it.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "runtime-executor/solver/progress.h"

namespace loam::cli {

enum class StepState : std::uint8_t { kWaiting, kRunning, kDone, kCached, kFailed, kCanceled };

struct StepStatus {
  std::string id;
  std::int64_t current = 0;
  std::int64_t total = 0;  // 0: not known
  std::optional<WallTime> started;
  std::optional<WallTime> completed;
};

struct LogLine {
  std::string text;      // without its line end; escape sequences removed
  double seconds = 0.0;  // since the step started
};

// One line of the display: a vertex, or all vertices of one progress group.
struct Step {
  int number = 0;  // "#5" of the plain display; in the order of appearance on the display, from 1; 0: not shown yet
  Digest digest;   // of the vertex; of the first one for a group
  std::string name;
  bool is_group = false;
  StepState state = StepState::kWaiting;
  std::optional<WallTime> first_started;
  std::optional<WallTime> last_started;  // set while running
  WallTime::duration finished_time{};    // of completed runs; a vertex may run twice (cache key, then work)
  std::string error;
  std::vector<StepStatus> statuses;  // in the order of appearance
  std::deque<LogLine> log;           // the newest kMaxLogLines
  std::size_t log_dropped = 0;       // lines that were dropped from the front
  std::string partial;               // text after the last line end

  [[nodiscard]] WallTime::duration Elapsed(WallTime now) const;
};

class ProgressModel {
 public:
  static constexpr std::size_t kMaxLogLines = 20'000;  // a step

  // What one event changed, for renderers that print as things happen.
  struct Change {
    Step* step = nullptr;  // null: nothing that is shown
    bool state_changed = false;
    std::size_t new_lines = 0;  // the last this many of step->log
    StepStatus* status = nullptr;
  };
  Change Apply(const solver::ProgressEvent& event);
  // The unfinished last lines of all steps become lines (at the end of the build).
  void FlushPartialLines(WallTime now);

  // In the order of announcement. Addresses are stable.
  [[nodiscard]] const std::deque<Step>& steps() const { return steps_; }
  [[nodiscard]] Step* Find(const Digest& vertex);
  [[nodiscard]] const std::vector<solver::WarningEvent>& warnings() const { return warnings_; }

  // Vertices (not groups) that ended, and all that were announced.
  [[nodiscard]] std::size_t completed() const { return completed_; }
  [[nodiscard]] std::size_t total() const { return vertices_.size(); }
  [[nodiscard]] std::size_t cached() const { return cached_; }

 private:
  struct VertexState {
    Step* step = nullptr;
    bool running = false;
    bool ended = false;
    bool cached = false;
  };
  Change ApplyVertex(const solver::VertexEvent& event);
  Change ApplyStatus(const solver::StatusEvent& event);
  Change ApplyLog(const solver::LogEvent& event);
  void AppendLine(Step& step, std::string_view text, WallTime time);
  Step& StepOf(const solver::VertexEvent& event);

  std::deque<Step> steps_;
  std::unordered_map<Digest, VertexState> vertices_;
  std::map<std::string, Step*> groups_;
  std::map<const Step*, int> running_in_step_;
  std::vector<solver::WarningEvent> warnings_;
  std::size_t completed_ = 0;
  std::size_t cached_ = 0;
  int next_number_ = 1;
};

// Text as a terminal may show it: escape sequences and control characters removed, tabs as spaces, and what a carriage
// return overwrites dropped.
std::string CleanLogLine(std::string_view raw);

// "1.2s", "61.0s": as BuildKit prints durations.
std::string FormatSeconds(WallTime::duration duration);

}  // namespace loam::cli
