#include "runtime-executor/daemon/build_status.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "proto/api/services/control/control.pb.h"
#include "runtime-executor/daemon/wire_time.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;

// A response stays well below gRPC's default limit of 4 MiB a message.
constexpr std::size_t kMaxResponse = std::size_t{1} << 20;
constexpr std::size_t kMaxEnded = 256;

void Add(const solver::VertexEvent& event, StatusResponse& response) {
  control::Vertex& vertex = *response.add_vertexes();
  vertex.set_digest(event.digest.ToString());
  for (const Digest& input : event.inputs) {
    vertex.add_inputs(input.ToString());
  }
  vertex.set_name(event.name);
  vertex.set_cached(event.cached);
  SetTime(event.started, vertex, &control::Vertex::mutable_started);
  SetTime(event.completed, vertex, &control::Vertex::mutable_completed);
  vertex.set_error(event.error);
  if (event.progress_group != nullptr) {
    pb::ProgressGroup& group = *vertex.mutable_progressgroup();
    group.set_id(event.progress_group->id);
    group.set_name(event.progress_group->name);
    group.set_weak(event.progress_group->weak);
  }
}

void Add(const solver::StatusEvent& event, StatusResponse& response) {
  control::VertexStatus& status = *response.add_statuses();
  status.set_id(event.id);
  status.set_name(event.action.empty() ? event.id : event.action);
  status.set_vertex(event.vertex.ToString());
  status.set_current(event.current);
  status.set_total(event.total);
  *status.mutable_timestamp() = ToWire(event.timestamp);
  SetTime(event.started, status, &control::VertexStatus::mutable_started);
  SetTime(event.completed, status, &control::VertexStatus::mutable_completed);
}

void Add(const solver::LogEvent& event, StatusResponse& response) {
  control::VertexLog& log = *response.add_logs();
  log.set_vertex(event.vertex.ToString());
  log.set_stream(static_cast<std::int64_t>(event.stream));
  log.set_msg(event.data);
  *log.mutable_timestamp() = ToWire(event.timestamp);
}

void Add(const solver::WarningEvent& event, StatusResponse& response) {
  control::VertexWarning& warning = *response.add_warnings();
  warning.set_vertex(event.vertex.ToString());
  warning.set_level(event.level);
  warning.set_short_(event.short_message);
  for (const std::string& line : event.detail) {
    warning.add_detail(line);
  }
  warning.set_url(event.url);
  if (!event.file.empty()) {
    warning.mutable_info()->set_filename(event.file);
    warning.mutable_info()->set_data(event.file_data);
  }
  for (const solver::WarningEvent::Range& range : event.ranges) {
    pb::Range& wire = *warning.add_ranges();
    wire.mutable_start()->set_line(range.start_line);
    wire.mutable_start()->set_character(range.start_character);
    wire.mutable_end()->set_line(range.end_line);
    wire.mutable_end()->set_character(range.end_character);
  }
}

std::size_t SizeOf(const solver::ProgressEvent& event) {
  const auto* log = std::get_if<solver::LogEvent>(&event);
  return 256 + (log == nullptr ? 0 : log->data.size());
}

}  // namespace

void BuildStatus::OnEvent(const solver::ProgressEvent& event) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto* const part = std::get_if<solver::StatusEvent>(&event)) {
      if (part->completed) {
        open_parts_.erase({part->vertex, part->id});
      } else {
        open_parts_.insert_or_assign({part->vertex, part->id}, *part);
      }
    } else if (const auto* const vertex = std::get_if<solver::VertexEvent>(&event);
               vertex != nullptr && vertex->completed && !vertex->error.empty()) {
      CloseParts(*vertex);
    }
    events_.push_back(event);
  }
  changed_.notify_all();
}

