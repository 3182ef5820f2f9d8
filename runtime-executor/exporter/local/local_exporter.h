// The local exporter: the files of the result in a directory of the host, owned by the user.
#pragma once

#include <memory>

#include "base/result.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::exporter {

// Attributes: dest, platform-split, mode=copy|delete, source-date-epoch.
Result<std::unique_ptr<Exporter>> MakeLocalExporter(const Attributes& attributes, const ExporterServices& services);

}  // namespace loam::exporter
