// LLB -> IR: the way back from emission, for looking at foreign graphs and for running passes on them. Emitting what
// was imported gives the same ops, byte for byte, unless an op holds what the IR does not keep (it then fails here).
#pragma once

#include <string_view>

#include "base/result.h"
#include "compiler/ir/module.h"
#include "llb-emit/read.h"

namespace loam::llb {

// A module with one result, the graph's root; without an image config, which LLB does not have.
[[nodiscard]] Result<ir::Module> ImportModule(const Graph& graph);

// The graph's root as a value of another graph, with the metadata of its ops but their places in sources; scratch for
// an empty definition.
[[nodiscard]] Result<ir::Value> ImportInto(ir::Graph& target, const Graph& graph);

// An input that another build gave this one: a serialised pb.Definition. kUnknown if it is none at all, in the words of
// upstream.
[[nodiscard]] Result<ir::Value> ImportInput(ir::Graph& target, std::string_view name, std::string_view definition);

}  // namespace loam::llb
