#include "runtime-executor/solver/solver_core.h"

#include <algorithm>
#include <thread>

#include "base/check.h"

namespace loam::solver {

void SolveCall::Finish(Result<std::vector<ResultPtr>> result, std::vector<RecordId> used) {
  const std::lock_guard lock(mutex_);
  if (!result_) {
    result_ = std::move(result);
    used_ = std::move(used);
    finished_.notify_all();
  }
}

Result<std::vector<ResultPtr>> SolveCall::Wait() {
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [&] { return result_.has_value(); });
  return *result_;
}

SolverCore::SolverCore(const SolverOptions& options)
    : options_(options),
      storage_(options.storage != nullptr ? *options.storage : memory_),
      limited_max_(std::max(2U, std::thread::hardware_concurrency()) + 1),
      strand_([this] { storage_.BeginReading(); }, [this] { storage_.EndReading(); }) {
  LOAM_CHECK(options.resolver != nullptr && options.pool != nullptr && options.clock != nullptr, "incomplete options");
  LOAM_CHECK(options.storage == nullptr || options.results != nullptr, "a storage needs a result store");
}

void SolverCore::Event(std::function<void()> handler) {
  strand_.Post([this, handler = std::move(handler)] {
    handler();
    Settle();
  });
}

void SolverCore::Settle() {
  while (!dirty_.empty() || !changed_tickets_.empty()) {
    while (!dirty_.empty()) {
      const std::shared_ptr<VertexState> state = std::move(dirty_.front());
      dirty_.pop_front();
      state->queued = false;
      if (!state->dead) {
        Advance(*state);
      }
    }
    SettleTickets();
  }
}

void SolverCore::SettleTickets() {
  std::vector<Ticket*> changed;
  changed.swap(changed_tickets_);
  for (Ticket* ticket : changed) {
    if (tickets_.count(ticket) > 0) {
      CheckTicket(*ticket);
    }
  }
}

std::uint64_t SolverCore::AddJob(JobOptions options) {
  LOAM_CHECK(options.context != nullptr && options.progress != nullptr, "incomplete job options");
  std::uint64_t id = 0;
  strand_.PostAndWait([&] {
    id = next_job_++;
    auto job = std::make_unique<JobState>();
    job->parts =
        std::make_shared<const JobParts>(JobParts{id, std::move(options.context), std::move(options.progress)});
    jobs_.emplace(id, std::move(job));
  });
  return id;
}

void SolverCore::RemoveJob(std::uint64_t id) {
  std::unique_ptr<JobState> gone;  // destroyed outside of the strand
  strand_.PostAndWait([&] {
    const auto found = jobs_.find(id);
    while (!found->second->tickets.empty()) {
      Ticket& ticket = *found->second->tickets.back();
      FinishTicket(ticket, Unexpected(ErrorCode::kCanceled, "the job has ended"));
      Release(ticket, false);
    }
    gone = std::move(found->second);
    jobs_.erase(found);
    Settle();
  });
}

Result<std::vector<ResultPtr>> SolverCore::Solve(std::uint64_t job, const GraphPtr& graph,
                                                 std::span<const Edge> outputs, std::stop_token stop) {
  const auto call = std::make_shared<SolveCall>();
  Event([this, job, graph, call, wanted = std::vector<Edge>(outputs.begin(), outputs.end())] {
    Begin(job, graph, wanted, call);
  });
  const std::stop_callback on_stop(stop, [&] {
    Event([this, call] {
      for (const auto& [ticket, owner] : tickets_) {
        if (ticket->call == call && !ticket->finished) {
          FinishTicket(*ticket, Unexpected(ErrorCode::kCanceled, "context canceled"));
          Release(*ticket, true);
          return;
        }
      }
    });
  });
  Result<std::vector<ResultPtr>> result = call->Wait();
  if (!call->used().empty()) {
    // Only statistics for pruning: a failure to write them is no reason to fail a build.
    static_cast<void>(storage_.MarkUsed(call->used()));
  }
  return result;
}

