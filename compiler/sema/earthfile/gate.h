// Gate: the one lock of an evaluation. Targets are evaluated on threads of their own, but only the thread that holds
// the gate touches the graph, the project and the memo; so none of these needs locks of its own.
//
// The interpreter calls all hosts with the gate held. A host takes what it needs from the graph (emits the definition),
// opens the gate while it waits for the world, and has it again before it returns:
//
//   auto definition = llb::Emit(…);
//   {
//     const Gate::Opened opened(gate);
//     result = job.Solve(definition);
//   }
#pragma once

#include <mutex>

namespace loam::sema::earthfile {

class Gate {
 public:
  void Acquire() { mutex_.lock(); }
  void Release() { mutex_.unlock(); }

  // Open for as long as it lives. A null gate is no gate.
  class Opened {
   public:
    explicit Opened(Gate* gate) : gate_(gate) {
      if (gate_ != nullptr) {
        gate_->Release();
      }
    }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    ~Opened() {
      if (gate_ != nullptr) {
        gate_->Acquire();
      }
    }

   private:
    Gate* gate_;
  };

  // The mutex itself, for condition variables.
  std::mutex& mutex() { return mutex_; }

 private:
  std::mutex mutex_;
};

}  // namespace loam::sema::earthfile
