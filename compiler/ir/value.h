// NodeId and Value: references into one Graph.
#pragma once

#include <compare>
#include <cstdint>

#include "base/typed_id.h"

namespace loam::ir {

using NodeId = TypedId<struct IrNodeTag, std::uint32_t>;

// One result of a node. The default-constructed Value is `scratch`: the empty filesystem, which no node produces (LLB
// has no vertex for it either).
struct Value {
  static constexpr std::uint32_t kNone = 0xffffffffU;

  std::uint32_t node = kNone;
  std::uint32_t result = 0;

  [[nodiscard]] bool is_scratch() const { return node == kNone; }
  [[nodiscard]] NodeId node_id() const { return NodeId(node); }

  friend auto operator<=>(const Value&, const Value&) = default;
};

}  // namespace loam::ir
