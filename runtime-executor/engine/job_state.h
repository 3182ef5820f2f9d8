// JobState: a build in progress. Internal to this folder.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <stop_token>

#include "runtime-executor/engine/engine_state.h"
#include "runtime-executor/engine/plan_solver.h"
#include "runtime-executor/ops/container.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/solver/vertex_channel.h"

namespace loam::engine {

class JobState : public std::enable_shared_from_this<JobState> {
 public:
  static std::shared_ptr<JobState> Start(std::shared_ptr<EngineState> engine, JobOptions options);

  // Cancels everything; what the job lent to ops goes when they are done with it.
  void End();

  [[nodiscard]] Result<std::vector<snapshot::FsRef>> SolveAll(std::span<const std::string_view> definitions,
                                                              std::stop_token stop);
  [[nodiscard]] Result<snapshot::MountedFs> Mount(const snapshot::FsRef& fs, std::stop_token stop);
  [[nodiscard]] Result<ResolvedImage> ResolveImage(const ImageRequest& request, std::stop_token stop);
  [[nodiscard]] Result<std::optional<std::int64_t>> SourceTime(const source::SourceRequest& source,
                                                               const std::string& log_name, std::stop_token stop);
  [[nodiscard]] Result<source::GitTree> FetchGitTree(const source::GitTreeRequest& request, const std::string& log_name,
                                                     std::stop_token stop);
  [[nodiscard]] Result<std::unique_ptr<ops::FrontendContainer>> NewContainer(ops::ContainerOptions options,
                                                                             std::stop_token stop);
  [[nodiscard]] Result<std::map<std::string, std::string>> Export(std::span<const PlatformResult> results,
                                                                  const ExportRequest& request, std::stop_token stop);
  [[nodiscard]] Result<> Step(const std::string& name, const std::function<Result<>(solver::ProgressWriter&)>& body);
  [[nodiscard]] bool is_plan() const { return options_.plan; }
  [[nodiscard]] Result<BuildRecord> Plan() const;
  void LendTerminal(const Digest& vertex, std::shared_ptr<ops::TerminalLender> terminal);
  [[nodiscard]] Result<int> RunInFailedStep(const Error& failure, std::vector<std::string> args,
                                            ops::TerminalLender& terminal, std::stop_token stop);
  void Warn(solver::WarningEvent warning) { options_.progress->OnEvent(std::move(warning)); }
  [[nodiscard]] Result<> Finish(const std::optional<Error>& failure);

 private:
  class Services;
  // For sources that are asked outside of the graph; shares what the job found out with those in it.
  [[nodiscard]] source::SourceContext Surroundings(solver::ProgressWriter& progress, std::stop_token stop) const;
  JobState(std::shared_ptr<EngineState> engine, JobOptions options);

  const std::shared_ptr<EngineState> engine_;
  const JobOptions options_;
  const WallTime started_;
  std::unique_ptr<PlanSolver> plan_;  // null: the engine's solver
  std::shared_ptr<solver::Job> solver_job_;
  std::shared_ptr<Services> services_;
  std::atomic<std::uint64_t> next_step_{0};
  std::once_flag images_made_;
  std::unique_ptr<source::ImageConfigs> images_;
};

}  // namespace loam::engine
