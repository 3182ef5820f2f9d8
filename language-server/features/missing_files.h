// Files of the build context that a step takes and that are not there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "language-server/features/query.h"

namespace loam::lsp {

// The folders that may be the context of the document: its own, and those above it up to its folder of the workspace,
// since a Dockerfile does not say. Empty if it lies in no folder of the workspace: then nothing is known of what is
// there.
std::vector<std::string> PossibleContexts(const Query& query);

// Whether `source`, a path of COPY with wildcards, names something in one of these folders. True as well where that is
// not simple to tell (`**`).
bool IsInContext(const std::vector<std::string>& contexts, std::string_view source);

// "MissingFile" at `span`; nullopt: the settings switch it off.
std::optional<Diagnostic> MissingFile(const Query& query, Span span, std::string_view what);

}  // namespace loam::lsp
