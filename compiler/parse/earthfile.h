// Earthfile text -> lossless syntax tree.
#pragma once

#include <memory>

#include "compiler/diagnostics/emitter.h"
#include "compiler/source/source_manager.h"
#include "compiler/syntax/earth_tree.h"

namespace loam::parse {

// Blocks (IF, FOR, WAIT, TRY, WITH) may nest this deep; deeper ones are an error.
inline constexpr unsigned kMaxEarthfileDepth = 256;

// Total: always returns a tree, never null, whose tokens are the whole text of the buffer, in order; what is wrong was
// reported to `emitter`. Linear in the text. `buffer` outlives the tree. Then: ast::earthfile::BuildEarthfile.
std::shared_ptr<syntax::earthfile::Tree> ParseEarthfile(const source::Buffer& buffer, diag::Emitter& emitter);

}  // namespace loam::parse
