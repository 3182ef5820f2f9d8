// LogBus: records an Earthfile build while it runs, for --logstream-debug-file and --logstream-debug-manifest-file:
// what the evaluation tells (a journal of targets and commands) and what the engine tells (progress of vertices) become
// one account of the commands. A command that runs as vertices is as they are; one that the evaluation did is done when
// that is. Vertices of no command (metadata of images, contexts) are commands of no target, as they are for earthly.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "cli/logbus/run_log.h"
#include "compiler/sema/earthfile/journal.h"
#include "compiler/source/source_manager.h"
#include "runtime-executor/gateway/earthfile/step_registry.h"
#include "runtime-executor/solver/progress.h"

namespace loam::cli::logbus {

struct LogBusOptions {
  // Every change and every log line, as JSON (a line each) if the name ends with ".json", else as one message behind
  // the other in the wire format. Empty: none.
  std::string delta_file;
  std::string build_id;
  std::string runner;  // "local:<host>", "bk:<address>"
  bool is_ci = false;
  const Clock* clock = nullptr;  // not null
  // Both are filled by the build while it runs.
  std::shared_ptr<const gateway::earthfile::StepRegistry> steps;
  std::shared_ptr<const source::SourceManager> sources;
};

// How the build ended.
struct RunEnd {
  bool ok = false;
  bool canceled = false;
  FailureType type = FailureType::kUnknown;
  std::string message;
  std::string help;
  // The vertex whose failure it was; empty: it was none.
  Digest vertex;
};

// Thread-safe.
class LogBus final : public sema::earthfile::Journal, public solver::ProgressSink {
 public:
  static Result<std::shared_ptr<LogBus>> Open(LogBusOptions options);
  ~LogBus() override;

  void BeginTarget(std::uint32_t target, const sema::earthfile::TargetFacts& facts) override;
  void EndTarget(std::uint32_t target, std::string_view platform, bool ok) override;
  void BeginCommand(std::uint32_t command, const sema::earthfile::CommandFacts& facts) override;
  void EndCommand(std::uint32_t command, const sema::earthfile::CommandEnd& end) override;
  void Need(std::uint32_t target, std::uint32_t command, std::uint32_t other, std::string_view name) override;
  void OnEvent(const solver::ProgressEvent& event) override;
  // What the display shows.
  void OnDisplay(std::string_view text);

  // Once, after the build. An error if the delta file could not be written.
  Result<> Finish(const RunEnd& end);
  // After Finish. As JSON if the name ends with ".json", else in the wire format.
  [[nodiscard]] Result<> WriteManifest(const std::string& path) const;

 private:
  struct Vertex {
    std::string name;
    RunStatus status = RunStatus::kUnknown;
    std::uint64_t started = 0;
    std::uint64_t ended = 0;
    bool cached = false;
    std::string error;
  };
  struct Command {
    std::string id;
    std::uint32_t target = 0;
    bool ended = false;
    std::uint64_t evaluated_from = 0;
    std::uint64_t evaluated_to = 0;
    std::string output;  // the end of it
    std::vector<std::uint32_t> needs;
  };
  struct Target {
    std::string id;
    std::vector<std::uint32_t> commands;
    bool ended = false;
    bool failed = false;
    std::uint64_t ended_at = 0;
    std::string platform;
    std::vector<std::uint32_t> needs;
  };

  explicit LogBus(LogBusOptions options);
  [[nodiscard]] std::uint64_t Now() const;
  Target& TargetOf(std::uint32_t number);
  // The commands that a vertex runs; one of its own if it runs none.
  std::vector<std::string> CommandsOf(const Digest& digest, const std::string& name);
  void OnVertex(const solver::VertexEvent& event);
  void OnLog(const solver::LogEvent& event);
  void OnStatus(const solver::StatusEvent& event);
  void Change(const RunChange& change);
  void ChangeCommand(const std::string& id, CommandLog change);
  void Write(const Record& delta);
  // What is still open when the build has ended.
  void CloseCommand(const Command& command, const std::vector<Digest>& vertices, const RunEnd& end);
  void CloseTarget(const Target& target);

  const LogBusOptions options_;
  const bool json_;
  mutable std::mutex mutex_;  // guards everything below
  std::FILE* file_ = nullptr;
  bool write_failed_ = false;
  Manifest manifest_;
  std::map<std::uint32_t, Target> targets_;
  std::map<std::uint32_t, Command> commands_;
  std::map<std::string, std::uint32_t> numbers_;  // of commands, by id
  std::map<Digest, Vertex> vertices_;
  std::string failed_;  // the first command whose evaluation failed
};

}  // namespace loam::cli::logbus
