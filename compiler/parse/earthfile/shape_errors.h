// What to say about a line or block that does not fit the grammar.
#pragma once

#include <cstdint>

#include "compiler/diagnostics/emitter.h"
#include "compiler/syntax/earth_tree.h"

namespace loam::parse::earthfile {

// `offending` is the first token that does not fit; it may be one past the last.
void ReportLine(const syntax::earthfile::Tree& tree, std::uint32_t offending, diag::Emitter& emitter);
// The block that token `opening` (IF, WITH, ...) opens has no END where `offending` stands.
void ReportMissingEnd(const syntax::earthfile::Tree& tree, std::uint32_t opening, std::uint32_t offending,
                      diag::Emitter& emitter);

}  // namespace loam::parse::earthfile
