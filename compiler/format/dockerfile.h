// The canonical layout of a Dockerfile.
#pragma once

#include <string>

#include "base/result.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/source/source_manager.h"

namespace loam::format {

// Keywords in capitals at the start of the line, one blank behind keywords and flags, continued lines of arguments
// indented by four, at most one blank line in a row, no blanks at the ends of lines, one line end at the file's end.
// Where lines are broken, blanks between arguments, comments, heredocs, shell text, triggers of ONBUILD, the byte order
// mark and the kind of line end stay. Formatting the result again changes nothing.
//
// Syntax errors go to `emitter` and make kFailedPrecondition: only a file that parses is formatted. The tokens of the
// result are compared with those of `buffer`: they are the same, with the same comments, or the call fails with
// kInternal.
Result<std::string> FormatDockerfile(const source::Buffer& buffer, diag::Emitter& emitter);

}  // namespace loam::format
