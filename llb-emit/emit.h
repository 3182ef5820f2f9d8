// IR -> pb.Definition. The bytes are deterministic and every op is the bytes that upstream's encoder writes, so
// digests, and with them caches, are shared with BuildKit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "compiler/ir/module.h"

namespace pb {
class Definition;
}

namespace loam::llb {

struct EmitOptions {
  // OpMetadata and Source; without them only the ops are written.
  bool metadata = true;
};

struct EmittedOp {
  Digest digest;
  // Where the op lies in Definition::bytes.
  std::size_t offset = 0;
  std::size_t size = 0;
  // The node it was made from (of equal ops the first); the default Value's node for the last op of a definition.
  std::uint32_t node = ir::Value::kNone;
};

// A whole graph. Movable; the views of OpBytes live as long as the object stays where it is.
struct Definition {
  // A serialised pb.Definition: ops, then metadata and source locations sorted by digest. Empty for scratch.
  std::string bytes;
  // In the order of upstream's marshaller: depth-first post-order. The last one is no vertex: its single input is the
  // result.
  std::vector<EmittedOp> ops;
  // The vertex that the last op points at; the empty digest for scratch.
  Digest head;

  [[nodiscard]] std::string_view OpBytes(std::size_t index) const {
    return std::string_view(bytes).substr(ops[index].offset, ops[index].size);
  }
};

// The graph that `root` needs. Fails with kFailedPrecondition on an op that LLB does not have (a pass should have
// replaced it) and with kInvalidArgument on text that is not UTF-8, as upstream does.
[[nodiscard]] Result<Definition> Emit(const ir::Module& module, ir::Value root, const EmitOptions& options = {});
// The same for a value of a graph that is still being made: metadata is written, source locations are not.
[[nodiscard]] Result<Definition> Emit(const ir::Graph& graph, ir::Value root, const EmitOptions& options = {});

// The same as a protobuf object.
[[nodiscard]] pb::Definition ToProto(const Definition& definition);

}  // namespace loam::llb
