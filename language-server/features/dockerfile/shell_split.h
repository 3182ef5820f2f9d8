// Commands that a shell runs one after the other.
#pragma once

#include <string_view>
#include <vector>

#include "language-server/text/span.h"

namespace loam::lsp::dockerfile {

// The parts of a command between the `&&` at its top level, without the blanks and continuations at their ends. One
// part if there is none, or if the command has something at its top level that a split would change: `||`, `;`, `|`,
// `&`, compound commands, changes of the shell itself (cd, export, set, variables) in front of another part.
std::vector<Span> SplitAtAnd(std::string_view source, Span span, char escape);

}  // namespace loam::lsp::dockerfile
