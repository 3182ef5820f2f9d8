// Words that completion offers from this file, other files of the workspace, and the local store.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "language-server/features/query.h"

namespace loam::lsp::dockerfile {

// Images that the workspace and the store name, sorted; without what is being typed at `offset`.
std::vector<std::string> KnownImages(const Query& query, std::uint32_t offset);
// Targets of cache mounts in use, and those of well-known package managers.
std::vector<std::string> CacheTargets(const Query& query);
// The working directory in front of an instruction, with a slash at its end; "" if no WORKDIR stands there.
std::string WorkdirAt(const Query& query, std::uint32_t instruction);

}  // namespace loam::lsp::dockerfile
