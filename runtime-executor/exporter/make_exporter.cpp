#include <fmt/format.h>
#include "runtime-executor/exporter/exporter.h"

#include "runtime-executor/exporter/docker-load/docker_load_exporter.h"
#include "runtime-executor/exporter/image/image_exporter.h"
#include "runtime-executor/exporter/local/local_exporter.h"
#include "runtime-executor/exporter/oci/oci_exporter.h"
#include "runtime-executor/exporter/tar/tar_exporter.h"

namespace loam::exporter {

Result<std::unique_ptr<Exporter>> MakeExporter(std::string_view type, const Attributes& attributes,
                                               const ExporterServices& services) {
  if (type == "image") {
    return MakeImageExporter(attributes, services);
  }
  if (type == "oci") {
    return MakeOciExporter(ArchiveKind::kOci, attributes, services);
  }
  if (type == "docker") {
    return MakeOciExporter(ArchiveKind::kDocker, attributes, services);
  }
  if (type == "docker-load") {
    return MakeDockerLoadExporter(attributes, services);
  }
  if (type == "local") {
    return MakeLocalExporter(attributes, services);
  }
  if (type == "tar") {
    return MakeTarExporter(attributes, services);
  }
  return Unexpected(ErrorCode::kInvalidArgument,
                    fmt::format("there is no exporter `{}`; use image, oci, docker, local or tar", type));
}

}  // namespace loam::exporter
