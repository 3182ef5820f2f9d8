#include "runtime-executor/gateway/earthfile/step_registry.h"

namespace loam::gateway::earthfile {
namespace {

Step StepOf(const ir::Metadata& metadata) {
  Step step;
  for (const ir::KeyValue& item : metadata.description) {
    if (item.key == "loam.target") {
      step.target = item.value;
    } else if (item.key == "loam.args") {
      step.args = item.value;
    } else if (item.key == "loam.command") {
      step.command = item.value;
    } else if (item.key == "loam.place") {
      step.place = item.value;
    } else if (item.key == "loam.chain") {
      step.chain = item.value;
    } else if (item.key == "loam.platform") {
      step.platform = item.value;
    } else if (item.key == "loam.internal") {
      step.internal = item.value == "1";
    } else if (item.key == "loam.raw") {
      step.raw = item.value == "1";
    }
  }
  return step;
}

}  // namespace

void StepRegistry::Add(const ir::Graph& graph, const llb::Definition& definition) {
  const std::lock_guard lock(mutex_);
  for (const llb::EmittedOp& op : definition.ops) {
    if (op.node == ir::Value::kNone || steps_.contains(op.digest)) {
      continue;
    }
    Step step = StepOf(graph.MergedMetadata(ir::NodeId(op.node)));
    if (!step.target.empty() || step.internal) {
      steps_.emplace(op.digest, std::move(step));
    }
  }
}

void StepRegistry::AddNamed(std::string_view name, Step step) {
  const std::lock_guard lock(mutex_);
  named_.insert_or_assign(std::string(name), std::move(step));
}

std::optional<Step> StepRegistry::Find(const Digest& vertex, std::string_view name) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = steps_.find(vertex); found != steps_.end()) {
    return found->second;
  }
  if (const auto found = named_.find(name); found != named_.end()) {
    return found->second;
  }
  return std::nullopt;
}

}  // namespace loam::gateway::earthfile
