#include "cli/progress/earth_display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/progress/plain.h"
#include "cli/progress/tty.h"
#include "compiler/sema/earthfile/evaluate.h"

namespace loam::cli {
namespace {

using EarthStep = gateway::earthfile::Step;

constexpr int kPrefixWidth = 20;
constexpr std::size_t kMaxRunning = 8;
constexpr auto kWorthTelling = std::chrono::seconds(2);

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kFaint = "\x1b[2m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::array<std::string_view, 10> kTargetColors = {"\x1b[36m", "\x1b[33m", "\x1b[35m", "\x1b[34m", "\x1b[32m",
                                                            "\x1b[96m", "\x1b[93m", "\x1b[95m", "\x1b[94m", "\x1b[92m"};

// Steps whose start is worth a line at once; the others are told when they are done.
bool RunsCommand(const EarthStep& step) {
  for (const std::string_view word : {"RUN", "IF", "FOR", "WITH DOCKER", "GIT CLONE", "TRY"}) {
    if (std::string_view(step.command).starts_with(word)) {
      return true;
    }
  }
  return step.local;
}

class Display final : public EarthDisplay {
 public:
  explicit Display(const EarthDisplayOptions& options) : options_(options) {
    if (options_.live) {
      drawer_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
    }
  }
  ~Display() override { StopDrawing(); }

  void OnEvent(const solver::ProgressEvent& event) override {
    const std::lock_guard lock(mutex_);
    const ProgressModel::Change change = model_.Apply(event);
    if (change.step == nullptr) {
      return;
    }
    if (const auto* vertex = std::get_if<solver::VertexEvent>(&event)) {
      inputs_.try_emplace(vertex->digest, vertex->inputs);
    }
    const bool running = change.state_changed && change.step->state == StepState::kRunning;
    if (options_.keys_announced ? change.new_lines > 0 : running) {
      TellInputs(change.step->digest);
    }
    Line* const line = LineOf(*change.step);
    if (line == nullptr) {
      return;
    }
    if (change.state_changed) {
      StateChanged(*line);
    }
    if (change.status != nullptr) {
      StatusChanged(*line, *change.status);
    }
    if (change.new_lines > 0) {
      Header(*line, "");
      const auto& log = change.step->log;
      for (std::size_t i = log.size() - std::min(log.size(), change.new_lines); i < log.size(); ++i) {
        LogText(*line, log[i].text);
      }
    }
    Flush();
  }

  void Print(std::string_view target, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    std::string lines;
    for (const std::string_view part : LinesOf(text)) {
      lines += (target.empty() ? std::string() : Prefix(target, "", "")) + std::string(part) + "\n";
    }
    Write(nullptr, lines);
    Flush();
  }

  void Finish(bool ok, const Digest& failed) override {
    StopDrawing();
    const std::lock_guard lock(mutex_);
    if (finished_) {
      return;
    }
    finished_ = true;
    model_.FlushPartialLines(options_.clock->Now());
    for (const Step& step : model_.steps()) {
      Tell(step);
    }
    ReleaseAll();
    if (!ok) {
      if (const Step* const step = model_.Find(failed); step != nullptr) {
        Repeat(*step);
      }
    }
    Flush();
  }

  void Suspend() override {
    const std::lock_guard lock(mutex_);
    EraseFooter();
    Flush();
    suspended_ = true;
  }
  void Resume() override {
    const std::lock_guard lock(mutex_);
    suspended_ = false;
    Flush();
  }

  [[nodiscard]] const ProgressModel& model() const override { return model_; }

 private:
  struct Line {
    const Step* step = nullptr;
    EarthStep label;
    bool header = false;  // the header was printed
    bool closed = false;  // its end was printed
    // It ended and is not told yet: it may have run, or have computed its key only and still come from the cache.
    bool undecided = false;
    int ends = 0;
    std::string waiting;  // of a step whose turn has not come (groups)
  };

  // --- what is printed -----------------------------------------------------------------------------------------------

  // Null for steps that are not shown.
  Line* LineOf(const Step& step) {
    if (const auto found = lines_.find(&step); found != lines_.end()) {
      return IsShown(found->second) ? &found->second : nullptr;
    }
    Line line{.step = &step};
    if (auto label = options_.steps->Find(step.digest, step.name)) {
      line.label = std::move(*label);
    }
    if (line.label.target.empty() || line.label.command.empty()) {
      line.label.command = step.name;
      line.label.internal = true;
    }
    if (line.label.target.empty()) {
      line.label.target = "internal";
    }
    Line& kept = lines_.emplace(&step, std::move(line)).first->second;
    return IsShown(kept) ? &kept : nullptr;
  }
  // What the user did not write is shown where it fails: else nobody would know why.
  [[nodiscard]] bool IsShown(const Line& line) const {
    return !line.label.internal || options_.verbose || line.step->state == StepState::kFailed;
  }

  void StateChanged(Line& line) {
    const Step& step = *line.step;
    switch (step.state) {
      case StepState::kWaiting:
        return;
      case StepState::kRunning:
        if (RunsCommand(line.label)) {
          Header(line, "");
        }
        return;
      case StepState::kCached:
        line.undecided = false;
        if (!line.header) {
          Header(line, "*cached* ");
        }
        End(line);
        return;
      case StepState::kDone:
        Partial(line);
        ++line.ends;
        line.undecided = !line.header && !RunsCommand(line.label) && MayHaveOnlyKey(line);
        if (!line.undecided) {
          if (!options_.keys_announced) {
            TellInputs(step.digest);
          }
          Header(line, "");
          End(line);
        }
        return;
      case StepState::kFailed:
        Partial(line);
        Header(line, "");
        Write(&line, Prefixed(line.label, Described(line.label, step.error), "", kRed));
        End(line);
        return;
      case StepState::kCanceled:
        if (line.header) {
          Write(&line, Prefixed(line.label, "canceled", "", kFaint));
        }
        End(line);
        return;
    }
  }

  [[nodiscard]] bool MayHaveOnlyKey(const Line& line) const {
    if (options_.keys_announced) {
      return line.step->finished_time <= std::chrono::milliseconds(1);
    }
    const auto inputs = inputs_.find(line.step->digest);
    return line.ends == 1 && inputs != inputs_.end() && inputs->second.empty();
  }

  // A step that runs has the results of all that it is made from: what of that was not cached has run.
  void TellInputs(const Digest& vertex) {
    std::vector<std::pair<Digest, bool>> open = {{vertex, false}};
    while (!open.empty()) {
      const auto [digest, inputs_told] = open.back();
      open.pop_back();
      if (inputs_told) {
        if (const Step* const step = model_.Find(digest); step != nullptr && digest != vertex) {
          Tell(*step);
        }
        continue;
      }
      const auto inputs = inputs_.find(digest);
      if (inputs == inputs_.end() || !told_inputs_.insert(digest).second) {
        continue;
      }
      open.emplace_back(digest, true);
      for (auto input = inputs->second.rbegin(); input != inputs->second.rend(); ++input) {
        open.emplace_back(*input, false);
      }
    }
  }

  void Tell(const Step& step) {
    if (Line* const line = LineOf(step); line != nullptr && line->undecided) {
      line->undecided = false;
      Header(*line, "");
      End(*line);
    }
  }

  void StatusChanged(Line& line, const StepStatus& status) {
    const WallTime now = options_.clock->Now();
    if (options_.live || !status.completed || !status.started || *status.completed - *status.started < kWorthTelling) {
      return;
    }
    Header(line, "");
    Write(&line, Prefixed(line.label, DescribeStatus(status, now), "", kFaint));
  }

  void Header(Line& line, std::string_view mark) {
    if (line.header) {
      return;
    }
    line.header = true;
    const EarthStep& label = line.label;
    std::string details = label.platform;
    if (!label.args.empty()) {
      details += (details.empty() ? "" : " | ") + label.args;
    }
    if (!details.empty() && told_.insert(label.target + "\n" + details).second) {
      Write(&line, Prefixed(label, details, "", kFaint));
    }
    const std::string text = fmt::format("--> {}", label.command);
    Write(&line, Prefixed(label, text, mark, mark.empty() ? std::string_view() : kGreen));
  }

  void LogText(const Line& line, std::string_view text) {
    if (line.label.raw) {
      Write(&line, std::string(text) + "\n");
    } else {
      Write(&line, Prefix(line.label.target, "", "") + std::string(text) + "\n");
    }
  }

  void Partial(Line& line) {
    if (!line.step->partial.empty()) {
      Header(line, "");
      LogText(line, CleanLogLine(line.step->partial));
    }
  }

  void Repeat(const Step& step) {
    Line* const line = LineOf(step);
    if (line == nullptr) {
      return;
    }
    const EarthStep& label = line->label;
    const std::string prefix = Prefix(label.target, " *failed*", "");
    std::string text = "\n" + prefix + "Repeating the failure error...\n" + prefix + "--> " + label.command + "\n";
    if (step.log_dropped > 0) {
      text += fmt::format("{}[{} earlier lines were dropped]\n", prefix, step.log_dropped);
    }
    for (const LogLine& entry : step.log) {
      text += prefix + entry.text + "\n";
    }
    if (step.log.empty()) {
      text += prefix + "[no output]\n";
    }
    const std::string description = Described(label, step.error);
    for (const std::string_view part : LinesOf(description)) {
      text += prefix + Colored(part, kRed) + "\n";
    }
    const std::string chain = label.chain.empty() ? "in " + label.target : label.chain;
    for (const std::string_view part : LinesOf(chain)) {
      text += prefix + std::string(part) + "\n";
    }
    Emit(text);
    if (options_.github) {
      Emit(GithubError(label, step.error));
    }
  }

  [[nodiscard]] std::string Described(EarthStep label, std::string_view error) const {
    const std::size_t colon = label.place.rfind(':');
    int column = 0;
    const char* const end = label.place.data() + label.place.size();
    if (options_.columns_from_zero && colon != std::string::npos &&
        std::from_chars(label.place.data() + colon + 1, end, column).ptr == end && column > 0) {
      label.place = fmt::format("{}:{}", label.place.substr(0, colon), column - 1);
    }
    return DescribeStepError(label, error);
  }

  static std::string GithubError(const EarthStep& label, std::string_view error) {
    std::string where;
    const std::vector<std::string_view> parts = Split(label.place, ':');
    if (parts.size() >= 3) {
      where = fmt::format(" file={},line={},col={}", parts[0], parts[parts.size() - 2], parts.back());
    }
    std::string message = fmt::format("{} {}: {}", label.target, label.command, error);
    std::string escaped;
    for (const char c : message) {
      escaped += c == '%' ? "%25" : c == '\n' ? "%0A" : c == '\r' ? "%0D" : std::string(1, c);
    }
    return fmt::format("::error{}::{}\n", where, escaped);
  }

  // --- lines
  // -----------------------------------------------------------------------------------------------------------

  static std::vector<std::string_view> LinesOf(std::string_view text) {
    while (text.ends_with('\n')) {
      text.remove_suffix(1);
    }
    return text.empty() ? std::vector<std::string_view>() : Split(text, '\n');
  }

  [[nodiscard]] std::string Colored(std::string_view text, std::string_view color) const {
    return options_.colors && !color.empty() ? fmt::format("{}{}{}", color, text, kReset) : std::string(text);
  }

  std::string Prefix(std::string_view target, std::string_view mark, std::string_view after) {
    std::string name = fmt::format("{}{}", target, mark);
    const std::string padding(name.size() < kPrefixWidth ? kPrefixWidth - name.size() : 0, ' ');
    if (!options_.colors) {
      return fmt::format("{}{} | {}", padding, name, after);
    }
    const auto found = colors_.try_emplace(std::string(target), colors_.size() % kTargetColors.size()).first;
    const std::string_view color = mark.empty() ? kTargetColors[found->second] : kRed;
    return fmt::format("{}{}{}{} {}|{} {}", padding, color, name, kReset, kFaint, kReset, after);
  }

  std::string Prefixed(const EarthStep& label, std::string_view text, std::string_view mark, std::string_view color) {
    std::string result;
    for (const std::string_view part : LinesOf(text)) {
      const std::string marked = result.empty() && !mark.empty() ? std::string(mark) : std::string();
      if (color == kGreen) {
        result += Prefix(label.target, "", "") + Colored(marked, kGreen) + std::string(part) + "\n";
      } else {
        result += Prefix(label.target, "", "") + marked + Colored(part, color) + "\n";
      }
    }
    return result;
  }

  // --- groups: the step that has the log is told as it runs, the others when it ends
  // ----------------------------------

  void Write(const Line* line, const std::string& text) {
    if (!options_.github || line == nullptr) {
      Emit(text);
      return;
    }
    Line& mutable_line = lines_[line->step];
    if (owner_ == nullptr) {
      owner_ = &mutable_line;
      OpenGroup(mutable_line);
    }
    if (owner_ == &mutable_line) {
      Emit(text);
    } else {
      if (mutable_line.waiting.empty()) {
        queue_.push_back(&mutable_line);
      }
      mutable_line.waiting += text;
    }
  }

  void OpenGroup(const Line& line) {
    Emit(fmt::format("::group::{} | {}\n", line.label.target, SplitOnce(line.label.command + "\n", '\n')->first));
  }

  void End(Line& line) {
    line.closed = true;
    if (!options_.github || owner_ != &line) {
      return;
    }
    Emit("::endgroup::\n");
    owner_ = nullptr;
    while (!queue_.empty()) {
      Line* const next = queue_.front();
      queue_.pop_front();
      OpenGroup(*next);
      Emit(next->waiting);
      next->waiting.clear();
      if (!next->closed) {
        owner_ = next;
        return;
      }
      Emit("::endgroup::\n");
    }
  }

  void ReleaseAll() {
    if (owner_ != nullptr) {
      Line* const owner = owner_;
      End(*owner);
    }
    while (owner_ != nullptr) {
      End(*owner_);
    }
  }

  // --- the terminal
  // ------------------------------------------------------------------------------------------------------

  void Emit(const std::string& text) {
    if (text.empty()) {
      return;
    }
    EraseFooter();
    buffer_ += text;
    if (options_.on_text) {
      options_.on_text(text);
    }
  }

  void Flush() {
    if (buffer_.empty() || suspended_) {
      return;
    }
    std::fwrite(buffer_.data(), 1, buffer_.size(), options_.out);
    std::fflush(options_.out);
    buffer_.clear();
  }

  void EraseFooter() {
    if (footer_ > 0) {
      buffer_ += fmt::format("\x1b[{}A\x1b[J", footer_);
      footer_ = 0;
    }
  }

  void DrawFooter() {
    EraseFooter();
    ::winsize size{};
    const bool known = ::ioctl(::fileno(options_.out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    const int width = known ? size.ws_col : 80;
    const WallTime now = options_.clock->Now();
    std::vector<std::string> running;
    std::size_t more = 0;
    for (const Step& step : model_.steps()) {
      if (step.state != StepState::kRunning) {
        continue;
      }
      const Line* const line = LineOf(step);
      if (line == nullptr && step.Elapsed(now) < kWorthTelling) {
        continue;
      }
      if (running.size() >= kMaxRunning) {
        ++more;
        continue;
      }
      std::string text = line == nullptr ? step.name : line->label.target + " | " + line->label.command;
      for (char& c : text) {
        c = c == '\n' ? ' ' : c;
      }
      const std::string time = FormatSeconds(step.Elapsed(now));
      if (!step.statuses.empty() && !step.statuses.back().completed) {
        text += "  " + DescribeStatus(step.statuses.back(), now);
      }
      const int room = std::max(0, width - static_cast<int>(time.size()) - 4);
      const auto [fitting, columns] = FitColumns(text, room);
      running.push_back(fmt::format(" {} {}{} {}\n", Colored("*", kGreen), fitting,
                                    std::string(static_cast<std::size_t>(room - columns), ' '), Colored(time, kFaint)));
    }
    if (running.empty()) {
      return;
    }
    std::string text = Colored(fmt::format(" {} of {} steps, {} cached{}", model_.completed(), model_.total(),
                                           model_.cached(), more > 0 ? fmt::format(", {} more running", more) : ""),
                               kFaint) +
                       "\n";
    for (const std::string& line : running) {
      text += line;
    }
    buffer_ += text;
    footer_ = running.size() + 1;
  }

  void Loop(const std::stop_token& stop) {
    constexpr auto kInterval = std::chrono::milliseconds(120);
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (!suspended_) {
        DrawFooter();
        Flush();
      }
      wake_.wait_for(lock, stop, kInterval, [] { return false; });
    }
    EraseFooter();
    Flush();
  }

  void StopDrawing() {
    if (drawer_.joinable()) {
      drawer_.request_stop();
      wake_.notify_all();
      drawer_.join();
    }
  }

  const EarthDisplayOptions options_;
  std::mutex mutex_;  // guards everything below
  ProgressModel model_;
  std::map<const Step*, Line> lines_;
  std::map<std::string, std::size_t> colors_;
  std::set<std::string> told_;
  std::unordered_map<Digest, std::vector<Digest>> inputs_;
  std::unordered_set<Digest> told_inputs_;
  Line* owner_ = nullptr;
  std::deque<Line*> queue_;
  std::string buffer_;
  std::size_t footer_ = 0;  // lines on the screen below the log
  bool finished_ = false;
  bool suspended_ = false;
  std::condition_variable_any wake_;
  std::jthread drawer_;
};

}  // namespace

std::unique_ptr<EarthDisplay> MakeEarthDisplay(const EarthDisplayOptions& options) {
  return std::make_unique<Display>(options);
}

std::optional<int> ExitCodeOf(std::string_view step_error) {
  constexpr std::string_view kMark = "did not complete successfully: exit code: ";
  const std::size_t at = step_error.rfind(kMark);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view digits = step_error.substr(at + kMark.size());
  int code = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), code);
  return failed == std::errc() && end != digits.data() ? std::optional(code) : std::nullopt;
}

std::string DescribeStepError(const gateway::earthfile::Step& step, std::string_view step_error) {
  // How secrets are asked for is nobody's business.
  std::string error(step_error);
  const std::string mark = std::string(sema::earthfile::kEnvSecretSuffix) + ":";
  if (const std::size_t at = error.find(mark); at != std::string::npos) {
    error.replace(at, mark.size(), ":");
  }
  std::string command;
  for (const std::string_view part : Split(step.command, '\n')) {
    command += fmt::format("          {}\n", part);
  }
  const std::string head = fmt::format("ERROR{}{}\n", step.place.empty() ? "" : " ", step.place);
  if (const std::optional<int> code = ExitCodeOf(error)) {
    const bool memory = error.ends_with("out of memory");
    return fmt::format("{}      The command\n{}      did not complete successfully. Exit code {}{}\n", head, command,
                       *code, memory ? ": the kernel killed it for want of memory" : "");
  }
  return fmt::format("{}      The command\n{}      failed: {}\n", head, command, error);
}

}  // namespace loam::cli
