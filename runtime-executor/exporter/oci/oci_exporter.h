// The oci and docker exporters: an OCI image layout as a tar or a directory; docker's tar also has a manifest.json, so
// that `docker load` of any version takes it.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "runtime-executor/exporter/attributes.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::exporter {

enum class ArchiveKind : std::uint8_t { kOci, kDocker };

// Attributes: those of images; tar (default true); dest. The rest is kept as metadata.
Result<std::unique_ptr<Exporter>> MakeOciExporter(ArchiveKind kind, Attributes attributes,
                                                  const ExporterServices& services);

}  // namespace loam::exporter
