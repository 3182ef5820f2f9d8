// The canonical layout of an Earthfile.
#pragma once

#include <string>

#include "base/result.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/source/source_manager.h"

namespace loam::format {

// Recipes and the bodies of blocks indented by four each, what continues a line by four more at least, one blank behind
// keywords and flags, one blank line in front of a target or function with its comments, at most one elsewhere and none
// at the edges of recipes and blocks, no blanks at the ends of lines, one line end at the file's end. Where lines are
// broken, how continued lines lie to each other, blanks between arguments, shell text, values of variables, comments
// and the kind of line end stay. Formatting the result again changes nothing.
//
// Syntax errors go to `emitter` and make kFailedPrecondition: only a file that parses is formatted. The typed tree of
// the result is compared with that of `buffer`: they are the same but for places, with the same comments, or the call
// fails with kInternal.
Result<std::string> FormatEarthfile(const source::Buffer& buffer, diag::Emitter& emitter);

}  // namespace loam::format
