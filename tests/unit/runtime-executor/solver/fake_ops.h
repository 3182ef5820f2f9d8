// Fake vertices whose value is known from their definition, and what a test wants to see of their running.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/task_pool.h"
#include "runtime-executor/solver/job.h"
#include "runtime-executor/solver/memory_cache_storage.h"

namespace loam::solver::testing {

struct FakeResult final : SolverResult {
  explicit FakeResult(std::string text) : value(std::move(text)) { ++alive; }
  FakeResult(const FakeResult&) = delete;
  FakeResult& operator=(const FakeResult&) = delete;
  ~FakeResult() override { --alive; }
  const std::string value;
  inline static std::atomic<int> alive = 0;
};

inline const std::string& ValueOf(const ResultPtr& result) {
  return static_cast<const FakeResult&>(*result).value;
}

// What a fake op is: its value is op(inputs joined), shortened by the content function if one is given.
struct FakeOp {
  std::string op;             // names the operation in its cache map
  std::string value;          // the value is value + "(" + inputs + ")"; empty: op
  std::vector<bool> content;  // inputs with content keys; missing: none
  bool transient = false;
  bool blocking_cache_map = false;
  bool cpu_bound = false;
  std::string error;  // Run fails with it
  std::size_t outputs = 1;
  // Called by Run with the context; may block.
  std::function<void(OpContext&)> on_run;
};

struct FakePayload final : VertexPayload {
  explicit FakePayload(FakeOp fake_op) : op(std::move(fake_op)) {}
  const FakeOp op;
};

// Counts runs by vertex name.
class RunLog {
 public:
  void Ran(const std::string& name) {
    const std::lock_guard lock(mutex_);
    ++counts_[name];
  }
  int count(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return counts_[name];
  }
  int total() {
    const std::lock_guard lock(mutex_);
    int sum = 0;
    for (const auto& [name, count] : counts_) {
      sum += count;
    }
    return sum;
  }
  void Clear() {
    const std::lock_guard lock(mutex_);
    counts_.clear();
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> counts_;
};

inline std::string Combine(const FakeOp& op, const std::vector<std::string>& inputs, std::size_t output) {
  std::string text = op.value.empty() ? op.op : op.value;
  text += "(";
  for (const std::string& input : inputs) {
    text += input + ",";
  }
  text += ")";
  if (output > 0) {
    text += "#" + std::to_string(output);
  }
  return text.size() > 80 ? Digest::Of(text).Hex() : text;
}

class FakeRunningOp final : public Op {
 public:
  FakeRunningOp(const Vertex& vertex, RunLog& log)
      : vertex_(vertex), op_(static_cast<const FakePayload&>(*vertex.payload).op), log_(log) {}
  Result<CacheMap> ComputeCacheMap(OpContext&) override {
    CacheMap map;
    map.digest = Digest::Of(op_.op);
    map.preimage.fields.push_back({"op", op_.op});
    map.transient = op_.transient;
    map.inputs.resize(vertex_.inputs.size());
    for (std::size_t i = 0; i < vertex_.inputs.size() && i < op_.content.size(); ++i) {
      if (op_.content[i]) {
        map.inputs[i].content_key = [this](OpContext&, const ResultPtr& result) -> Result<ContentKey> {
          log_.Ran(vertex_.name + ":content");
          return ContentKey{Digest::Of("content:" + ValueOf(result)), nullptr, ""};
        };
      }
    }
    return map;
  }
  [[nodiscard]] bool cheap_cache_map() const override { return !op_.blocking_cache_map; }
  [[nodiscard]] bool cpu_bound() const override { return op_.cpu_bound; }
  Result<std::vector<ResultPtr>> Run(OpContext& context, std::span<const ResultPtr> inputs) override {
    log_.Ran(vertex_.name);
    if (op_.on_run) {
      op_.on_run(context);
    }
    if (context.stop().stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "stopped");
    }
    if (!op_.error.empty()) {
      return Unexpected(Error(ErrorCode::kUnknown, op_.error).WithDetail(std::make_shared<const ExitErrorDetail>(7)));
    }
    std::vector<std::string> values;
    for (const ResultPtr& input : inputs) {
      values.push_back(ValueOf(input));
    }
    std::vector<ResultPtr> results;
    for (std::size_t output = 0; output < op_.outputs; ++output) {
      results.push_back(std::make_shared<const FakeResult>(Combine(op_, values, output)));
    }
    return results;
  }