void SolverCore::WaitForTasks() {
  std::unique_lock lock(tasks_mutex_);
  tasks_done_.wait(lock, [&] { return running_tasks_ == 0; });
}

void SolverCore::Begin(std::uint64_t job, const GraphPtr& graph, const std::vector<Edge>& outputs,
                       const std::shared_ptr<SolveCall>& call) {
  auto owner = std::make_unique<Ticket>();
  Ticket& ticket = *owner;
  ticket.job = jobs_.at(job).get();
  ticket.call = call;
  tickets_.emplace(&ticket, std::move(owner));
  ticket.job->tickets.push_back(&ticket);
  Subscribe(ticket, graph, outputs);
  for (InputState& output : ticket.outputs) {
    output.vertex->watchers.push_back(&ticket);
    Want(output, Level::kResult);
  }
  changed_tickets_.push_back(&ticket);
}

void SolverCore::Subscribe(Ticket& ticket, const GraphPtr& graph, const std::vector<Edge>& outputs) {
  // Which vertices are needed, users first; then who is local to the job, inputs first.
  std::unordered_map<const Vertex*, bool> local;
  for (const Edge& output : outputs) {
    local.emplace(output.vertex, false);
  }
  const auto& vertices = graph->vertices();
  std::vector<const Vertex*> needed;
  for (auto it = vertices.rbegin(); it != vertices.rend(); ++it) {
    if (local.count(&*it) > 0) {
      needed.push_back(&*it);
      for (const Edge& input : it->inputs) {
        local.emplace(input.vertex, false);
      }
    }
  }
  LOAM_CHECK(needed.size() == local.size(), "an edge of another graph, or inputs that follow their users");
  for (auto it = needed.rbegin(); it != needed.rend(); ++it) {
    const Vertex& vertex = **it;
    local[&vertex] = vertex.options.job_local || std::any_of(vertex.inputs.begin(), vertex.inputs.end(),
                                                             [&](const Edge& input) { return local[input.vertex]; });
  }

  // A state that exists is taken with the inputs it has; only what no state covers gets a new one.
  std::unordered_map<const Vertex*, VertexState*> chosen;
  std::vector<std::shared_ptr<VertexState>> created;
  std::unordered_set<const Vertex*> covered;
  for (const Edge& output : outputs) {
    covered.insert(output.vertex);
  }
  for (const Vertex* vertex : needed) {
    if (covered.count(vertex) == 0) {
      continue;  // only users with states of their own need it
    }
    StateKey key{vertex->digest, true, local[vertex] ? ticket.job->parts->id : 0};
    auto found = active_.find(key);
    if (found == active_.end() && !vertex->options.ignore_cache) {
      key.ignore_cache = false;
      found = active_.find(key);
    }
    if (found != active_.end()) {
      for (const auto& import : vertex->options.imports) {
        auto& imports = found->second->imports;
        if (std::find(imports.begin(), imports.end(), import) == imports.end()) {
          imports.push_back(import);
        }
      }
      chosen.emplace(vertex, found->second);
      continue;
    }
    auto state = std::make_shared<VertexState>();
    state->key = key;
    state->graph = graph;
    state->vertex = vertex;
    state->imports = vertex->options.imports;
    state->channel = std::make_shared<VertexChannel>(graph, *vertex, *options_.clock);
    active_.emplace(key, state.get());
    chosen.emplace(vertex, state.get());
    created.push_back(state);
    for (const Edge& input : vertex->inputs) {
      covered.insert(input.vertex);
    }
  }
  const auto input_state = [&](const Edge& edge) {
    VertexState* state = chosen.at(edge.vertex);
    state->edges.resize(std::max<std::size_t>(state->edges.size(), edge.index + 1));
    InputState input;
    input.vertex = state;
    input.index = edge.index;
    return input;
  };
  for (const auto& state : created) {
    for (const Edge& edge : state->vertex->inputs) {
      state->inputs.push_back(input_state(edge));
      state->inputs.back().vertex->users.insert(state.get());
    }
  }
  for (const Edge& output : outputs) {
    ticket.outputs.push_back(input_state(output));
  }
  for (const InputState& output : ticket.outputs) {
    Hold(ticket, *output.vertex);
  }
}

