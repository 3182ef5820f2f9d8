// Makes equal subgraphs one, across stages. The graph does this by itself while it is built; left for this pass are
// nodes that became equal later: sources whose attributes were set at the end, and all that follows from them. Names
// and source ranges are no difference: the step keeps those of both.
#include <fmt/format.h>
#include "compiler/passes/pass.h"

#include "compiler/passes/rewriter.h"

namespace loam::passes {

void ShareEqual(ir::Module& module, Changes& changes) {
  Changes made;
  std::vector<ir::NodeId> made_from;  // by new node: the first old one
  Rewriter rewriter(module);
  ir::Module shared = rewriter.Run([&](ir::NodeId id) {
    const ir::Value value = rewriter.Copy(id);
    if (value.node < made_from.size()) {
      made.push_back(fmt::format("{} is the same step as {}", StepName(module.graph, id),
                                 StepName(module.graph, made_from[value.node])));
    } else {
      made_from.push_back(id);
    }
    return value;
  });
  if (!made.empty()) {
    module = std::move(shared);
    changes.insert(changes.end(), made.begin(), made.end());
  }
}

}  // namespace loam::passes
