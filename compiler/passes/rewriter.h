// Rewriter: makes a module anew, node by node, inputs before those that use them. Only what the results need is made.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/ir/module.h"

namespace loam::passes {

class Rewriter {
 public:
  // The module must outlive the rewriter.
  explicit Rewriter(const ir::Module& from);

  // Calls `make` for each node that a result or a source file needs. What it returns takes the node's place: result i
  // of the old node becomes result i counted from there. It returns the default Value for a node that nobody will ask
  // for.
  ir::Module Run(const std::function<ir::Value(ir::NodeId)>& make);

  // The new value for an old one whose node was made.
  [[nodiscard]] ir::Value Map(ir::Value old) const;
  // The same node over the mapped operands, with its metadata. Where LLB lists an input once (exec, file), operands
  // that became equal become one.
  ir::Value Copy(ir::NodeId old);
  // Lets `value` stand for the old node from now on; returns what did until now.
  ir::Value Exchange(ir::NodeId old, ir::Value value) { return std::exchange(made_[old.value()], value); }
  [[nodiscard]] ir::Graph& graph() { return to_.graph; }

 private:
  ir::Value CopyExec(const ir::Node& node, const ir::NodeOptions& options);
  ir::Value CopyFile(const ir::Node& node, const ir::NodeOptions& options);

  const ir::Module& from_;
  ir::Module to_;
  std::vector<ir::Value> made_;  // by old node
};

// How many nodes' operands, results and source files refer to each node; by node.
[[nodiscard]] std::vector<std::uint32_t> CountUses(const ir::Module& module);

// All values that must stay: results and the states that source files lie in.
[[nodiscard]] std::vector<ir::Value> Roots(const ir::Module& module);

// What the user calls the step: its name in the progress display ("[2/5] RUN make"), or the op ("exec").
[[nodiscard]] std::string StepName(const ir::Graph& graph, ir::NodeId id);

// The value of a description, "" if there is none.
[[nodiscard]] std::string_view Described(const ir::Metadata& metadata, std::string_view key);

inline constexpr std::string_view kCustomName = "llb.customname";

}  // namespace loam::passes
