// merge(merge(a, b), c) becomes merge(a, b, c): upper layers win either way, and the step in between, which nothing
// else uses, is never made. A chain of COPY --link is such a chain of merges.
#include <algorithm>

#include <fmt/format.h>

#include "compiler/passes/pass.h"
#include "compiler/passes/rewriter.h"

namespace loam::passes {

namespace {

bool SameWorkers(const ir::Node& a, const ir::Node& b) {
  return std::equal(a.worker_constraints().begin(), a.worker_constraints().end(), b.worker_constraints().begin(),
                    b.worker_constraints().end());
}

// The lowest operand of `id` if it is a merge that only `id` uses, and that would run under the same conditions.
std::optional<ir::NodeId> InnerMerge(const ir::Graph& graph, ir::NodeId id, const std::vector<std::uint32_t>& uses) {
  const ir::Node& outer = graph.node(id);
  if (outer.kind() != ir::OpKind::kMerge || outer.operands().empty() || outer.operands().front().is_scratch()) {
    return std::nullopt;
  }
  const ir::NodeId below = outer.operands().front().node_id();
  const ir::Node& inner = graph.node(below);
  if (inner.kind() != ir::OpKind::kMerge || uses[below.value()] != 1 || !SameWorkers(inner, outer) ||
      graph.MergedMetadata(below).ignore_cache != graph.MergedMetadata(id).ignore_cache) {
    return std::nullopt;
  }
  return below;
}

}  // namespace

void FlattenMerges(ir::Module& module, Changes& changes) {
  const std::vector<std::uint32_t> uses = CountUses(module);
  const std::vector<ir::NodeId> order = module.graph.PostOrder(Roots(module));
  std::vector<bool> absorbed(module.graph.size());
  bool any = false;
  for (const ir::NodeId id : order) {
    if (const auto inner = InnerMerge(module.graph, id, uses)) {
      absorbed[inner->value()] = true;
      any = true;
    }
  }
  if (!any) {
    return;
  }
  Rewriter rewriter(module);
  std::vector<std::vector<ir::Value>> layers(module.graph.size());  // of absorbed merges
  module = rewriter.Run([&](ir::NodeId id) -> ir::Value {
    const ir::Node& node = module.graph.node(id);
    const auto inner = InnerMerge(module.graph, id, uses);
    if (!inner && !absorbed[id.value()]) {
      return rewriter.Copy(id);
    }
    std::vector<ir::Value> operands;
    for (const ir::Value& operand : node.operands()) {
      if (inner && operands.empty()) {
        operands = std::move(layers[inner->value()]);
      } else {
        operands.push_back(rewriter.Map(operand));
      }
    }
    if (absorbed[id.value()]) {
      layers[id.value()] = std::move(operands);
      return {};
    }
    changes.push_back(fmt::format("{} merges {} layers at once", StepName(module.graph, id), operands.size()));
    const ir::Value value = rewriter.graph().Add<ir::OpKind::kMerge>(
        operands, {}, {.platform = node.platform(), .worker_constraints = node.worker_constraints()});
    for (const ir::Metadata* metadata : module.graph.MetadataOf(id)) {
      rewriter.graph().Annotate(value, *metadata);
    }
    return value;
  });
}

}  // namespace loam::passes
