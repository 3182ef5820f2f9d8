// VertexChannel: what ops may touch of a vertex while the scheduler goes on: its progress, fanned out to the jobs that
// need it, and those jobs' contexts. Thread-safe.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "runtime-executor/solver/op.h"
#include "runtime-executor/solver/progress.h"

namespace loam::solver {

// A job as the channels see it.
struct JobParts {
  std::uint64_t id = 0;
  std::shared_ptr<JobContext> context;
  std::shared_ptr<ProgressSink> sink;
};

class VertexChannel final : public ProgressWriter, public OpContext {
 public:
  // `graph` keeps the vertex alive.
  VertexChannel(GraphPtr graph, const Vertex& vertex, const Clock& clock);

  // A new job hears first what happened so far, or the announcement of the vertex. Joining again does nothing.
  void Join(const std::shared_ptr<const JobParts>& job);
  void Leave(std::uint64_t job_id);

  // The state of the vertex, as VertexEvents.
  void Started();
  void Completed(bool cached, std::string error);
  // Started and completed in one, unless it is cached or completed already.
  void Cached();
  [[nodiscard]] std::optional<WallTime> started() const;
  [[nodiscard]] std::optional<WallTime> completed() const;

  void RequestStop() { stop_.request_stop(); }

  // ProgressWriter
  void Status(StatusEvent event) override;
  void Log(LogStream stream, std::string_view data) override;
  void Warning(WarningEvent event) override;

  // OpContext
  [[nodiscard]] std::stop_token stop() const override { return stop_.get_token(); }
  [[nodiscard]] ProgressWriter& progress() override { return *this; }
  [[nodiscard]] std::shared_ptr<JobContext> job() const override;
  [[nodiscard]] const Vertex& vertex() const override { return vertex_; }

 private:
  void Emit(ProgressEvent event);
  void Remember(const ProgressEvent& event);

  const GraphPtr graph_;
  const Vertex& vertex_;
  const Clock& clock_;
  std::stop_source stop_;

  mutable std::mutex mutex_;  // guards everything below; held while sinks are called, so that their order is one
  VertexEvent state_;
  std::vector<std::shared_ptr<const JobParts>> jobs_;
  // The last job that left: a cancelled op may still ask for it.
  std::shared_ptr<const JobParts> last_job_;
  std::deque<ProgressEvent> history_;
  std::size_t history_bytes_ = 0;
};

}  // namespace loam::solver
