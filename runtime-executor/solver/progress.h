// Progress of a job as typed events, modelled as BuildKit's StatusResponse (control.proto: Vertex, VertexStatus,
// VertexLog, VertexWarning).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "runtime-executor/solver/vertex.h"

namespace loam::solver {

// State of a vertex; each event replaces the one before. A vertex is first announced without times (in the order of the
// graph, inputs first). It may be started and completed more than once: to compute its cache key, then to run.
struct VertexEvent {
  Digest digest;
  std::string name;
  std::vector<Digest> inputs;
  std::shared_ptr<const ProgressGroup> progress_group;
  std::optional<WallTime> started;
  std::optional<WallTime> completed;
  bool cached = false;
  // Not empty: failed; "context canceled" if it was cancelled, as BuildKit words it.
  std::string error;
};

// One measured part of a vertex: the download of a layer, the transfer of a context.
struct StatusEvent {
  Digest vertex;
  std::string id;      // unique within the vertex
  std::string action;  // what is measured, as clients look for it ("transferring"); empty: the id says it
  std::int64_t current = 0;
  std::int64_t total = 0;  // 0: not known
  WallTime timestamp;
  std::optional<WallTime> started;
  std::optional<WallTime> completed;
};

enum class LogStream : std::uint8_t { kStdout = 1, kStderr = 2 };

// Bytes as the step wrote them; not cut at line ends.
struct LogEvent {
  Digest vertex;
  LogStream stream = LogStream::kStdout;
  std::string data;
  WallTime timestamp;
};

struct WarningEvent {
  struct Range {
    std::int32_t start_line = 0, start_character = 0, end_line = 0, end_character = 0;
  };
  Digest vertex;
  std::int32_t level = 1;
  std::string short_message;
  std::vector<std::string> detail;
  std::string url;
  std::string file;
  std::string file_data;
  std::vector<Range> ranges;
};

using ProgressEvent = std::variant<VertexEvent, StatusEvent, LogEvent, WarningEvent>;

// Receives the events of one job, those of shared vertices included (what happened before it joined is replayed).
// Called from any thread, never from two at once for the same vertex; must return soon and not call into the solver.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  virtual void OnEvent(const ProgressEvent& event) = 0;
};

// Drops everything.
class NullProgressSink final : public ProgressSink {
 public:
  void OnEvent(const ProgressEvent&) override {}
};

// What an op reports about its own vertex. Thread-safe.
class ProgressWriter {
 public:
  virtual ~ProgressWriter() = default;
  // A repeated id updates the status; `vertex` and `timestamp` are filled in.
  virtual void Status(StatusEvent event) = 0;
  virtual void Log(LogStream stream, std::string_view data) = 0;
  virtual void Warning(WarningEvent event) = 0;
};

}  // namespace loam::solver
