#include "runtime-executor/gateway/earthfile/step_registry.h"

#include <algorithm>
#include <charconv>

#include "compiler/sema/earthfile/journal.h"

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
    } else if (item.key.starts_with(sema::earthfile::kCommandKeyPrefix)) {
      const std::string_view digits = item.key.substr(sema::earthfile::kCommandKeyPrefix.size());
      std::uint32_t number = 0;
      if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc()) {
        step.commands.push_back(number);
      }
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
    if (op.node == ir::Value::kNone) {
      continue;
    }
    const auto known = steps_.find(op.digest);
    if (known != steps_.end() && known->second.commands.empty()) {
      continue;
    }
    Step step = StepOf(graph.MergedMetadata(ir::NodeId(op.node)));
    if (known == steps_.end()) {
      if (!step.target.empty() || step.internal) {
        steps_.emplace(op.digest, std::move(step));
      }
      continue;
    }
    // Another command may have come to the same step since.
    std::vector<std::uint32_t>& commands = known->second.commands;
    for (const std::uint32_t number : step.commands) {
      if (std::find(commands.begin(), commands.end(), number) == commands.end()) {
        commands.push_back(number);
      }
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

std::map<std::uint32_t, std::vector<Digest>> StepRegistry::VerticesOfCommands() const {
  const std::lock_guard lock(mutex_);
  std::map<std::uint32_t, std::vector<Digest>> vertices;
  for (const auto& [digest, step] : steps_) {
    for (const std::uint32_t number : step.commands) {
      vertices[number].push_back(digest);
    }
  }
  return vertices;
}

}  // namespace loam::gateway::earthfile
