// An Earthfile stage by stage, up to the typed tree: what `loam compile --emit` prints for one.
#pragma once

#include <string>
#include <string_view>

#include "compiler/diagnostics/emitter.h"
#include "compiler/source/source_manager.h"

namespace loam::driver::earthfile {

// Whether a file of this name is an Earthfile: `Earthfile`, `build.earth`, `*.earth`, `Earthfile.*`.
bool IsEarthfileName(std::string_view path);

enum class FrontStage : std::uint8_t {
  kTokens,
  kTree,
  kAst,           // JSON in the shape of the reference
  kAstSourceMap,  // the same with source locations
};

// Prints the stage, whatever is wrong with the file; that goes to `emitter`, in the order of the text.
std::string PrintFront(FrontStage stage, const source::Buffer& buffer, diag::Emitter& emitter);

}  // namespace loam::driver::earthfile
