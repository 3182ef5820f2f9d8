// What a conversion says of its input.
#pragma once

#include <string>
#include <string_view>

#include "compiler/diagnostics/emitter.h"

namespace loam::convert {

// A warning: a stage stays in the Dockerfile.
void ReportKept(diag::Emitter& emitter, source::SourceRange range, std::string_view target, std::string_view reason);
// A warning: an ARG without a value is not the same in both languages.
void ReportUnsetArg(diag::Emitter& emitter, source::SourceRange range, std::string_view name);
// A warning: an ARG that is not handed on to FROM DOCKERFILE.
void ReportFixedArg(diag::Emitter& emitter, source::SourceRange range, std::string_view name, std::string_view reason);
// An error: `what` has no counterpart.
void ReportImpossible(diag::Emitter& emitter, source::SourceRange range, std::string_view what,
                      std::string_view reason);
// A warning: something is left out, or not quite the same.
void ReportLost(diag::Emitter& emitter, source::SourceRange range, std::string message);

}  // namespace loam::convert
