// Importing a tar of a root filesystem as an image of one layer.
#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "runtime-executor/content/compression.h"
#include "runtime-executor/source/image/import.h"

namespace loam::source {
namespace {

using nlohmann::ordered_json;

// The tar as it is becomes the blob of the layer.
struct RootfsLayer {
  content::Descriptor blob;
  Digest diff_id;
};

Result<RootfsLayer> StoreLayer(const std::string& path, content::ContentStore& store) {
  const UniqueFd file = LOAM_TRY(OpenFile(path, O_RDONLY));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) {
    return UnexpectedErrno(path);
  }
  auto ingest = LOAM_TRY(store.StartIngest());
  LOAM_TRY(ingest.WriteFromFile(file.get(), 0, static_cast<std::uint64_t>(info.st_size), path));
  const content::BlobInfo stored = LOAM_TRY(ingest.Commit());
  content::Blob blob = LOAM_TRY(store.OpenBlob(stored.digest));
  char head[4] = {};
  const std::size_t size = LOAM_TRY(blob.ReadAt(head, 0));
  const auto compression = content::DetectCompression({static_cast<const char*>(head), size});
  RootfsLayer layer;
  layer.blob.media_type = content::LayerMediaType(compression, true);
  layer.blob.digest = stored.digest;
  layer.blob.size = stored.size;
  layer.diff_id = stored.digest;
  if (compression != content::CompressionType::kUncompressed) {
    const auto reader = LOAM_TRY(content::LayerReader::Open(blob));
    layer.diff_id = LOAM_TRY_CONTEXT(path, reader->Finish()).digest;
  }
  return layer;
}

}  // namespace

Result<std::vector<ImportedImage>> ImportRootfs(const std::string& path, const ImportOptions& options,
                                                content::ContentStore& store, const Clock& clock, std::stop_token) {
  if (options.names.empty()) {
    return tl::unexpected(Error(ErrorCode::kInvalidArgument,
                                fmt::format("`{}` is a root filesystem, not an image, so it has no name", options.path))
                              .WithHint("give it one: loam image import -t NAME …"));
  }
  const RootfsLayer layer = LOAM_TRY(StoreLayer(path, store));
  const Platform platform = NormalizePlatform(options.platform.value_or(HostPlatform()));
  const WallTime created =
      options.source_date_epoch ? WallTime(std::chrono::seconds(*options.source_date_epoch)) : clock.Now();
  ordered_json config = {{"created", FormatRfc3339(created)}, {"architecture", platform.architecture}};
  if (!platform.variant.empty()) {
    config["variant"] = platform.variant;
  }
  config["os"] = platform.os;
  config["config"] = ordered_json::object();
  config["rootfs"] = {{"type", "layers"}, {"diff_ids", {layer.diff_id.ToString()}}};
  config["history"] = {{{"created", FormatRfc3339(created)}, {"comment", "imported from a root filesystem"}}};
  const std::string config_text = config.dump();
  content::Descriptor config_descriptor;
  config_descriptor.media_type = content::media_type::kOciConfig;
  config_descriptor.digest = LOAM_TRY(store.WriteBlob(config_text));
  config_descriptor.size = config_text.size();

  ordered_json manifest = {{"schemaVersion", 2}, {"mediaType", content::media_type::kOciManifest}};
  manifest["config"] = content::ToJson(config_descriptor);
  manifest["layers"] = ordered_json::array({content::ToJson(layer.blob)});
  const std::string text = manifest.dump();
  content::Descriptor target;
  target.media_type = content::media_type::kOciManifest;
  target.digest = LOAM_TRY(store.WriteBlob(text));
  target.size = text.size();
  return std::vector<ImportedImage>{{std::move(target), options.names}};
}

}  // namespace loam::source
