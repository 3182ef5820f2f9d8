// ProgressDisplay: shows a build while it runs. One object a build: events come in from any thread, Finish ends it.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "base/clock.h"
#include "cli/progress/model.h"
#include "runtime-executor/solver/progress.h"

namespace loam::cli {

enum class ProgressMode : std::uint8_t { kAuto, kTty, kPlain, kRawJson, kQuiet };

// "auto", "tty", "plain", "rawjson", "quiet" (also "none").
Result<ProgressMode> ParseProgressMode(std::string_view text);

struct DisplayOptions {
  ProgressMode mode = ProgressMode::kAuto;  // kAuto: tty where `out` is a terminal, else plain
  std::FILE* out = stderr;
  bool colors = false;
  const Clock* clock = nullptr;  // not null
  std::string title = "Building";
};

class ProgressDisplay : public solver::ProgressSink {
 public:
  // Draws the last frame, prints the whole log of the failed step, and stops. `failed` names the vertex whose failure
  // ended the build; empty if none did. Call it once, after the last event.
  virtual void Finish(bool ok, const Digest& failed) = 0;
  // In between nothing is drawn: somebody else has the terminal. Events are taken in.
  virtual void Suspend() {}
  virtual void Resume() {}
  // Counters for the summary. Valid after Finish.
  [[nodiscard]] virtual const ProgressModel& model() const = 0;
};

std::unique_ptr<ProgressDisplay> MakeProgressDisplay(const DisplayOptions& options);

}  // namespace loam::cli
