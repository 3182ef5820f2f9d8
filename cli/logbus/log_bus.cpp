#include "cli/logbus/log_bus.h"

#include <fcntl.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file_system.h"

namespace loam::cli::logbus {
namespace {

// Of the output of a command, this much is kept for the account of its failure.
constexpr std::size_t kMaxTail = std::size_t{80} * 1024;

std::uint64_t Nanos(WallTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

bool IsOver(RunStatus status) {
  return status == RunStatus::kSuccess || status == RunStatus::kFailure || status == RunStatus::kCanceled;
}

// "[internal] load metadata …" is internal, "[context] ." a context, "exporting to image" output.
std::string CategoryOf(std::string_view name) {
  if (name.starts_with("exporting ")) {
    return "output";
  }
  const std::size_t end = name.starts_with('[') ? name.find_first_of(" ]") : std::string_view::npos;
  return std::string(end == std::string_view::npos ? "internal" : name.substr(1, end - 1));
}

}  // namespace

LogBus::LogBus(LogBusOptions options) : options_(std::move(options)), json_(options_.delta_file.ends_with(".json")) {}

LogBus::~LogBus() {
  if (file_ != nullptr) {
    std::fclose(file_);
  }
}

Result<std::shared_ptr<LogBus>> LogBus::Open(LogBusOptions options) {
  const std::shared_ptr<LogBus> bus(new LogBus(std::move(options)));
  if (const std::string& path = bus->options_.delta_file; !path.empty()) {
    UniqueFd fd = LOAM_TRY(OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC));
    bus->file_ = ::fdopen(fd.get(), "w");
    if (bus->file_ == nullptr) {
      return UnexpectedErrno("open " + path);
    }
    static_cast<void>(fd.Release());
  }
  const std::lock_guard lock(bus->mutex_);
  bus->manifest_.build_id = bus->options_.build_id;
  bus->manifest_.created = bus->Now();
  bus->Change({.status = RunStatus::kInProgress, .started = bus->manifest_.created, .is_ci = bus->options_.is_ci});
  return bus;
}

std::uint64_t LogBus::Now() const {
  return Nanos(options_.clock->Now());
}

// ---- changes

void LogBus::Write(const Record& delta) {
  if (file_ == nullptr) {
    return;
  }
  const std::string text = json_ ? delta.json().dump() + "\n" : delta.wire();
  write_failed_ = std::fwrite(text.data(), 1, text.size(), file_) != text.size() || write_failed_;
}

void LogBus::Change(const RunChange& change) {
  Apply(manifest_.state, change);
  if (file_ != nullptr) {
    Write(DeltaRecord(change));
  }
}

void LogBus::ChangeCommand(const std::string& id, CommandLog change) {
  RunChange run;
  run.commands.emplace(id, std::move(change));
  Change(run);
}

// ---- the evaluation

LogBus::Target& LogBus::TargetOf(std::uint32_t number) {
  Target& target = targets_[number];
  if (target.id.empty()) {
    target.id = fmt::format("{}-{}", options_.build_id, number);
  }
  return target;
}

void LogBus::BeginTarget(std::uint32_t target, const sema::earthfile::TargetFacts& facts) {
  const std::lock_guard lock(mutex_);
  const std::string& id = TargetOf(target).id;
  RunChange change;
  // The first one is what was asked for.
  if (manifest_.state.main_target_id.empty()) {
    change.main_target_id = id;
  }
  TargetLog& log = change.targets[id];
  log.name = facts.name;
  log.canonical_name = facts.canonical;
  log.override_args = facts.args;
  log.git_url = facts.git_path;
  log.local_path = facts.local_path;
  log.tag = facts.tag;
  log.import_ref = facts.import_alias;
  log.initial_platform = facts.platform;
  log.runner = options_.runner;
  log.status = RunStatus::kInProgress;
  log.started = Now();
  Change(change);
}

void LogBus::EndTarget(std::uint32_t target, std::string_view platform, bool ok) {
  const std::lock_guard lock(mutex_);
  Target& known = TargetOf(target);
  known.ended = true;
  known.failed = !ok;
  known.ended_at = Now();
  known.platform = platform;
}

void LogBus::BeginCommand(std::uint32_t command, const sema::earthfile::CommandFacts& facts) {
  const std::lock_guard lock(mutex_);
  Target& target = TargetOf(facts.target);
  Command& known = commands_[command];
  target.commands.push_back(command);
  known.id = fmt::format("{}/{}", target.id, target.commands.size());
  known.target = facts.target;
  known.evaluated_from = Now();
  numbers_.emplace(known.id, command);
  CommandLog log;
  log.name = facts.name;
  log.target_id = target.id;
  log.category = facts.target_name;
  log.platform = facts.platform;
  log.cached = false;
  log.local = facts.local;
  log.interactive = facts.interactive;
  if (const source::Buffer* const buffer = facts.range.valid() ? options_.sources->Find(facts.range.file) : nullptr) {
    const source::LineColumn begin = buffer->lines().Utf16Column(buffer->text(), facts.range.begin);
    const source::LineColumn end = buffer->lines().Utf16Column(buffer->text(), facts.range.end);
    // Columns count from 0, as earthly counts them.
    log.place = Place{.file = std::string(buffer->name()),
                      .start_line = static_cast<std::int32_t>(begin.line),
                      .start_column = static_cast<std::int32_t>(begin.column) - 1,
                      .end_line = static_cast<std::int32_t>(end.line),
                      .end_column = static_cast<std::int32_t>(end.column) - 1};
  }
  ChangeCommand(known.id, std::move(log));
}

void LogBus::EndCommand(std::uint32_t command, const sema::earthfile::CommandEnd& end) {
  const std::lock_guard lock(mutex_);
  Command& known = commands_[command];
  known.ended = true;
  known.evaluated_to = Now();
  CommandLog change;
  change.name = end.name;
  if (end.failed && failed_.empty()) {
    failed_ = known.id;  // of nested ones the innermost
  }
  if (!end.steps || end.failed) {
    change.started = known.evaluated_from;
    change.ended = known.evaluated_to;
    change.status = end.failed ? RunStatus::kFailure : RunStatus::kSuccess;
    change.error_message = end.error;
  }
  ChangeCommand(known.id, std::move(change));
}

void LogBus::Need(std::uint32_t target, std::uint32_t command, std::uint32_t other, std::string_view name) {
  const std::lock_guard lock(mutex_);
  const std::string other_id = TargetOf(other).id;
  Target& known = TargetOf(target);
  RunChange change;
  if (std::find(known.needs.begin(), known.needs.end(), other) == known.needs.end()) {
    known.needs.push_back(other);
    change.targets[known.id].depends_on.push_back(other_id);
  }
  if (command != 0) {
    Command& by = commands_[command];
    if (std::find(by.needs.begin(), by.needs.end(), other) == by.needs.end()) {
      by.needs.push_back(other);
      change.commands[by.id].depends_on.push_back({other_id, std::string(name)});
    }
  }
  if (!change.targets.empty() || !change.commands.empty()) {
    Change(change);
  }
}

// ---- the engine

std::vector<std::string> LogBus::CommandsOf(const Digest& digest, const std::string& name) {
  const auto step = options_.steps->Find(digest, name);
  std::vector<std::string> ids;
  for (const std::uint32_t number : step ? step->commands : std::vector<std::uint32_t>()) {
    if (const auto known = commands_.find(number); known != commands_.end()) {
      ids.push_back(known->second.id);
    }
  }
  if (!ids.empty()) {
    return ids;
  }
  const std::string id = digest.ToString();
  if (!manifest_.state.commands.contains(id)) {
    CommandLog log;
    const bool of_target = step && !step->target.empty() && !step->command.starts_with('[');
    log.name = step && !step->command.empty() ? step->command : name;
    log.category = of_target ? step->target : CategoryOf(log.name);
    log.platform = step ? step->platform : std::string();
    log.cached = false;
    log.local = false;
    log.interactive = false;
    ChangeCommand(id, std::move(log));
  }
  return {id};
}

void LogBus::OnEvent(const solver::ProgressEvent& event) {
  const std::lock_guard lock(mutex_);
  if (const auto* const vertex = std::get_if<solver::VertexEvent>(&event)) {
    OnVertex(*vertex);
  } else if (const auto* const log = std::get_if<solver::LogEvent>(&event)) {
    OnLog(*log);
  } else if (const auto* const status = std::get_if<solver::StatusEvent>(&event)) {
    OnStatus(*status);
  }
}

void LogBus::OnVertex(const solver::VertexEvent& event) {
  Vertex& vertex = vertices_[event.digest];
  vertex.name = event.name;
  if (!event.started) {
    return;  // only announced: it may never run
  }
  // It may run twice, to compute its cache key and then to work: the account is from the first start to the last end.
  vertex.started = vertex.started == 0 ? Nanos(*event.started) : vertex.started;
  vertex.cached = event.cached;
  vertex.status = RunStatus::kInProgress;
  if (event.completed) {
    vertex.ended = Nanos(*event.completed);
    vertex.error = event.error;
    vertex.status = event.error.empty()                                         ? RunStatus::kSuccess
                    : event.error.find("context canceled") != std::string::npos ? RunStatus::kCanceled
                                                                                : RunStatus::kFailure;
  }
  for (const std::string& id : CommandsOf(event.digest, event.name)) {
    const CommandLog& log = manifest_.state.commands[id];
    CommandLog change;
    change.started = log.started == 0 ? vertex.started : 0;
    change.status = log.status == vertex.status ? RunStatus::kUnknown : vertex.status;
    change.ended = vertex.ended;
    change.error_message = vertex.error;
    if (log.cached != vertex.cached) {
      change.cached = vertex.cached;
    }
    ChangeCommand(id, std::move(change));
  }
}

void LogBus::OnLog(const solver::LogEvent& event) {
  const std::string id = CommandsOf(event.vertex, vertices_[event.vertex].name).front();
  if (const auto number = numbers_.find(id); number != numbers_.end()) {
    std::string& tail = commands_[number->second].output;
    tail += event.data;
    if (tail.size() > kMaxTail) {
      tail.erase(0, tail.size() - kMaxTail);
    }
  }
  if (file_ != nullptr) {
    Write(LogDelta(manifest_.state.commands[id].target_id, id, static_cast<int>(event.stream), Nanos(event.timestamp),
                   event.data));
  }
}

void LogBus::OnStatus(const solver::StatusEvent& event) {
  std::optional<std::int32_t> progress;
  if (event.completed) {
    progress = 100;
  } else if (event.total > 0) {
    progress = static_cast<std::int32_t>(std::clamp<std::int64_t>(event.current * 100 / event.total, 0, 100));
  }
  if (!progress) {
    return;
  }
  for (const std::string& id : CommandsOf(event.vertex, vertices_[event.vertex].name)) {
    if (manifest_.state.commands[id].progress != progress) {
      CommandLog change;
      change.progress = progress;
      ChangeCommand(id, std::move(change));
    }
  }
}

void LogBus::OnDisplay(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (file_ != nullptr) {
    Write(FormattedDelta("_full", Now(), text));
  }
}

// ---- the end

void LogBus::CloseCommand(const Command& command, const std::vector<Digest>& vertices, const RunEnd& end) {
  const CommandLog& log = manifest_.state.commands[command.id];
  if (log.status == RunStatus::kFailure) {
    return;
  }
  CommandLog change;
  RunStatus status = RunStatus::kUnknown;
  bool cached = true;
  std::uint64_t started = 0;
  std::uint64_t ended = 0;
  // The worst of what became of its steps; a step that another command shares is as it was for that one.
  for (const Digest& digest : vertices) {
    const auto known = vertices_.find(digest);
    if (known == vertices_.end() || known->second.started == 0) {
      continue;
    }
    const Vertex& vertex = known->second;
    started = started == 0 ? vertex.started : std::min(started, vertex.started);
    ended = std::max(ended, vertex.ended);
    cached = cached && vertex.cached;
    const RunStatus now = vertex.status == RunStatus::kInProgress ? RunStatus::kCanceled : vertex.status;
    if (status == RunStatus::kUnknown || status == RunStatus::kSuccess || now == RunStatus::kFailure) {
      status = now;
    }
    if (now == RunStatus::kFailure) {
      change.error_message = vertex.error;
    }
  }
  if (status == RunStatus::kUnknown) {
    if (IsOver(log.status)) {
      return;  // the evaluation did it, or it ran outside of the graph
    }
    // Its result was not needed, or was there without a look at it; or the build ended before.
    status = end.ok ? RunStatus::kSuccess : command.ended ? RunStatus::kNotStarted : RunStatus::kCanceled;
    cached = false;
    started = end.ok ? command.evaluated_from : 0;
    ended = end.ok ? command.evaluated_to : 0;
  }
  change.status = status;
  change.started = started;
  change.ended = ended != 0 || status == RunStatus::kNotStarted ? ended : Now();
  change.cached = cached;
  ChangeCommand(command.id, std::move(change));
}

void LogBus::CloseTarget(const Target& target) {
  RunChange change;
  TargetLog& log = change.targets[target.id];
  log.final_platform = target.platform;
  log.status = !target.ended ? RunStatus::kCanceled : target.failed ? RunStatus::kFailure : RunStatus::kSuccess;
  log.ended = target.ended ? target.ended_at : Now();
  for (const std::uint32_t number : target.commands) {
    const CommandLog& done = manifest_.state.commands[commands_[number].id];
    log.ended = std::max(log.ended, done.ended);
    if (done.status == RunStatus::kFailure) {
      log.status = RunStatus::kFailure;
    } else if (done.status != RunStatus::kSuccess && log.status == RunStatus::kSuccess) {
      log.status = RunStatus::kCanceled;
    }
  }
  Change(change);
}

Result<> LogBus::Finish(const RunEnd& end) {
  const std::lock_guard lock(mutex_);
  std::map<std::uint32_t, std::vector<Digest>> vertices = options_.steps->VerticesOfCommands();
  for (auto& [number, command] : commands_) {
    CloseCommand(command, vertices[number], end);
  }
  for (const auto& [id, log] : std::map(manifest_.state.commands)) {
    if (!numbers_.contains(id) && log.status == RunStatus::kInProgress) {
      CommandLog change;
      change.status = RunStatus::kCanceled;
      change.ended = Now();
      ChangeCommand(id, std::move(change));
    }
  }
  for (auto& [number, target] : targets_) {
    CloseTarget(target);
  }
  RunChange change;
  change.ended = Now();
  change.status = end.ok ? RunStatus::kSuccess : end.canceled ? RunStatus::kCanceled : RunStatus::kFailure;
  if (!end.ok && !end.canceled) {
    Failure failure;
    failure.type = end.type;
    failure.error_message = end.message;
    failure.help_message = end.help;
    const auto vertex = vertices_.find(end.vertex);
    failure.command_id = vertex != vertices_.end() ? CommandsOf(end.vertex, vertex->second.name).front() : failed_;
    if (const auto number = numbers_.find(failure.command_id); number != numbers_.end()) {
      const Command& command = commands_[number->second];
      failure.target_id = TargetOf(command.target).id;
      failure.output = command.output;
    }
    change.failure = std::move(failure);
  }
  Change(change);
  if (file_ != nullptr) {
    write_failed_ = std::fclose(file_) != 0 || write_failed_;
    file_ = nullptr;
  }
  if (write_failed_) {
    return Unexpected(ErrorCode::kUnavailable, fmt::format("{} could not be written", options_.delta_file));
  }
  return {};
}

Result<> LogBus::WriteManifest(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const Record record = ManifestRecord(manifest_);
  return WriteFileAtomic(path, path.ends_with(".json") ? record.json().dump(2) + "\n" : record.wire());
}

}  // namespace loam::cli::logbus
