// LLB for people and for other programs. All output is deterministic and ends in a line feed.
#pragma once

#include <string>

#include "llb-emit/read.h"

namespace loam::llb {

// The digests of all ops in the definition's order, one a line; the last op's included.
[[nodiscard]] std::string PrintDigests(const Graph& graph);

// One paragraph an op, in the definition's order: short names for inputs, then whatever differs from the default.
[[nodiscard]] std::string PrintText(const Graph& graph);

// What `buildctl debug dump-llb` prints: one JSON object a line, {"Op":…,"Digest":…,"OpMetadata":…}, with Go's names,
// order and escapes; the keys of the maps are sorted. Symlink actions, which upstream leaves out, are there.
[[nodiscard]] std::string PrintJson(const Graph& graph);

// A definition as Go's encoding/json writes the struct: ops as base64, metadata, source map.
[[nodiscard]] std::string DefinitionJson(const pb::Definition& definition);

// Graphviz: what the result needs, sources as ellipses, one cluster for each stage that the names of the ops tell
// ("[build 2/5] RUN make" is in stage `build`), edges labelled with where an input is mounted or copied from.
[[nodiscard]] std::string PrintDot(const Graph& graph);

}  // namespace loam::llb
