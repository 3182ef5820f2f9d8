// pb.Definition -> an indexed graph, or an error that says what is wrong with it. Made for bytes from anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/typed_id.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::llb {

// A vertex's place in Graph::vertices().
using VertexIndex = TypedId<struct LlbVertexTag, std::uint32_t>;

// An output of a vertex.
struct Edge {
  VertexIndex vertex;
  std::uint32_t output = 0;

  friend auto operator<=>(const Edge&, const Edge&) = default;
};

struct Vertex {
  Digest digest;
  std::string_view bytes;  // what the digest is of
  pb::Op op;
  std::vector<Edge> inputs;                  // as Op.inputs
  const pb::OpMetadata* metadata = nullptr;  // null: none given
  const pb::Locations* locations = nullptr;  // null: none given
  bool reachable = false;                    // from the result
};

// What may be read; the defaults are far above real definitions.
struct ReadLimits {
  std::size_t bytes = std::size_t{1} << 30;
  std::size_t vertices = 1'000'000;
};

// Immutable, movable; pointers and views live as long as the graph.
class Graph {
 public:
  // In the definition's order, equal ops once, without the last op, which is no vertex.
  [[nodiscard]] const std::vector<Vertex>& vertices() const { return vertices_; }
  [[nodiscard]] const Vertex& vertex(VertexIndex index) const { return vertices_[index.value()]; }
  [[nodiscard]] const Vertex* Find(const Digest& digest) const;

  // Scratch: a definition without ops, or whose last op has no input.
  [[nodiscard]] bool is_scratch() const { return scratch_; }
  // The result; meaningless for scratch.
  [[nodiscard]] Edge root() const { return root_; }
  // The vertices that the result needs, inputs before those that use them.
  [[nodiscard]] const std::vector<VertexIndex>& order() const { return order_; }

  // The digests of all ops as they stand in the definition, the last op's included.
  [[nodiscard]] const std::vector<Digest>& op_digests() const { return op_digests_; }
  [[nodiscard]] const pb::Definition& definition() const { return *definition_; }

 private:
  friend Result<Graph> ReadDefinition(std::unique_ptr<const pb::Definition> definition, const ReadLimits& limits);

  std::unique_ptr<const pb::Definition> definition_;
  std::vector<Vertex> vertices_;
  std::unordered_map<Digest, std::uint32_t> by_digest_;
  std::vector<VertexIndex> order_;
  std::vector<Digest> op_digests_;
  Edge root_;
  bool scratch_ = true;
};

// Errors are kInvalidArgument and name the op by its place and digest: bytes that are no definition or no op, inputs
// that are missing, wrong digests, indexes out of bounds, ops without what their kind needs, cycles.
[[nodiscard]] Result<Graph> ReadDefinition(std::string_view bytes, const ReadLimits& limits = {});
[[nodiscard]] Result<Graph> ReadDefinition(std::unique_ptr<const pb::Definition> definition,
                                           const ReadLimits& limits = {});

}  // namespace loam::llb
