// Drops what no result needs: stages that nothing copies from, steps that an earlier pass replaced.
#include <fmt/format.h>
#include "compiler/passes/pass.h"

#include "compiler/passes/rewriter.h"

namespace loam::passes {

void DropUnreachable(ir::Module& module, Changes& changes) {
  const std::vector<ir::Value> roots = Roots(module);
  const std::vector<ir::NodeId> needed = module.graph.PostOrder(roots);
  if (needed.size() == module.graph.size()) {
    return;
  }
  std::vector<bool> is_needed(module.graph.size());
  for (const ir::NodeId id : needed) {
    is_needed[id.value()] = true;
  }
  for (std::size_t i = 0; i < is_needed.size(); ++i) {
    if (!is_needed[i]) {
      changes.push_back(fmt::format("dropped {}: no result needs it",
                                    StepName(module.graph, ir::NodeId(static_cast<std::uint32_t>(i)))));
    }
  }
  Rewriter rewriter(module);
  module = rewriter.Run([&rewriter](ir::NodeId id) { return rewriter.Copy(id); });
}

}  // namespace loam::passes
