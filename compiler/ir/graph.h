// Graph: the nodes of the IR, hash-consed in an arena. A node is immutable, its operands are older than itself, and
// making a node equal to an existing one gives the existing one.
//
// Order: LLB lists vertices by depth-first post-order from the result. The order in which a node's inputs are walked is
// its operands' order, except for `file`: first the operand that is the input of its first action, then the secondary
// inputs from the last action to the first (WalkOrder gives exactly this).
//
// Not thread-safe; movable. Views handed out live as long as the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "compiler/ir/arena.h"
#include "compiler/ir/attributes.h"
#include "compiler/ir/metadata.h"
#include "compiler/ir/op.h"
#include "compiler/ir/platform.h"
#include "compiler/ir/value.h"

namespace loam::ir {

class Node {
 public:
  [[nodiscard]] OpKind kind() const { return kind_; }
  // An open source node: its attributes may still be set (Graph::Close), and it is equal only to itself.
  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] std::span<const Value> operands() const { return operands_; }
  [[nodiscard]] const Platform* platform() const { return platform_; }
  [[nodiscard]] Strings worker_constraints() const { return worker_constraints_; }
  [[nodiscard]] std::uint32_t result_count() const { return result_count_; }

  // The attributes, as the struct that ops.def names for kind().
  template <class T>
  [[nodiscard]] const T& As() const {
    const bool matches = VisitAttrsType(kind_, []<class A>(std::type_identity<A>) { return std::is_same_v<A, T>; });
    LOAM_CHECK(matches, "attributes asked for as another op's");
    return *static_cast<const T*>(attrs_);
  }

 private:
  friend class Graph;
  OpKind kind_{};
  bool open_ = false;
  std::uint32_t result_count_ = 1;
  std::uint64_t hash_ = 0;
  std::span<const Value> operands_;
  const void* attrs_ = nullptr;
  const Platform* platform_ = nullptr;
  Strings worker_constraints_;
  std::vector<const Metadata*> metadata_;
};

// What a node is made of besides its attributes.
struct NodeOptions {
  const Platform* platform = nullptr;  // copied
  Strings worker_constraints;
};

class Graph {
 public:
  Graph();
  ~Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;

  // Makes (or finds) a node; operands and attributes are copied deep into the arena. The results are Value{node, 0…}.
  template <OpKind kKind>
  Value Add(std::span<const Value> operands, const typename AttrsOf<kKind>::type& attrs,
            const NodeOptions& options = {}) {
    return AddAny(kKind, operands, &attrs, options);
  }
  // The same with the kind as a value; `attrs` points to the struct that ops.def names.
  Value AddAny(OpKind kind, std::span<const Value> operands, const void* attrs, const NodeOptions& options);

  // A node whose attributes are not known yet, such as the build context, whose paths are known when all COPYs are
  // seen. It must be closed before the graph is emitted, printed or verified.
  Value AddOpen(OpKind kind);
  template <OpKind kKind>
  void Close(Value value, const typename AttrsOf<kKind>::type& attrs, const NodeOptions& options = {}) {
    CloseAny(value, kKind, &attrs, options);
  }
  void CloseAny(Value value, OpKind kind, const void* attrs, const NodeOptions& options);

  // Adds metadata to a node; copied deep. Nothing happens for scratch.
  void Annotate(Value value, const Metadata& metadata);
  // All metadata of a node as LLB would merge it: later descriptions win, locations add up. Views into the arena.
  [[nodiscard]] Metadata MergedMetadata(NodeId id) const { return MergeMetadata(MetadataOf(id)); }
  [[nodiscard]] Metadata MergeMetadata(std::span<const Metadata* const> all) const;
  [[nodiscard]] std::span<const Metadata* const> MetadataOf(NodeId id) const;

  [[nodiscard]] const Node& node(NodeId id) const { return nodes_[id.value()]; }
  [[nodiscard]] const Node& node(Value value) const { return nodes_[value.node]; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  // The type of a value; scratch is fs.
  [[nodiscard]] Type TypeOf(Value value) const;

  // The nodes that `roots` need, in LLB's order (see above).
  [[nodiscard]] std::vector<NodeId> PostOrder(std::span<const Value> roots) const;
  // The operands of a node in the order in which LLB walks them.
  [[nodiscard]] std::vector<Value> WalkOrder(NodeId id) const;

  // The platform with its text in this graph.
  Platform Intern(const Platform& platform) { return *CopyPlatform(&platform); }

  // Text and arrays with the graph's lifetime. An array made by CopyArray must refer only to text of the graph.
  std::string_view Intern(std::string_view text) { return arena_.Intern(text); }
  template <class T>
  std::span<const T> CopyArray(std::span<const T> items) const {
    if (items.empty()) {
      return {};
    }
    T* copy = static_cast<T*>(arena_.Allocate(items.size_bytes(), alignof(T)));
    std::uninitialized_copy(items.begin(), items.end(), copy);
    return {copy, items.size()};
  }
  void* Allocate(std::size_t bytes, std::size_t alignment) const { return arena_.Allocate(bytes, alignment); }

 private:
  const void* CopyAttrs(OpKind kind, const void* attrs);
  const Platform* CopyPlatform(const Platform* platform);
  void InsertIndex(std::uint32_t node);

  mutable Arena arena_;  // MergedMetadata makes its lists there
  std::deque<Node> nodes_;
  std::vector<std::uint32_t> index_;  // open addressing by hash; kNone is free
  std::size_t indexed_ = 0;
  const Platform* last_platform_ = nullptr;
};

}  // namespace loam::ir
