#include "cli/progress/tty.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <condition_variable>
#include <cwchar>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "cli/progress/plain.h"

namespace loam::cli {

namespace {

constexpr std::size_t kLogLinesPerStep = 6;
constexpr std::size_t kStatusesPerStep = 6;

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kBlue = "\x1b[34m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kFaint = "\x1b[2m";

// Decodes one code point; invalid bytes count as one column each.
std::pair<char32_t, std::size_t> DecodeUtf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
  if (length == 0 || length > text.size()) {
    return {U'\uFFFD', 1};
  }
  char32_t code = length == 1 ? lead : lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) >> 6 != 2) {
      return {U'\uFFFD', 1};
    }
    code = code << 6 | (byte(i) & 0x3FU);
  }
  return {code, length};
}

int ColumnsOf(char32_t code) {
  if (code < 0x300) {
    return 1;
  }
  // Needs LC_CTYPE to be a UTF-8 locale (main sets it); elsewhere it answers -1 and one column is assumed.
  const int width = ::wcwidth(static_cast<wchar_t>(code));
  return width < 0 ? 1 : width;
}

struct Line {
  std::string left;
  std::string right;       // at the margin
  std::string_view color;  // of the whole line
};

std::string Layout(const Line& line, int width, bool colors) {
  const int right_width = static_cast<int>(line.right.size());
  const int room = std::max(0, width - right_width - (right_width > 0 ? 1 : 0));
  const auto [left, left_width] = FitColumns(line.left, room);
  std::string text;
  if (colors && !line.color.empty()) {
    text += line.color;
  }
  text += left;
  if (right_width > 0 && width > right_width) {
    text.append(static_cast<std::size_t>(width - left_width - right_width), ' ');
    text += line.right;
  }
  if (colors && !line.color.empty()) {
    text += kReset;
  }
  return text;
}

Line StepLine(const Step& step, WallTime now) {
  Line line{.left = " => ", .right = FormatSeconds(step.Elapsed(now)), .color = {}};
  switch (step.state) {
    case StepState::kWaiting:
    case StepState::kRunning:
      break;
    case StepState::kDone:
      line.color = kBlue;
      break;
    case StepState::kCached:
      line.left += "CACHED ";
      line.color = kBlue;
      break;
    case StepState::kFailed:
      line.left += "ERROR ";
      line.color = kRed;
      break;
    case StepState::kCanceled:
      line.left += "CANCELED ";
      line.color = kYellow;
      break;
  }
  line.left += step.name;
  return line;
}

struct Block {
  const Step* step;
  std::vector<Line> lines;  // the first is the step's own
};

Block MakeBlock(const Step& step, bool last, WallTime now) {
  Block block{.step = &step, .lines = {StepLine(step, now)}};
  const bool running = step.state == StepState::kRunning;
  const std::size_t first_status =
      step.statuses.size() > kStatusesPerStep && !last ? step.statuses.size() - kStatusesPerStep : 0;
  for (std::size_t i = first_status; i < step.statuses.size(); ++i) {
    const StepStatus& status = step.statuses[i];
    block.lines.push_back({.left = " => => " + StatusText(status),
                           .right = StatusTime(status, now),
                           .color = status.completed ? kBlue : std::string_view()});
  }
  if (running && !last) {
    const std::size_t shown = std::min(step.log.size(), kLogLinesPerStep);
    for (std::size_t i = step.log.size() - shown; i < step.log.size(); ++i) {
      block.lines.push_back({.left = " => => # " + step.log[i].text, .right = {}, .color = kFaint});
    }
    if (!step.partial.empty()) {
      block.lines.push_back({.left = " => => # " + CleanLogLine(step.partial), .right = {}, .color = kFaint});
    }
  }
  return block;
}