 private:
  const Vertex& vertex_;
  const FakeOp& op_;
  RunLog& log_;
};

class FakeResolver final : public OpResolver {
 public:
  explicit FakeResolver(RunLog& log) : log_(log) {}
  Result<std::unique_ptr<Op>> Resolve(const Vertex& vertex) override {
    return std::make_unique<FakeRunningOp>(vertex, log_);
  }

 private:
  RunLog& log_;
};

// Blobs are the values themselves; values in `gone` cannot be loaded.
class FakeResultStore final : public ResultStore {
 public:
  Result<std::optional<StoredResult>> Save(const SolverResult& result) override {
    return StoredResult{static_cast<const FakeResult&>(result).value, 1};
  }
  Result<ResultPtr> Load(const std::string& blob) override {
    ++loads;
    const std::lock_guard lock(mutex);
    if (all_gone) {
      return Unexpected(ErrorCode::kNotFound, "gone");
    }
    return std::make_shared<const FakeResult>(blob);
  }
  std::mutex mutex;
  bool all_gone = false;
  std::atomic<int> loads = 0;
};

class FakeJobContext final : public JobContext {};

class RecordingSink final : public ProgressSink {
 public:
  void OnEvent(const ProgressEvent& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  std::vector<ProgressEvent> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  // The last state of the vertex with this name.
  std::optional<VertexEvent> Last(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::optional<VertexEvent> last;
    for (const ProgressEvent& event : events_) {
      const auto* vertex = std::get_if<VertexEvent>(&event);
      if (vertex != nullptr && vertex->name == name) {
        last = *vertex;
      }
    }
    return last;
  }

 private:
  std::mutex mutex_;
  std::vector<ProgressEvent> events_;
};

// A graph whose vertex digests follow from what was added.
class GraphBuilder {
 public:
  const Vertex* Add(const std::string& name, FakeOp op, std::vector<Edge> inputs = {}, VertexOptions options = {}) {
    if (op.op.empty()) {
      op.op = name;
    }
    std::string identity = name + "|" + op.op + "|" + op.value;
    for (const Edge& input : inputs) {
      identity += "|" + input.vertex->digest.Hex() + "." + std::to_string(input.index);
    }
    Vertex vertex;
    vertex.digest = Digest::Of(identity);
    vertex.name = name;
    vertex.inputs = std::move(inputs);
    vertex.options = std::move(options);
    vertex.payload = std::make_shared<const FakePayload>(std::move(op));
    return graph_->Add(std::move(vertex));
  }
  GraphPtr graph() const { return graph_; }

 private:
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
};

// Lets a test wait for a moment inside of an op, and the op for the test.
class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// A solver with fakes around it; cache and log live as long as it.
struct Fixture {
  RunLog log;
  FakeResolver resolver{log};
  MemoryCacheStorage memory;
  CacheStorage* storage = &memory;
  FakeResultStore results;
  TaskPool pool;
  std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
  std::unique_ptr<Solver> solver;

  Fixture() { Restart(); }
  explicit Fixture(CacheStorage& other) : storage(&other) { Restart(); }
  void Restart() {
    solver.reset();
    solver = std::make_unique<Solver>(SolverOptions{&resolver, storage, &results, &pool, &SystemClock()});
  }
  std::unique_ptr<Job> NewJob() { return solver->NewJob({std::make_shared<FakeJobContext>(), sink}); }
  // In a job of its own.
  Result<std::string> Build(const GraphPtr& graph, const Vertex* vertex, std::uint32_t output = 0) {
    const auto job = NewJob();
    const Edge edge{vertex, output};
    auto values = LOAM_TRY(job->Solve(graph, std::span(&edge, 1), {}));
    return ValueOf(values.front());
  }
};

}  // namespace loam::solver::testing