void BuildStatus::CloseParts(const solver::VertexEvent& failed) {
  auto part = open_parts_.lower_bound({failed.digest, ""});
  while (part != open_parts_.end() && part->first.first == failed.digest) {
    solver::StatusEvent ended = std::move(part->second);
    ended.timestamp = *failed.completed;
    ended.completed = failed.completed;
    events_.emplace_back(std::move(ended));
    part = open_parts_.erase(part);
  }
}

void BuildStatus::Close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

bool BuildStatus::Next(std::size_t& position, StatusResponse& response, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, std::move(stop), [&] { return closed_ || position < events_.size(); });
  return Take(position, response);
}

bool BuildStatus::NextIfThere(std::size_t& position, StatusResponse& response) {
  const std::lock_guard lock(mutex_);
  return Take(position, response);
}

bool BuildStatus::Take(std::size_t& position, StatusResponse& response) {
  if (position >= events_.size()) {
    return false;
  }
  std::size_t size = 0;
  for (; position < events_.size() && size < kMaxResponse; ++position) {
    size += SizeOf(events_[position]);
    std::visit([&response](const auto& event) { Add(event, response); }, events_[position]);
  }
  return true;
}

BuildStatus::Counts BuildStatus::Count() const {
  const std::lock_guard lock(mutex_);
  std::set<Digest> all, cached, completed;
  Counts counts;
  for (const solver::ProgressEvent& event : events_) {
    if (const auto* vertex = std::get_if<solver::VertexEvent>(&event)) {
      all.insert(vertex->digest);
      if (vertex->cached) {
        cached.insert(vertex->digest);
      }
      if (vertex->completed) {
        completed.insert(vertex->digest);
      }
    } else if (std::holds_alternative<solver::WarningEvent>(event)) {
      ++counts.warnings;
    }
  }
  counts.total = static_cast<int>(all.size());
  counts.cached = static_cast<int>(cached.size());
  counts.completed = static_cast<int>(completed.size());
  return counts;
}

Result<std::shared_ptr<BuildStatus>> StatusHub::Start(const std::string& ref) {
  auto status = std::make_shared<BuildStatus>();
  {
    const std::lock_guard lock(mutex_);
    ForgetOld();
    if (!builds_.emplace(ref, status).second) {
      return Unexpected(ErrorCode::kAlreadyExists, fmt::format("a build with ref {} runs already", ref));
    }
  }
  changed_.notify_all();
  return status;
}

void StatusHub::End(const std::string& ref, AfterEnd after) {
  std::shared_ptr<BuildStatus> status;
  {
    const std::lock_guard lock(mutex_);
    const auto found = builds_.find(ref);
    if (found == builds_.end()) {
      return;
    }
    status = std::move(found->second);
    builds_.erase(found);
    ForgetOld();
    ended_.push_back({ref, after == AfterEnd::kInHub ? status : nullptr, clock_.Steady()});
    if (ended_.size() > kMaxEnded) {
      ended_.pop_front();
    }
  }
  changed_.notify_all();
  status->Close();
}

std::shared_ptr<BuildStatus> StatusHub::Find(const std::string& ref) {
  const std::lock_guard lock(mutex_);
  const auto found = builds_.find(ref);
  return found == builds_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<BuildStatus>> StatusHub::Wait(const std::string& ref, std::chrono::milliseconds patience,
                                                     std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto ended = [&] {
    return std::find_if(ended_.rbegin(), ended_.rend(), [&](const Ended& build) { return build.ref == ref; });
  };
  ForgetOld();
  if (!changed_.wait_for(lock, std::move(stop), patience,
                         [&] { return builds_.contains(ref) || ended() != ended_.rend(); })) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("no such job {}", ref));
  }
  const auto found = builds_.find(ref);
  return found == builds_.end() ? ended()->status : found->second;
}

void StatusHub::ForgetOld() {
  const SteadyTime now = clock_.Steady();
  for (Ended& build : ended_) {
    if (build.status != nullptr && now - build.time > kLinger) {
      build.status.reset();
    }
  }
}

}  // namespace loam::daemon
