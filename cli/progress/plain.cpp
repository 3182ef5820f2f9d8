#include "cli/progress/plain.h"

#include <mutex>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::cli {

std::string DescribeStatus(const StepStatus& status, WallTime now) {
  std::string text = status.id;
  if (status.total > 0) {
    text += fmt::format(" {} / {}", HumanBytes(static_cast<std::uint64_t>(status.current)),
                        HumanBytes(static_cast<std::uint64_t>(status.total)));
  } else if (status.current > 0) {
    text += fmt::format(" {}", HumanBytes(static_cast<std::uint64_t>(status.current)));
  }
  if (status.started) {
    text += " " + FormatSeconds(status.completed.value_or(std::max(now, *status.started)) - *status.started);
  }
  if (status.completed) {
    text += " done";
  }
  return text;
}

void PrintFailedLog(std::FILE* out, const Step& step) {
  fmt::print(out, "------\n > {}:\n", step.name);
  if (step.log_dropped > 0) {
    fmt::print(out, "[{} earlier lines were dropped]\n", step.log_dropped);
  }
  for (const LogLine& line : step.log) {
    fmt::print(out, "{:.3f} {}\n", line.seconds, line.text);
  }
  fmt::print(out, "------\n");
}

namespace {

class PlainDisplay final : public ProgressDisplay {
 public:
  explicit PlainDisplay(const DisplayOptions& options, bool quiet) : options_(options), quiet_(quiet) {}

  void OnEvent(const solver::ProgressEvent& event) override {
    const std::lock_guard lock(mutex_);
    const ProgressModel::Change change = model_.Apply(event);
    if (quiet_ || change.step == nullptr || change.step->number == 0) {
      return;
    }
    Step& step = *change.step;
    if (change.state_changed) {
      PrintState(step);
    }
    if (change.status != nullptr) {
      PrintStatus(step, *change.status);
    }
    PrintLines(step, change.new_lines);
    std::fflush(options_.out);
  }

  void Finish(bool ok, const Digest& failed) override {
    const std::lock_guard lock(mutex_);
    if (finished_) {
      return;
    }
    finished_ = true;
    model_.FlushPartialLines(options_.clock->Now());
    if (!ok) {
      if (const Step* const step = model_.Find(failed); step != nullptr && !step->log.empty()) {
        PrintFailedLog(options_.out, *step);
      }
    }
    std::fflush(options_.out);
  }

  [[nodiscard]] const ProgressModel& model() const override { return model_; }

 private:
  // Puts an empty line between the lines of different steps, as the steps' lines interleave.
  void Heading(const Step& step) {
    if (current_ == &step) {
      return;
    }
    if (current_ != nullptr) {
      fmt::print(options_.out, "\n");
    }
    current_ = &step;
    if (!announced_[&step] || step.state == StepState::kRunning) {
      announced_[&step] = true;
      fmt::print(options_.out, "#{} {}\n", step.number, step.name);
    }
  }

  void PrintState(const Step& step) {
    switch (step.state) {
      case StepState::kWaiting:
        return;
      case StepState::kRunning:
        Heading(step);
        return;
      case StepState::kCached:
        Heading(step);
        fmt::print(options_.out, "#{} CACHED\n", step.number);
        return;
      case StepState::kDone:
        FlushPartial(step);
        Heading(step);
        fmt::print(options_.out, "#{} DONE {}\n", step.number, FormatSeconds(step.finished_time));
        return;
      case StepState::kFailed:
        FlushPartial(step);
        Heading(step);
        fmt::print(options_.out, "#{} ERROR: {}\n", step.number, step.error);
        return;
      case StepState::kCanceled:
        Heading(step);
        fmt::print(options_.out, "#{} CANCELED\n", step.number);
        return;
    }
  }

  void FlushPartial(const Step& step) {
    if (!step.partial.empty()) {
      Heading(step);
      fmt::print(options_.out, "#{} {:.3f} {}\n", step.number,
                 std::chrono::duration<double>(step.finished_time).count(), CleanLogLine(step.partial));
    }
  }

  void PrintStatus(const Step& step, const StepStatus& status) {
    // Only the begin and the end: a CI log has no use for what is between.
    std::string& last = last_status_[&step][status.id];
    const std::string phase = status.completed ? "done" : "begun";
    if (last == phase) {
      return;
    }
    last = phase;
    Heading(step);
    fmt::print(options_.out, "#{} {}\n", step.number, DescribeStatus(status, options_.clock->Now()));
  }

  void PrintLines(const Step& step, std::size_t count) {
    if (count == 0) {
      return;
    }
    Heading(step);
    for (std::size_t i = step.log.size() - count; i < step.log.size(); ++i) {
      fmt::print(options_.out, "#{} {:.3f} {}\n", step.number, step.log[i].seconds, step.log[i].text);
    }
  }

  const DisplayOptions options_;
  const bool quiet_;
  std::mutex mutex_;  // guards everything below, and the order of the lines
  ProgressModel model_;
  const Step* current_ = nullptr;
  std::map<const Step*, bool> announced_;
  std::map<const Step*, std::map<std::string, std::string>> last_status_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<ProgressDisplay> MakePlainDisplay(const DisplayOptions& options) {
  return std::make_unique<PlainDisplay>(options, false);
}

std::unique_ptr<ProgressDisplay> MakeQuietDisplay(const DisplayOptions& options) {
  return std::make_unique<PlainDisplay>(options, true);
}

}  // namespace loam::cli
