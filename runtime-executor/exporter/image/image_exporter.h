// The image exporter: the image in the local image store under its names, and in a registry with push=true.
#pragma once

#include <memory>

#include "base/result.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::exporter {

// Attributes: those of images; push, push-by-digest, registry.insecure, store, unpack, name-canonical,
// dangling-name-prefix, danging-name-empty-only. The rest is kept as metadata.
Result<std::unique_ptr<Exporter>> MakeImageExporter(Attributes attributes, const ExporterServices& services);

}  // namespace loam::exporter
