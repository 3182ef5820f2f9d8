// The LLB source of a git reference.
#pragma once

#include "compiler/ir/graph.h"
#include "compiler/sema/dockerfile/git_reference.h"

namespace loam::sema {

ir::Value AddGitSource(ir::Graph& graph, const GitReference& git);

}  // namespace loam::sema
