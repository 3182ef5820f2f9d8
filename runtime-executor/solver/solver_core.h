// SolverCore: jobs, calls and the scheduler. docs/solver.md has the picture. Methods marked [strand] run as events
// only.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime-executor/solver/job.h"
#include "runtime-executor/solver/memory_cache_storage.h"
#include "runtime-executor/solver/strand.h"
#include "runtime-executor/solver/vertex_state.h"

namespace loam::solver {

class SolveCall {
 public:
  void Finish(Result<std::vector<ResultPtr>> result, std::vector<RecordId> used);
  [[nodiscard]] Result<std::vector<ResultPtr>> Wait();
  // After Wait.
  [[nodiscard]] const std::vector<RecordId>& used() const { return used_; }

 private:
  std::mutex mutex_;  // guards the rest
  std::condition_variable finished_;
  std::optional<Result<std::vector<ResultPtr>>> result_;
  std::vector<RecordId> used_;
};

class SolverCore {
 public:
  explicit SolverCore(const SolverOptions& options);
  ~SolverCore() = default;

  // From any thread.
  [[nodiscard]] std::uint64_t AddJob(JobOptions options);
  void RemoveJob(std::uint64_t id);
  [[nodiscard]] Result<std::vector<ResultPtr>> Solve(std::uint64_t job, const GraphPtr& graph,
                                                     std::span<const Edge> outputs, std::stop_token stop);
  [[nodiscard]] std::vector<StepReport> Report(std::uint64_t job);
  [[nodiscard]] Result<std::vector<CacheGraphNode>> CacheGraph(std::uint64_t job, const Edge& output);
  void WaitForTasks();

 private:
  // solver_core.cpp: calls and what they hold. [strand]
  void Begin(std::uint64_t job, const GraphPtr& graph, const std::vector<Edge>& outputs,
             const std::shared_ptr<SolveCall>& call);
  void Subscribe(Ticket& ticket, const GraphPtr& graph, const std::vector<Edge>& outputs);
  void Hold(Ticket& ticket, VertexState& state);
  void Release(Ticket& ticket, bool keep_reports);
  void FinishTicket(Ticket& ticket, Result<std::vector<ResultPtr>> result);
  void CheckTicket(Ticket& ticket);
  void SettleTickets();

  // Handles one event and everything that follows from it at once.
  void Event(std::function<void()> handler);
  void Settle();

  // advance.cpp: the state machine. [strand]
  void MarkDirty(VertexState& state);
  void Advance(VertexState& state);
  void AdvanceEdge(VertexState& state, std::uint32_t index);
  void AdvanceRun(VertexState& state);
  enum class Gathered : std::uint8_t { kWaiting, kNoMatchPossible, kReady };
  Gathered GatherKeys(VertexState& state, std::uint32_t index, Level level);
  // Looks for records by keys of this level of the inputs; false: waits for more to be known.
  bool Search(VertexState& state, std::uint32_t index, Level level);
  void Want(InputState& input, Level level);
  void Raise(VertexState& state, std::uint32_t index, Level level);
  void Fail(VertexState& state, Error error, bool itself);
  void MarkCached(VertexState& state);

  // tasks.cpp: what leaves the strand. [strand]
  void StartCacheMap(VertexState& state);
  void FinishCacheMap(VertexState& state, Result<CacheMap> map, bool announced);
  void StartContentKey(VertexState& state, std::size_t input);
  void StartLoad(VertexState& state, std::uint32_t index);
  void StartRun(VertexState& state);
  struct RunOutcome {
    std::vector<ResultPtr> results;
    std::vector<std::vector<KeyId>> keys;
  };
  void FinishRun(VertexState& state, Result<RunOutcome> outcome);
  void WakeTwins(const std::string& work_key);
  void AddLinks(NewRecord record);
  using Handler = std::function<void()>;
  // Runs `task` on a pool thread. The event that it returns, if any, is posted when the task is gone with all that it
  // holds: the thread handles the events of others as well then, maybe until a job has ended, and what is not in use
  // any more must not look so.
  void Submit(std::function<Handler()> task, bool limited);
  void StartLimited();

  // keys.cpp: the cache, read on the strand. [strand]
  [[nodiscard]] std::vector<KeyId> Candidates(VertexState& state, std::uint32_t index, std::size_t input);
  // The nodes that stand for this output by all keys that are known of the inputs; `add_links` records what is new.
  [[nodiscard]] std::vector<KeyId> FindKeys(VertexState& state, std::uint32_t index, bool add_links);
  void FindRecords(VertexState& state, std::uint32_t index);
  [[nodiscard]] NewRecord RecordFor(const VertexState& state, std::uint32_t index, bool& cacheable) const;
  [[nodiscard]] std::string WorkKey(const VertexState& state) const;
  void StorageFailed(VertexState& state, Error error);

  // imports.cpp: the caches of the clients. [strand]
  [[nodiscard]] Result<std::vector<KeyId>> Linked(const VertexState& state, const KeyLink& link,
                                                  std::uint32_t index) const;
  [[nodiscard]] Result<std::vector<KeyId>> Roots(const VertexState& state, const RootKey& key) const;
  void StartImport(VertexState& state, std::uint32_t index);
  void FinishImport(VertexState& state, std::uint32_t index, RecordId record, Result<ResultPtr> result);
  void RecordLost(VertexState& state, std::uint32_t index, RecordId record);

  // report.cpp [strand]
  [[nodiscard]] static StepReport ReportOf(const VertexState& state);
  [[nodiscard]] Result<CacheGraphNode> GraphNodeOf(const VertexState& state, std::uint32_t index) const;

  const SolverOptions options_;
  MemoryCacheStorage memory_;
  CacheStorage& storage_;

  std::mutex tasks_mutex_;  // guards running_tasks_
  std::condition_variable tasks_done_;
  std::size_t running_tasks_ = 0;

  // Below: only on the strand.
  std::uint64_t next_job_ = 1;
  std::map<std::uint64_t, std::unique_ptr<JobState>> jobs_;
  std::unordered_map<Ticket*, std::unique_ptr<Ticket>> tickets_;
  std::map<StateKey, VertexState*> active_;
  std::deque<std::shared_ptr<VertexState>> dirty_;
  std::vector<Ticket*> changed_tickets_;
  // Runs that go on, by cache key; and the vertices that wait for them.
  struct Twin {
    VertexState* runner = nullptr;
    std::vector<std::weak_ptr<VertexState>> waiting;
  };
  std::map<std::string, Twin> twins_;
  std::size_t limited_running_ = 0;
  std::size_t limited_max_ = 0;
  std::deque<std::function<void()>> limited_waiting_;

  Strand strand_;
};

}  // namespace loam::solver
