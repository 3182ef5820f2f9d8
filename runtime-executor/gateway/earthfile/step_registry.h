// StepRegistry: which target and command of the Earthfiles a vertex of the solver belongs to, for progress and
// messages.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "compiler/ir/graph.h"
#include "llb-emit/emit.h"

namespace loam::gateway::earthfile {

struct Step {
  std::string target;   // "+test", "./lib+build"; empty: of no target
  std::string args;     // "--a=1 --b=2"; what the target was called with
  std::string command;  // "RUN make test"
  std::string place;    // "Earthfile:12:3"
  // How the command was reached, one caller a line, from the nearest.
  std::string chain;
  std::string platform;   // if not the native one
  bool internal = false;  // not written by the user
  bool raw = false;       // RUN --raw-output
  bool local = false;     // runs on the invoker's machine
  bool push = false;
  std::vector<std::uint32_t> commands;  // numbers of the journal; equal steps of several commands are one step
};

// Thread-safe.
class StepRegistry {
 public:
  // The steps of a definition, from the descriptions of its nodes. To be called before it is solved.
  void Add(const ir::Graph& graph, const llb::Definition& definition);
  // A step that is no vertex of a definition; found by its progress name.
  void AddNamed(std::string_view name, Step step);

  // nullopt: nothing is known, the step is of no target.
  [[nodiscard]] std::optional<Step> Find(const Digest& vertex, std::string_view name) const;
  // The vertices of each command of the journal.
  [[nodiscard]] std::map<std::uint32_t, std::vector<Digest>> VerticesOfCommands() const;

 private:
  mutable std::mutex mutex_;  // guards both maps
  std::unordered_map<Digest, Step> steps_;
  std::map<std::string, Step, std::less<>> named_;
};

}  // namespace loam::gateway::earthfile