void SolverCore::Hold(Ticket& ticket, VertexState& state) {
  // Post-order without recursion, so that the states are held and announced inputs first.
  std::vector<std::pair<VertexState*, std::size_t>> stack;
  const auto enter = [&](VertexState& entered) {
    if (entered.tickets.insert(&ticket).second) {
      stack.emplace_back(&entered, 0);
    }
  };
  enter(state);
  while (!stack.empty()) {
    auto& [current, next] = stack.back();
    if (next < current->inputs.size()) {
      enter(*current->inputs[next++].vertex);
      continue;
    }
    current->channel->Join(ticket.job->parts);
    ticket.states.push_back(current->shared_from_this());
    stack.pop_back();
  }
}

void SolverCore::CheckTicket(Ticket& ticket) {
  if (ticket.finished) {
    return;
  }
  std::vector<ResultPtr> results;
  for (const InputState& output : ticket.outputs) {
    if (output.vertex->error) {
      FinishTicket(ticket, Unexpected(*output.vertex->error));
      Release(ticket, true);
      return;
    }
    if (output.edge().level == Level::kResult) {
      results.push_back(output.edge().result);
    }
  }
  if (results.size() == ticket.outputs.size()) {
    FinishTicket(ticket, std::move(results));  // keeps its states, so that the job's next call finds them
  }
}

void SolverCore::FinishTicket(Ticket& ticket, Result<std::vector<ResultPtr>> result) {
  if (ticket.finished) {
    return;
  }
  ticket.finished = true;
  std::vector<RecordId> used;
  for (const auto& state : ticket.states) {
    for (const EdgeState& edge : state->edges) {
      if (edge.used) {
        used.push_back(*edge.used);
      }
    }
  }
  ticket.call->Finish(std::move(result), std::move(used));
}

void SolverCore::Release(Ticket& ticket, bool keep_reports) {
  JobState& job = *ticket.job;
  std::erase(job.tickets, &ticket);
  std::vector<std::shared_ptr<VertexState>> states = std::move(ticket.states);
  for (const auto& state : states) {
    state->tickets.erase(&ticket);
    std::erase(state->watchers, &ticket);
    state->dead = state->tickets.empty();
    if (state->dead) {
      // Work that is going on ends for want of anyone who waits for it.
      const bool unfinished = state->run == Phase::kRunning || state->cache_map_phase == Phase::kRunning ||
                              std::any_of(state->inputs.begin(), state->inputs.end(),
                                          [](const InputState& input) { return input.content == Phase::kRunning; });
      if (unfinished) {
        state->canceled = true;
        if (state->channel->started() && !state->channel->completed()) {
          state->channel->Completed(false, "context canceled");
        }
        // Not here: what an op does when it is stopped is its own business, and may take a while.
        Submit(
            [channel = state->channel]() -> Handler {
              channel->RequestStop();
              return nullptr;
            },
            false);
      }
    }
    if (keep_reports) {
      job.saved.push_back(ReportOf(*state));
    }
    const bool still_needed = std::any_of(state->tickets.begin(), state->tickets.end(),
                                          [&](const Ticket* other) { return other->job == &job; });
    if (!still_needed) {
      state->channel->Leave(job.parts->id);
    }
  }
  for (const auto& state : states) {
    if (!state->dead) {
      continue;
    }
    for (const InputState& input : state->inputs) {
      if (!input.vertex->dead) {
        input.vertex->users.erase(state.get());
      }
    }
    const auto active = active_.find(state->key);
    if (active != active_.end() && active->second == state.get()) {
      active_.erase(active);
    }
  }
  std::erase(changed_tickets_, &ticket);
  tickets_.erase(&ticket);
}

}  // namespace loam::solver
