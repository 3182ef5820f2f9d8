// Vertex and Graph: what the solver is asked to compute. A vertex is one operation, named by the digest of its whole
// definition; an edge is one of its outputs. The solver knows nothing of what a vertex does: `payload` is for
// OpResolver.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "base/result.h"

namespace loam::solver {

// The operation itself, as its OpResolver understands it (ops::LlbPayload for LLB). Immutable.
class VertexPayload {
 public:
  virtual ~VertexPayload() = default;
};

// Vertices of one group are shown as one line (pb.ProgressGroup).
struct ProgressGroup {
  std::string id;
  std::string name;
  bool weak = false;
};

class CacheImport;

struct VertexOptions {
  // Neither this vertex nor what can only be found through it may be answered from the cache; its result is stored
  // anew.
  bool ignore_cache = false;
  // The result belongs to one job (a directory of its client): never shared in flight with another job, nor is anything
  // made from it, unless their cache keys turn out equal.
  bool job_local = false;
  // Free text of the frontend (pb.OpMetadata.description), such as "llb.customname".
  std::map<std::string, std::string> description;
  std::shared_ptr<const ProgressGroup> progress_group;
  // Caches of the client in which the vertex is looked up when the solver's own does not have it; the first is the
  // best.
  std::vector<std::shared_ptr<const CacheImport>> imports;
  // What the frontend says about the result's place in an exported cache (pb.OpMetadata.export_cache).
  std::optional<bool> export_cache;
};

struct Vertex;

// Output `index` of a vertex of the same Graph.
struct Edge {
  const Vertex* vertex = nullptr;
  std::uint32_t index = 0;
  friend bool operator==(const Edge&, const Edge&) = default;
};

struct Vertex {
  // Digest of the definition of this vertex and, through its inputs, of everything below. Equal digests are one piece
  // of work, also across jobs.
  Digest digest;
  // As shown to people: "[2/5] RUN make".
  std::string name;
  std::vector<Edge> inputs;
  VertexOptions options;
  std::shared_ptr<const VertexPayload> payload;
};

// A directed acyclic graph of vertices, inputs first. Owns them; addresses are stable. Immutable once it is shared.
class Graph {
 public:
  // Adds a vertex whose inputs are vertices of this graph; one with the digest of an earlier vertex gives that vertex.
  const Vertex* Add(Vertex vertex);
  [[nodiscard]] const Vertex* Find(const Digest& digest) const;
  // In the order of addition: inputs before their users.
  [[nodiscard]] const std::deque<Vertex>& vertices() const { return vertices_; }

 private:
  std::deque<Vertex> vertices_;
  std::unordered_map<Digest, const Vertex*> by_digest_;
};
using GraphPtr = std::shared_ptr<const Graph>;

}  // namespace loam::solver
