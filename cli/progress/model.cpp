#include "cli/progress/model.h"

#include <fmt/format.h>

namespace loam::cli {

namespace {

double Seconds(WallTime::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

bool IsCanceled(std::string_view error) {
  return error.find("context canceled") != std::string_view::npos;
}

// Length of the escape sequence at the start of `text` (ECMA-48: CSI, OSC, two-byte forms); 0 if there is none.
std::size_t EscapeLength(std::string_view text) {
  if (text.size() < 2 || text[0] != '\x1b') {
    return text.empty() || text[0] != '\x1b' ? 0 : 1;
  }
  if (text[1] == '[') {
    std::size_t end = 2;
    while (end < text.size() && (text[end] < '@' || text[end] > '~')) {
      ++end;
    }
    return std::min(end + 1, text.size());
  }
  if (text[1] == ']') {
    std::size_t end = 2;
    while (end < text.size() && text[end] != '\a' && text[end] != '\x1b') {
      ++end;
    }
    if (end < text.size() && text[end] == '\x1b') {
      ++end;
    }
    return std::min(end + 1, text.size());
  }
  return 2;
}

}  // namespace

WallTime::duration Step::Elapsed(WallTime now) const {
  WallTime::duration elapsed = finished_time;
  if (last_started && now > *last_started) {
    elapsed += now - *last_started;
  }
  return elapsed;
}

std::string FormatSeconds(WallTime::duration duration) {
  return fmt::format("{:.1f}s", Seconds(duration));
}

std::string CleanLogLine(std::string_view raw) {
  while (!raw.empty() && raw.back() == '\r') {
    raw.remove_suffix(1);
  }
  if (const std::size_t last_return = raw.rfind('\r'); last_return != std::string_view::npos) {
    raw = raw.substr(last_return + 1);
  }
  std::string clean;
  clean.reserve(raw.size());
  while (!raw.empty()) {
    if (const std::size_t escape = EscapeLength(raw); escape != 0) {
      raw.remove_prefix(escape);
      continue;
    }
    const char c = raw[0];
    if (c == '\t') {
      clean.append(8 - clean.size() % 8, ' ');
    } else if (static_cast<unsigned char>(c) >= 0x20 && c != '\x7f') {
      clean += c;
    }
    raw.remove_prefix(1);
  }
  return clean;
}

Step* ProgressModel::Find(const Digest& vertex) {
  const auto found = vertices_.find(vertex);
  return found == vertices_.end() ? nullptr : found->second.step;
}

Step& ProgressModel::StepOf(const solver::VertexEvent& event) {
  VertexState& vertex = vertices_[event.digest];
  if (vertex.step != nullptr) {
    return *vertex.step;
  }
  const bool grouped = event.progress_group != nullptr && !event.progress_group->id.empty();
  if (grouped) {
    if (const auto found = groups_.find(event.progress_group->id); found != groups_.end()) {
      vertex.step = found->second;
      return *vertex.step;
    }
  }
  Step& step = steps_.emplace_back();
  step.digest = event.digest;
  step.name = grouped ? event.progress_group->name : event.name;
  step.is_group = grouped;
  vertex.step = &step;
  if (grouped) {
    groups_[event.progress_group->id] = &step;
  }
  return step;
}

ProgressModel::Change ProgressModel::Apply(const solver::ProgressEvent& event) {
  if (const auto* vertex = std::get_if<solver::VertexEvent>(&event)) {
    return ApplyVertex(*vertex);
  }
  if (const auto* status = std::get_if<solver::StatusEvent>(&event)) {
    return ApplyStatus(*status);
  }
  if (const auto* log = std::get_if<solver::LogEvent>(&event)) {
    return ApplyLog(*log);
  }
  warnings_.push_back(std::get<solver::WarningEvent>(event));
  return {};
}

ProgressModel::Change ProgressModel::ApplyVertex(const solver::VertexEvent& event) {
  Step& step = StepOf(event);
  VertexState& vertex = vertices_[event.digest];
  const StepState before = step.state;
  int& running = running_in_step_[&step];

  if (event.started && !event.completed && !vertex.running) {
    vertex.running = true;
    if (running++ == 0) {
      step.last_started = event.started;
    }
    if (!step.first_started) {
      step.first_started = event.started;
    }
    step.state = StepState::kRunning;
  }
  if (event.completed) {
    if (vertex.running) {
      vertex.running = false;
      --running;
    } else if (running == 0 && event.started) {
      // Started and ended in one event.
      step.last_started = event.started;
      if (!step.first_started) {
        step.first_started = event.started;
      }
    }
    if (running == 0 && step.last_started) {
      step.finished_time += std::max(WallTime::duration::zero(), *event.completed - *step.last_started);
      step.last_started.reset();
    }
    if (!vertex.ended) {
      vertex.ended = true;
      ++completed_;
    }
  }
  if (event.cached && !vertex.cached) {
    vertex.cached = true;
    ++cached_;
    if (!vertex.ended) {
      vertex.ended = true;
      ++completed_;
    }
  }
  if (!event.error.empty()) {
    step.error = event.error;
    step.state = IsCanceled(event.error) ? StepState::kCanceled : StepState::kFailed;
  } else if (running == 0 && (event.completed || event.cached) && step.state != StepState::kFailed) {
    const bool all_cached =
        event.cached && (!step.is_group || before == StepState::kWaiting || before == StepState::kCached);
    step.state = all_cached ? StepState::kCached : StepState::kDone;
  }
  if (step.state != StepState::kWaiting && step.number == 0) {
    step.number = next_number_++;
  }
  return {.step = &step, .state_changed = step.state != before, .new_lines = 0, .status = nullptr};
}

ProgressModel::Change ProgressModel::ApplyStatus(const solver::StatusEvent& event) {
  Step* const step = Find(event.vertex);
  if (step == nullptr) {
    return {};
  }
  auto found = std::find_if(step->statuses.begin(), step->statuses.end(),
                            [&](const StepStatus& status) { return status.id == event.id; });
  if (found == step->statuses.end()) {
    step->statuses.push_back({.id = event.id});
    found = std::prev(step->statuses.end());
  }
  found->current = event.current;
  found->total = event.total;
  if (event.started) {
    found->started = event.started;
  }
  found->completed = event.completed;
  return {.step = step, .state_changed = false, .new_lines = 0, .status = &*found};
}

void ProgressModel::AppendLine(Step& step, std::string_view text, WallTime time) {
  const double seconds = step.first_started ? Seconds(time - *step.first_started) : 0.0;
  step.log.push_back({.text = CleanLogLine(text), .seconds = std::max(0.0, seconds)});
  if (step.log.size() > kMaxLogLines) {
    step.log.pop_front();
    ++step.log_dropped;
  }
}

ProgressModel::Change ProgressModel::ApplyLog(const solver::LogEvent& event) {
  Step* const step = Find(event.vertex);
  if (step == nullptr) {
    return {};
  }
  std::size_t lines = 0;
  std::string_view data = event.data;
  while (!data.empty()) {
    const std::size_t end = data.find('\n');
    step->partial += data.substr(0, end);
    if (end == std::string_view::npos) {
      break;
    }
    AppendLine(*step, step->partial, event.timestamp);
    step->partial.clear();
    ++lines;
    data.remove_prefix(end + 1);
  }
  // A program that never ends its line must not fill the memory.
  constexpr std::size_t kLongestPartial = std::size_t{64} << 10;
  if (step->partial.size() > kLongestPartial) {
    AppendLine(*step, step->partial, event.timestamp);
    step->partial.clear();
    ++lines;
  }
  return {.step = step, .state_changed = false, .new_lines = std::min(lines, step->log.size()), .status = nullptr};
}

void ProgressModel::FlushPartialLines(WallTime now) {
  for (Step& step : steps_) {
    if (!step.partial.empty()) {
      AppendLine(step, step.partial, now);
      step.partial.clear();
    }
  }
}

}  // namespace loam::cli
