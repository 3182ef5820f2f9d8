// Dockerfile text -> lossless syntax tree.
#pragma once

#include <cstdint>
#include <memory>

#include "compiler/diagnostics/emitter.h"
#include "compiler/source/source_manager.h"
#include "compiler/syntax/tree.h"

namespace loam::parse {

// As BuildKit: the longest line it reads, without its line feed. A longer one is an error.
inline constexpr std::uint32_t kMaxLineBytes = 65535;
// Depth of arrays and objects in a JSON form; deeper ones are read as shell form, as encoding/json refuses them.
inline constexpr std::uint32_t kMaxJsonDepth = 10000;

struct ParseOptions {};

struct ParseResult {
  // Never null; its tokens are the whole text of the buffer, in order.
  std::shared_ptr<syntax::Tree> tree;
};

// Total: always returns a tree; what is wrong was reported to `emitter`, each mistake once. Linear in the text.
// `buffer` outlives the tree.
ParseResult ParseDockerfile(const source::Buffer& buffer, diag::Emitter& emitter, const ParseOptions& options = {});

}  // namespace loam::parse
