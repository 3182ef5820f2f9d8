#include "runtime-executor/solver/vertex_channel.h"

#include <algorithm>

#include "base/check.h"

namespace loam::solver {
namespace {

// Logs beyond this are not replayed to jobs that join later (the oldest go first).
constexpr std::size_t kMaxHistoryBytes = std::size_t{256} << 10;

std::size_t BytesOf(const ProgressEvent& event) {
  const auto* log = std::get_if<LogEvent>(&event);
  return log != nullptr ? log->data.size() : 0;
}

}  // namespace

VertexChannel::VertexChannel(GraphPtr graph, const Vertex& vertex, const Clock& clock)
    : graph_(std::move(graph)), vertex_(vertex), clock_(clock) {
  state_.digest = vertex.digest;
  state_.name = vertex.name;
  state_.progress_group = vertex.options.progress_group;
  state_.inputs.reserve(vertex.inputs.size());
  for (const Edge& input : vertex.inputs) {
    state_.inputs.push_back(input.vertex->digest);
  }
}

void VertexChannel::Join(const std::shared_ptr<const JobParts>& job) {
  const std::lock_guard lock(mutex_);
  const bool joined = std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& other) { return other->id == job->id; });
  if (joined) {
    return;
  }
  jobs_.push_back(job);
  last_job_ = job;
  job->sink->OnEvent(state_);
  for (const ProgressEvent& event : history_) {
    job->sink->OnEvent(event);
  }
}

void VertexChannel::Leave(std::uint64_t job_id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(jobs_, [&](const auto& job) { return job->id == job_id; });
}

void VertexChannel::Started() {
  const std::lock_guard lock(mutex_);
  state_.started = clock_.Now();
  state_.completed.reset();
  state_.cached = false;
  state_.error.clear();
  Emit(state_);
}

void VertexChannel::Completed(bool cached, std::string error) {
  const std::lock_guard lock(mutex_);
  state_.completed = clock_.Now();
  if (!state_.started) {
    state_.started = state_.completed;
  }
  state_.cached = cached;
  state_.error = std::move(error);
  Emit(state_);
}

void VertexChannel::Cached() {
  const std::lock_guard lock(mutex_);
  if (state_.cached && state_.completed) {
    return;
  }
  const WallTime now = clock_.Now();
  if (!state_.started) {
    state_.started = now;
  }
  state_.completed = now;
  state_.cached = true;
  Emit(state_);
}

std::optional<WallTime> VertexChannel::started() const {
  const std::lock_guard lock(mutex_);
  return state_.started;
}

std::optional<WallTime> VertexChannel::completed() const {
  const std::lock_guard lock(mutex_);
  return state_.completed;
}

void VertexChannel::Status(StatusEvent event) {
  event.vertex = vertex_.digest;
  event.timestamp = clock_.Now();
  const std::lock_guard lock(mutex_);
  // Only the newest state of an id is worth replaying.
  std::erase_if(history_, [&](const ProgressEvent& old) {
    const auto* status = std::get_if<StatusEvent>(&old);
    return status != nullptr && status->id == event.id;
  });
  Remember(event);
  Emit(std::move(event));
}

void VertexChannel::Log(LogStream stream, std::string_view data) {
  LogEvent event{vertex_.digest, stream, std::string(data), clock_.Now()};
  const std::lock_guard lock(mutex_);
  Remember(event);
  Emit(std::move(event));
}

void VertexChannel::Warning(WarningEvent event) {
  event.vertex = vertex_.digest;
  const std::lock_guard lock(mutex_);
  Remember(event);
  Emit(std::move(event));
}

std::shared_ptr<JobContext> VertexChannel::job() const {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<const JobParts>& job = jobs_.empty() ? last_job_ : jobs_.front();
  LOAM_CHECK(job != nullptr, "an op runs for a vertex that no job ever needed");
  return job->context;
}

void VertexChannel::Emit(ProgressEvent event) {
  for (const auto& job : jobs_) {
    job->sink->OnEvent(event);
  }
}

void VertexChannel::Remember(const ProgressEvent& event) {
  history_bytes_ += BytesOf(event);
  history_.push_back(event);
  for (auto it = history_.begin(); it != history_.end() && history_bytes_ > kMaxHistoryBytes;) {
    const std::size_t bytes = BytesOf(*it);
    history_bytes_ -= bytes;
    it = bytes > 0 ? history_.erase(it) : std::next(it);
  }
}

}  // namespace loam::solver
