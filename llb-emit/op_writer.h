// One IR node -> the bytes of its pb.Op.
#pragma once

#include <span>
#include <string_view>

#include "compiler/ir/graph.h"
#include "llb-emit/wire.h"

namespace loam::llb {

// An input of an op: the digest as text and the number of the output.
struct OpInput {
  std::string_view digest;
  std::int64_t index = 0;
};

// Whether LLB has this op.
[[nodiscard]] bool HasLlbForm(ir::OpKind kind);
// "docker-image://" …; "" for source.http, whose identifier is the URL, and for ops that are no sources.
[[nodiscard]] std::string_view SourceScheme(ir::OpKind kind);

// `inputs` are the node's operands, one by one. The node's op must have an LLB form.
void WriteOp(WireWriter& out, const ir::Node& node, std::span<const OpInput> inputs);

}  // namespace loam::llb