// Takes lines away until the frame fits: finished steps first, the oldest first; then details of the running ones.
void Shorten(std::vector<Block>& blocks, std::size_t room) {
  const auto total = [&] {
    std::size_t lines = 0;
    for (const Block& block : blocks) {
      lines += block.lines.size();
    }
    return lines;
  };
  std::size_t lines = total();
  for (std::size_t i = 0; i < blocks.size() && lines > room;) {
    const StepState state = blocks[i].step->state;
    if (state == StepState::kDone || state == StepState::kCached) {
      lines -= blocks[i].lines.size();
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  for (Block& block : blocks) {
    while (lines > room && block.lines.size() > 1) {
      block.lines.erase(block.lines.begin() + 1);
      --lines;
    }
  }
  while (lines > room && !blocks.empty()) {
    lines -= blocks.front().lines.size();
    blocks.erase(blocks.begin());
  }
}

class TtyDisplay final : public ProgressDisplay {
 public:
  explicit TtyDisplay(const DisplayOptions& options) : options_(options), started_(options.clock->Now()) {
    drawer_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
  }

  ~TtyDisplay() override { Stop(); }

  void OnEvent(const solver::ProgressEvent& event) override {
    const std::lock_guard lock(mutex_);
    model_.Apply(event);
    dirty_ = true;
  }

  void Finish(bool ok, const Digest& failed) override {
    Stop();
    const std::lock_guard lock(mutex_);
    if (finished_) {
      return;
    }
    finished_ = true;
    model_.FlushPartialLines(options_.clock->Now());
    Draw(true, ok);
    Write("\x1b[?25h");
    if (!ok) {
      if (const Step* const step = model_.Find(failed); step != nullptr && !step->log.empty()) {
        PrintFailedLog(options_.out, *step);
        std::fflush(options_.out);
      }
    }
  }

  void Suspend() override {
    const std::lock_guard lock(mutex_);
    suspended_ = true;
    Write("\x1b[?25h");
  }
  void Resume() override {
    const std::lock_guard lock(mutex_);
    suspended_ = false;
    drawn_lines_ = 0;  // the old frame stays where it is
    Write("\x1b[?25l");
  }

  [[nodiscard]] const ProgressModel& model() const override { return model_; }

 private:
  void Stop() {
    if (drawer_.joinable()) {
      drawer_.request_stop();
      wake_.notify_all();
      drawer_.join();
    }
  }

  void Loop(const std::stop_token& stop) {
    constexpr auto kInterval = std::chrono::milliseconds(100);
    std::unique_lock lock(mutex_);
    Write("\x1b[?25l");
    while (!stop.stop_requested()) {
      if (model_.total() > 0 && !suspended_) {
        Draw(false, true);
      }
      wake_.wait_for(lock, stop, kInterval, [] { return false; });
    }
  }

  void Write(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), options_.out);
    std::fflush(options_.out);
  }

  void Draw(bool last, bool ok) {
    ::winsize size{};
    const bool known = ::ioctl(::fileno(options_.out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    const FrameOptions frame{.width = known ? size.ws_col : 80,
                             .height = known ? size.ws_row : 24,
                             .colors = options_.colors,
                             .last = last,
                             .ok = ok,
                             .title = options_.title,
                             .started = started_};
    const std::vector<std::string> lines = DrawFrame(model_, frame, options_.clock->Now());
    // One write a frame, so that nothing flickers: up to the old frame's first line, each line cleared as it is
    // written.
    std::string text;
    if (drawn_lines_ > 0) {
      text += fmt::format("\x1b[{}A\r", drawn_lines_);
    }
    for (const std::string& line : lines) {
      text += line;
      text += "\x1b[K\n";
    }
    text += "\x1b[J";
    drawn_lines_ = lines.size();
    Write(text);
    dirty_ = false;
  }

  const DisplayOptions options_;
  const WallTime started_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable_any wake_;
  ProgressModel model_;
  std::size_t drawn_lines_ = 0;
  bool dirty_ = false;
  bool finished_ = false;
  bool suspended_ = false;
  std::jthread drawer_;
};

}  // namespace

std::pair<std::string_view, int> FitColumns(std::string_view text, int columns) {
  std::size_t bytes = 0;
  int used = 0;
  while (bytes < text.size()) {
    const auto [code, length] = DecodeUtf8(text.substr(bytes));
    const int width = ColumnsOf(code);
    if (used + width > columns) {
      break;
    }
    used += width;
    bytes += length;
  }
  return {text.substr(0, bytes), used};
}

std::vector<std::string> DrawFrame(const ProgressModel& model, const FrameOptions& options, WallTime now) {
  std::vector<std::string> lines;
  std::string heading = fmt::format("[+] {} {} ({}/{})", options.title, FormatSeconds(now - options.started),
                                    model.completed(), model.total());
  if (options.last) {
    heading += options.ok ? " FINISHED" : " FAILED";
  }
  lines.push_back(Layout({.left = heading, .right = {}, .color = {}}, options.width, options.colors));

  // Steps in the order in which they began, so that lines do not jump.
  std::vector<const Step*> shown;
  for (const Step& step : model.steps()) {
    if (step.state != StepState::kWaiting) {
      shown.push_back(&step);
    }
  }
  std::sort(shown.begin(), shown.end(), [](const Step* a, const Step* b) { return a->number < b->number; });
  std::vector<Block> blocks;
  for (const Step* const step : shown) {
    blocks.push_back(MakeBlock(*step, options.last, now));
  }
  if (!options.last) {
    Shorten(blocks, static_cast<std::size_t>(std::max(2, options.height - 1)) - 1);
  }
  for (const Block& block : blocks) {
    for (const Line& line : block.lines) {
      lines.push_back(Layout(line, options.width, options.colors));
    }
  }
  return lines;
}

std::unique_ptr<ProgressDisplay> MakeTtyDisplay(const DisplayOptions& options) {
  return std::make_unique<TtyDisplay>(options);
}

}  // namespace loam::cli
