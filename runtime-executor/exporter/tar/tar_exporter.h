// The tar exporter: the files of the result as one tar.
#pragma once

#include <memory>

#include "base/result.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::exporter {

// Attributes: dest, platform-split, source-date-epoch.
Result<std::unique_ptr<Exporter>> MakeTarExporter(const Attributes& attributes, const ExporterServices& services);

}  // namespace loam::exporter
