#include "compiler/passes/rewriter.h"

#include <algorithm>

#include "base/check.h"

namespace loam::passes {

namespace {

// A list of operands without repetitions, and where each of the old ones went.
struct CompactOperands {
  std::vector<ir::Value> operands;
  std::vector<std::int64_t> place;

  explicit CompactOperands(const std::vector<ir::Value>& all) {
    for (const ir::Value& value : all) {
      const auto found = std::find(operands.begin(), operands.end(), value);
      place.push_back(found - operands.begin());
      if (found == operands.end()) {
        operands.push_back(value);
      }
    }
  }
  // An index of an operand, of an earlier action (counted after the operands), or -1.
  [[nodiscard]] std::int64_t Index(std::int64_t old) const {
    if (old < 0) {
      return old;
    }
    const auto index = static_cast<std::size_t>(old);
    return index < place.size() ? place[index] : old - static_cast<std::int64_t>(place.size() - operands.size());
  }
  [[nodiscard]] bool changed() const { return operands.size() != place.size(); }
};

void MapUser(std::optional<ir::User>& user, const CompactOperands& compact) {
  if (user && !user->name.empty()) {
    user->input = compact.Index(user->input);
  }
}

}  // namespace

Rewriter::Rewriter(const ir::Module& from) : from_(from) {}

ir::Module Rewriter::Run(const std::function<ir::Value(ir::NodeId)>& make) {
  made_.assign(from_.graph.size(), ir::Value{});
  const std::vector<ir::Value> roots = Roots(from_);
  for (const ir::NodeId id : from_.graph.PostOrder(roots)) {
    made_[id.value()] = make(id);
  }
  to_.sources = from_.sources;
  for (ir::SourceFile& file : to_.sources) {
    if (file.state) {
      file.state = Map(*file.state);
    }
  }
  to_.results = from_.results;
  for (ir::ModuleResult& result : to_.results) {
    result.fs = Map(result.fs);
    if (result.platform) {
      result.platform = to_.graph.Intern(*result.platform);
    }
  }
  return std::move(to_);
}

ir::Value Rewriter::Map(ir::Value old) const {
  if (old.is_scratch()) {
    return old;
  }
  ir::Value value = made_[old.node];
  LOAM_CHECK(!value.is_scratch(), "a pass asked for a node that it did not make");
  value.result += old.result;
  return value;
}

ir::Value Rewriter::CopyExec(const ir::Node& node, const ir::NodeOptions& options) {
  std::vector<ir::Value> mapped;
  for (const ir::Value& operand : node.operands()) {
    mapped.push_back(Map(operand));
  }
  const CompactOperands compact(mapped);
  ir::ExecAttrs exec = node.As<ir::ExecAttrs>();
  std::vector<ir::Mount> mounts;
  if (compact.changed()) {
    mounts.assign(exec.mounts.begin(), exec.mounts.end());
    for (ir::Mount& mount : mounts) {
      mount.input = compact.Index(mount.input);
    }
    exec.mounts = mounts;
  }
  return to_.graph.AddAny(node.kind(), compact.operands, &exec, options);
}

ir::Value Rewriter::CopyFile(const ir::Node& node, const ir::NodeOptions& options) {
  std::vector<ir::Value> mapped;
  for (const ir::Value& operand : node.operands()) {
    mapped.push_back(Map(operand));
  }
  const CompactOperands compact(mapped);
  ir::FileAttrs file = node.As<ir::FileAttrs>();
  std::vector<ir::FileAction> actions;
  if (compact.changed()) {
    actions.assign(file.actions.begin(), file.actions.end());
    for (ir::FileAction& action : actions) {
      action.input = compact.Index(action.input);
      action.secondary_input = compact.Index(action.secondary_input);
      if (action.owner) {
        MapUser(action.owner->user, compact);
        MapUser(action.owner->group, compact);
      }
    }
    file.actions = actions;
  }
  return to_.graph.Add<ir::OpKind::kFile>(compact.operands, file, options);
}

ir::Value Rewriter::Copy(ir::NodeId old) {
  const ir::Node& node = from_.graph.node(old);
  const ir::NodeOptions options{.platform = node.platform(), .worker_constraints = node.worker_constraints()};
  ir::Value value;
  if (node.kind() == ir::OpKind::kExec || node.kind() == ir::OpKind::kCapture) {
    value = CopyExec(node, options);
  } else if (node.kind() == ir::OpKind::kFile) {
    value = CopyFile(node, options);
  } else {
    std::vector<ir::Value> operands;
    for (const ir::Value& operand : node.operands()) {
      operands.push_back(Map(operand));
    }
    value = ir::VisitAttrsType(node.kind(), [&]<class A>(std::type_identity<A>) {
      return to_.graph.AddAny(node.kind(), operands, &node.As<A>(), options);
    });
  }
  for (const ir::Metadata* metadata : from_.graph.MetadataOf(old)) {
    to_.graph.Annotate(value, *metadata);
  }
  return value;
}

std::vector<ir::Value> Roots(const ir::Module& module) {
  std::vector<ir::Value> roots;
  for (const ir::ModuleResult& result : module.results) {
    roots.push_back(result.fs);
  }
  for (const ir::SourceFile& file : module.sources) {
    if (file.state) {
      roots.push_back(*file.state);
    }
  }
  return roots;
}

std::vector<std::uint32_t> CountUses(const ir::Module& module) {
  std::vector<std::uint32_t> uses(module.graph.size());
  const auto count = [&uses](ir::Value value) {
    if (!value.is_scratch()) {
      ++uses[value.node];
    }
  };
  const std::vector<ir::Value> roots = Roots(module);
  std::for_each(roots.begin(), roots.end(), count);
  for (const ir::NodeId id : module.graph.PostOrder(roots)) {
    const auto operands = module.graph.node(id).operands();
    std::for_each(operands.begin(), operands.end(), count);
  }
  return uses;
}

std::string_view Described(const ir::Metadata& metadata, std::string_view key) {
  for (const ir::KeyValue& entry : metadata.description) {
    if (entry.key == key) {
      return entry.value;
    }
  }
  return {};
}

std::string StepName(const ir::Graph& graph, ir::NodeId id) {
  const std::string_view name = Described(graph.MergedMetadata(id), kCustomName);
  return std::string(name.empty() ? ir::GetOpInfo(graph.node(id).kind()).text : name);
}

}  // namespace loam::passes
