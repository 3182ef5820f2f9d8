// The docker-load exporter: into a running Docker, layer by layer. It asks the daemon what it has: nothing is sent of
// an image that is there, and no layer that an image of the daemon has above the same layers. The rest goes as an
// archive to POST /images/load, which needs the layers that are missing only. A daemon with containerd's image store
// needs all of them in an archive: it pulls the image from a registry that this process serves on the loopback
// interface meanwhile, and so takes the blobs that it lacks.
#pragma once

#include <memory>

#include "base/result.h"
#include "runtime-executor/exporter/attributes.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::exporter {

// Members of the response beside those of images.
inline constexpr std::string_view kResponseLayersSent = "docker.load.layers-sent";
inline constexpr std::string_view kResponseLayersKnown = "docker.load.layers-known";

// "none" (the image was there), "registry" or "archive".
inline constexpr std::string_view kResponseWay = "docker.load.via";

// Attributes: those of images; host (where the daemon is); via ("auto", "registry", "archive").
Result<std::unique_ptr<Exporter>> MakeDockerLoadExporter(Attributes attributes, const ExporterServices& services);

}  // namespace loam::exporter
