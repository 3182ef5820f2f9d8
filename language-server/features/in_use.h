// Names that the Dockerfiles and Earthfiles of the workspace use, of either language: what completion offers again.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "language-server/features/query.h"

namespace loam::lsp {

// Names of images that are started from, written out or as the default of an ARG. Without what stands at `offset` of
// the query's document: it is being typed.
std::set<std::string> ImagesInUse(const Query& query, std::uint32_t offset);
// Ids of --mount=type=`type`.
std::set<std::string> MountIdsInUse(const Query& query, std::string_view type, std::uint32_t offset);

}  // namespace loam::lsp
