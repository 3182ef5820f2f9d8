#include "runtime-executor/exporter/oci/oci_exporter.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/strings.h"
#include "runtime-executor/exporter/image_writer.h"
#include "runtime-executor/exporter/oci/layout.h"
#include "runtime-executor/exporter/output.h"
#include "runtime-executor/session/client_services.h"

namespace loam::exporter {
namespace {

// dest=client:STORE is a layout that the client of the build offers.
constexpr std::string_view kClientStore = "client:";
constexpr std::string_view kCreatedAnnotation = "org.opencontainers.image.created";

class OciExporter final : public Exporter {
 public:
  OciExporter(ArchiveKind kind, ImageAttributes attributes, std::string dest, bool tar,
              std::map<std::string, std::string> metadata, ExporterServices services)
      : kind_(kind),
        attributes_(std::move(attributes)),
        dest_(std::move(dest)),
        tar_(tar),
        metadata_(std::move(metadata)),
        services_(std::move(services)) {}

  [[nodiscard]] std::string Name() const override {
    return fmt::format("exporting to {} image format", kind_ == ArchiveKind::kOci ? "oci" : "docker");
  }

  Result<Response> Export(const ExportInput& original, ExportProgress& progress, std::stop_token stop) override {
    if (kind_ == ArchiveKind::kDocker && original.multi_platform) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, "the docker exporter cannot export an image index")
                            .WithHint("build one platform, or use type=oci"));
    }
    ExportInput input = original;
    for (const auto& [key, value] : metadata_) {
      input.metadata[key] = value;
    }
    const std::vector<std::string> names = LOAM_TRY(NormalizedNames(ImageNameOf(attributes_, input)));
    // Before the work, as the destination may be wrong.
    std::optional<Output> output;
    if (tar_) {
      output.emplace(LOAM_TRY(Output::Open(dest_, services_)));
    }
    CommittedImage image = LOAM_TRY(CommitImage(input, attributes_, services_, progress, stop));
    if (image.root.annotations.count(std::string(kCreatedAnnotation)) == 0) {
      const std::optional<std::int64_t> epoch = LOAM_TRY(ImageEpoch(attributes_, input));
      const auto now = std::chrono::floor<std::chrono::seconds>(services_.clock->Now());
      image.root.annotations[std::string(kCreatedAnnotation)] =
          FormatRfc3339(epoch ? WallTime(std::chrono::seconds(*epoch)) : WallTime(now));
    }
    Response response = ImageResponse(image);
    if (!names.empty()) {
      response[std::string(kResponseImageName)] = Join(names, ",");
    }

    if (services_.announce) {
      services_.announce(response);
    }
    const std::string step = tar_ ? "sending tarball" : "copying to image layout";
    progress.Started(step);
    if (tar_) {
      std::string docker_manifest;
      if (kind_ == ArchiveKind::kDocker) {
        docker_manifest = LOAM_TRY(DockerManifestJson(image.manifests.front(), names));
      }
      LOAM_TRY(WriteLayoutArchive(image, NamedDescriptors(image.root, names), docker_manifest, *services_.content,
                                  output->sink()));
      LOAM_TRY(output->Commit());
    } else if (dest_.starts_with(kClientStore)) {
      // The client keeps the layout's index itself.
      for (const content::Descriptor& blob : image.AllBlobs()) {
        const content::Blob file = LOAM_TRY(services_.content->OpenBlob(blob));
        LOAM_TRY(
            services_.layouts->WriteBlob(dest_.substr(kClientStore.size()), blob.digest, blob.size, file.fd(), stop));
      }
    } else {
      LOAM_TRY(WriteLayoutDirectory(image, image.root, names, *services_.content, dest_));
    }
    progress.Finished(step);
    return response;
  }

 private:
  const ArchiveKind kind_;
  const ImageAttributes attributes_;
  const std::string dest_;
  const bool tar_;
  const std::map<std::string, std::string> metadata_;
  const ExporterServices services_;
};

}  // namespace

Result<std::unique_ptr<Exporter>> MakeOciExporter(ArchiveKind kind, Attributes attributes,
                                                  const ExporterServices& services) {
  ImageAttributes image = LOAM_TRY(TakeImageAttributes(attributes));
  const std::string_view type = kind == ArchiveKind::kOci ? "oci" : "docker";
  bool tar = true;
  if (const auto found = attributes.find("tar"); found != attributes.end()) {
    tar = LOAM_TRY(ParseFlag("tar", found->second));
    attributes.erase(found);
  }
  const auto dest = attributes.find("dest");
  if (dest == attributes.end() || dest->second.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("the {} exporter needs `dest=PATH` (or `dest=-` for standard output)", type));
  }
  const std::string path = dest->second;
  attributes.erase(dest);
  if (!tar && path == "-") {
    return Unexpected(ErrorCode::kInvalidArgument, "`tar=false` needs a directory: dest=PATH");
  }
  if (image.name != "*") {
    LOAM_TRY(NormalizedNames(image.name));
  }
  return std::unique_ptr<Exporter>(
      std::make_unique<OciExporter>(kind, std::move(image), path, tar, std::move(attributes), services));
}

}  // namespace loam::exporter
