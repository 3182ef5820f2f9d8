#include "runtime-executor/exporter/tar/tar_exporter.h"

#include "runtime-executor/exporter/archive_writer.h"
#include "runtime-executor/exporter/filesystem_attributes.h"
#include "runtime-executor/exporter/output.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::exporter {
namespace {

class TarExporter final : public Exporter {
 public:
  TarExporter(FilesystemAttributes attributes, ExporterServices services)
      : attributes_(std::move(attributes)), services_(std::move(services)) {}

  [[nodiscard]] std::string Name() const override { return "exporting to client tarball"; }

  Result<Response> Export(const ExportInput& input, ExportProgress& progress, std::stop_token stop) override {
    if (input.platforms.size() > 1 && !attributes_.SplitsPlatforms(input)) {
      return Unexpected(ErrorCode::kInvalidArgument, "a tar of several platforms needs platform-split=true");
    }
    Output output = LOAM_TRY(Output::Open(attributes_.dest, services_));
    progress.Started("sending tarball");
    for (std::size_t i = 0; i < input.platforms.size(); ++i) {
      const PlatformExport& platform = input.platforms[i];
      const std::optional<std::int64_t> epoch = LOAM_TRY(EpochFor(attributes_.epoch, input, platform.id));
      snapshot::TarOptions options;
      options.fixed_mtime = epoch;
      options.prefix = attributes_.SplitsPlatforms(input) ? PlatformDirectory(platform.id) : std::string();
      const std::vector<StatementFile> statements =
          LOAM_TRY(StatementFilesOf(platform, input, attributes_, services_, stop));
      const bool is_last = i + 1 == input.platforms.size();
      options.end_of_archive = is_last && statements.empty();
      LOAM_TRY(services_.layers->WriteTar(platform.fs, output.sink(), options, stop));
      ArchiveWriter archive(output.sink());
      for (const StatementFile& file : statements) {
        LOAM_TRY(
            archive.AddFile(options.prefix.empty() ? file.name : options.prefix + "/" + file.name, file.text, 0600));
      }
      if (is_last && !statements.empty()) {
        LOAM_TRY(archive.Finish());
      }
    }
    LOAM_TRY(output.Commit());
    progress.Finished("sending tarball");
    return Response();
  }

 private:
  const FilesystemAttributes attributes_;
  const ExporterServices services_;
};

}  // namespace

Result<std::unique_ptr<Exporter>> MakeTarExporter(const Attributes& attributes, const ExporterServices& services) {
  FilesystemAttributes parsed = LOAM_TRY(ReadFilesystemAttributes("tar", attributes));
  return std::unique_ptr<Exporter>(std::make_unique<TarExporter>(std::move(parsed), services));
}

}  // namespace loam::exporter
