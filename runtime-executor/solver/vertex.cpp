#include "runtime-executor/solver/vertex.h"

namespace loam::solver {

const Vertex* Graph::Add(Vertex vertex) {
  const auto found = by_digest_.find(vertex.digest);
  if (found != by_digest_.end()) {
    return found->second;
  }
  vertices_.push_back(std::move(vertex));
  const Vertex* added = &vertices_.back();
  by_digest_.emplace(added->digest, added);
  return added;
}

const Vertex* Graph::Find(const Digest& digest) const {
  const auto found = by_digest_.find(digest);
  return found == by_digest_.end() ? nullptr : found->second;
}

}  // namespace loam::solver
