// The Dockerfile's implementation of each feature; language-server/features/features.h says what they do. One file each
// in this folder.
#pragma once

#include "language-server/features/features.h"

namespace loam::lsp::dockerfile {

std::vector<Diagnostic> Diagnostics(const Query& query);
std::vector<Symbol> Symbols(const Query& query);

}  // namespace loam::lsp::dockerfile
