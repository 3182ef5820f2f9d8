#include "cli/progress/plain.h"

#include <mutex>

#include <fmt/format.h>

#include "base/print.h"
#include "base/strings.h"

namespace loam::cli {

std::string StatusText(const StepStatus& status) {
  std::string text = status.id;
  if (status.total > 0) {
    text += fmt::format(" {} / {}", HumanBytes(static_cast<std::uint64_t>(status.current)),
                        HumanBytes(static_cast<std::uint64_t>(status.total)));
  } else if (status.current > 0) {
    text += fmt::format(" {}", HumanBytes(static_cast<std::uint64_t>(status.current)));
  }
  return text;
}

std::string StatusTime(const StepStatus& status, WallTime now) {
  return status.started ? FormatSeconds(status.completed.value_or(std::max(now, *status.started)) - *status.started)
                        : std::string();
}

std::string DescribeStatus(const StepStatus& status, WallTime now) {
  std::string text = StatusText(status);
  if (const std::string time = StatusTime(status, now); !time.empty()) {
    text += " " + time;
  }
  if (status.completed) {
    text += " done";
  }
  return text;
}

void PrintFailedLog(std::FILE* out, const Step& step) {
  PrintTo(out, "------\n > {}:\n", step.name);
  if (step.log_dropped > 0) {
    PrintTo(out, "[{} earlier lines were dropped]\n", step.log_dropped);
  }
  for (const LogLine& line : step.log) {
    PrintTo(out, "{:.3f} {}\n", line.seconds, line.text);
  }
  PrintTo(out, "------\n");
}

namespace {

constexpr auto kWorthTelling = std::chrono::seconds(1);

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
  // What was printed of a step.
  struct Printed {
    bool name = false;
    // Something was printed since the last line that told its end.
    bool open = false;
    std::map<std::string, bool> statuses;  // id -> its end was printed
  };

  // Puts an empty line between the lines of different steps, as the steps' lines interleave.
  void Heading(const Step& step) {
    Printed& printed = printed_[&step];
    printed.open = true;
    if (current_ == &step) {
      return;
    }
    if (current_ != nullptr) {
      PrintTo(options_.out, "\n");
    }
    current_ = &step;
    if (!printed.name || step.state == StepState::kRunning) {
      printed.name = true;
      PrintTo(options_.out, "#{} {}\n", step.number, step.name);
    }
  }

  // A vertex ends twice when its cache key and its work are separate runs; the second end is told only if there was
  // something to tell in between.
  void PrintState(const Step& step) {
    Printed& printed = printed_[&step];
    switch (step.state) {
      case StepState::kWaiting:
        return;
      case StepState::kRunning:
        if (!printed.name) {
          Heading(step);
        }
        return;
      case StepState::kCached:
        Heading(step);
        PrintTo(options_.out, "#{} CACHED\n", step.number);
        printed.open = false;
        return;
      case StepState::kDone:
        FlushPartial(step);
        if (!printed.open && printed.name && step.finished_time < kWorthTelling) {
          return;
        }
        Heading(step);
        PrintTo(options_.out, "#{} DONE {}\n", step.number, FormatSeconds(step.finished_time));
        printed.open = false;
        return;
      case StepState::kFailed:
        FlushPartial(step);
        Heading(step);
        PrintTo(options_.out, "#{} ERROR: {}\n", step.number, step.error);
        return;
      case StepState::kCanceled:
        Heading(step);
        PrintTo(options_.out, "#{} CANCELED\n", step.number);
        return;
    }
  }

  void FlushPartial(const Step& step) {
    if (!step.partial.empty()) {
      Heading(step);
      PrintTo(options_.out, "#{} {:.3f} {}\n", step.number, std::chrono::duration<double>(step.finished_time).count(),
              CleanLogLine(step.partial));
    }
  }

  // The end of each part, and the begin of those that take long: a CI log has no use for what is between.
  void PrintStatus(const Step& step, const StepStatus& status) {
    const WallTime now = options_.clock->Now();
    const bool ended = status.completed.has_value();
    const bool long_running = status.started && now - *status.started >= kWorthTelling;
    if (!ended && !long_running) {
      return;
    }
    const auto [found, is_new] = printed_[&step].statuses.try_emplace(status.id, false);
    if ((!is_new && !ended) || found->second) {
      return;
    }
    found->second = ended;
    Heading(step);
    PrintTo(options_.out, "#{} {}\n", step.number, DescribeStatus(status, now));
  }

  void PrintLines(const Step& step, std::size_t count) {
    if (count == 0) {
      return;
    }
    Heading(step);
    for (std::size_t i = step.log.size() - count; i < step.log.size(); ++i) {
      PrintTo(options_.out, "#{} {:.3f} {}\n", step.number, step.log[i].seconds, step.log[i].text);
    }
  }

  const DisplayOptions options_;
  const bool quiet_;
  std::mutex mutex_;  // guards everything below, and the order of the lines
  ProgressModel model_;
  const Step* current_ = nullptr;
  std::map<const Step*, Printed> printed_;
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
