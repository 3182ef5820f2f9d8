// Files of the context that instructions name.
#pragma once

#include <optional>

#include "language-server/features/query.h"

namespace loam::lsp::dockerfile {

// The file that the source of a COPY, ADD or bind mount under the cursor names exactly; nullopt if there is none.
std::optional<Location> ContextFileAt(const Query& query, std::uint32_t offset);

}  // namespace loam::lsp::dockerfile
