// OpMetadata and Source of a definition.
#pragma once

#include <span>
#include <string_view>

#include "compiler/ir/metadata.h"
#include "llb-emit/caps.h"
#include "llb-emit/wire.h"

namespace loam::llb {

// One entry of Definition.metadata.
void WriteMetadataEntry(WireWriter& out, std::string_view digest, const ir::Metadata& metadata, const CapSet& caps);

// One entry of Source.locations. `source_index` maps a location's source to its index in Source.infos.
void WriteLocationsEntry(WireWriter& out, std::string_view digest, std::span<const ir::SourceLocation> locations,
                         std::span<const std::int32_t> source_index);

}  // namespace loam::llb
