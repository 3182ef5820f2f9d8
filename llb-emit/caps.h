// The capabilities that an op needs of the builder, as upstream derives them when it makes or marshals the op.
#pragma once

#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"

namespace loam::llb {

// A small sorted set of names. Names must outlive it.
class CapSet {
 public:
  void Add(std::string_view name);
  [[nodiscard]] bool Contains(std::string_view name) const;
  void Clear() { names_.clear(); }
  [[nodiscard]] auto begin() const { return names_.begin(); }
  [[nodiscard]] auto end() const { return names_.end(); }

 private:
  std::vector<std::string_view> names_;
};

// Adds what follows from the op itself; `linux_resources`: whether its metadata limits the cgroup.
void AddOpCaps(const ir::Node& node, bool linux_resources, CapSet& caps);

}  // namespace loam::llb
