// The instructions of a Dockerfile as lines, for what lies between them.
#pragma once

#include <optional>
#include <vector>

#include "language-server/features/quiet_edit.h"

namespace loam::lsp::dockerfile {

// nullopt if the file has errors, so that it is not sure where a statement ends, or if a line ends where only other
// programs see an end (a carriage return alone).
std::optional<std::vector<Statement>> Statements(const Query& query);

}  // namespace loam::lsp::dockerfile
