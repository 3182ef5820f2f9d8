// Earthfiles that are not of the workspace: the library of functions that is part of loam, and remote projects that
// were fetched before. Both are files on this machine that nobody edits.
#pragma once

#include <optional>
#include <string>

#include "compiler/sema/earthfile/symbols.h"
#include "language-server/features/query.h"

namespace loam::lsp::earthfile {

// The directory of the remote project or library that a reference leads to, through an IMPORT's alias too; nullopt if
// it is local, or not on this machine. A file of the library is written when it is first asked for, below
// $XDG_CACHE_HOME/loam/std, and only for reading.
std::optional<std::string> OtherProjectOf(const Query& query, const sema::earthfile::FileSymbols& symbols,
                                          const sema::earthfile::ReferenceUse& use);

// Whether a file is of such a project: it can be looked at, but not changed from here.
bool IsOfOtherProject(const Query& query, std::string_view path);

}  // namespace loam::lsp::earthfile
