// Exporters: what becomes of a build's result. Types, attributes and response keys are BuildKit's: "image", "oci",
// "docker", "local", "tar".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/exporter/attestation.h"
#include "runtime-executor/snapshot/fs_ref.h"

namespace loam::content {
class CodecPool;
class ContentStore;
}  // namespace loam::content
namespace loam::snapshot {
class LayerStore;
}
namespace loam::source {
class ImageStore;
}
namespace loam::registry {
class RegistryClient;
}
namespace loam::session {
class OciLayouts;
class RegistryAuth;
}  // namespace loam::session

namespace loam::exporter {

// Names of the response's members.
inline constexpr std::string_view kResponseDigest = "containerimage.digest";
inline constexpr std::string_view kResponseConfigDigest = "containerimage.config.digest";
inline constexpr std::string_view kResponseDescriptor = "containerimage.descriptor";  // base64 of the descriptor's JSON
inline constexpr std::string_view kResponseImageName = "image.name";

using Attributes = std::map<std::string, std::string>;
using Response = std::map<std::string, std::string>;

struct LayerBlob;

struct PlatformExport {
  // "linux/amd64", the key of the platform in BuildKit's metadata.
  std::string id;
  content::Platform platform;
  snapshot::FsRef fs;
  // The OCI image config with the history of all layers; `rootfs` is filled in here. Empty: a minimal one is made.
  std::string image_config;
  // The config of the base image: its history entries and layers keep their times with SOURCE_DATE_EPOCH. May be empty.
  std::string base_image_config;
  std::vector<Attestation> attestations;
};

struct ExportInput {
  std::vector<PlatformExport> platforms;
  // True: an index (or a directory a platform), even for one platform. Must be true for several.
  bool multi_platform = false;
  // The frontend's metadata as far as exporters read it ("annotation….<key>", "image.name", "source.date.epoch").
  std::map<std::string, std::string> metadata;
  // Set: images keep a cache of themselves in their config. Gives the records for platform `index`, whose layers are
  // these; "" if there are none.
  std::function<Result<std::string>(std::size_t index, const std::vector<LayerBlob>& layers)> inline_cache;
};

// Told about the parts of the work, for example "exporting layers". Thread-safe; ids are unique within an export.
class ExportProgress {
 public:
  virtual ~ExportProgress() = default;
  virtual void Started(const std::string& id) = 0;
  // In bytes; `total` 0: not known.
  virtual void Progressed(const std::string& id, std::uint64_t current, std::uint64_t total) = 0;
  virtual void Finished(const std::string& id) = 0;
};

class NullExportProgress final : public ExportProgress {
 public:
  void Started(const std::string&) override {}
  void Progressed(const std::string&, std::uint64_t, std::uint64_t) override {}
  void Finished(const std::string&) override {}
};

// What exporters work with. Pointers are kept and must outlive the exporter.
struct ExporterServices {
  content::ContentStore* content = nullptr;
  snapshot::LayerStore* layers = nullptr;
  content::CodecPool* codecs = nullptr;
  // Null: the image exporter cannot store, only push.
  source::ImageStore* images = nullptr;
  // Downloads a known but absent blob of a pulled layer into the content store; `origin` is the layer's. Empty: layers
  // whose blob is absent are unpacked and compressed anew.
  std::function<Result<>(const content::Descriptor& blob, const std::string& origin, std::stop_token stop)> fetch_blob;
  // Null: push is not possible.
  registry::RegistryClient* registry = nullptr;
  std::shared_ptr<session::RegistryAuth> registry_auth;
  // Where `dest=client:STORE` writes an image layout; may be null.
  std::shared_ptr<session::OciLayouts> layouts;
  const Clock* clock = &SystemClock();
  // Where `dest=-` writes; stays open.
  int output_fd = 1;
  // Told the response of an image archive before its first byte is written; may be null.
  std::function<void(const Response&)> announce;
};

class Exporter {
 public:
  virtual ~Exporter() = default;
  // "exporting to oci image format"
  [[nodiscard]] virtual std::string Name() const = 0;
  virtual Result<Response> Export(const ExportInput& input, ExportProgress& progress, std::stop_token stop) = 0;
};

// Checks the attributes at once, so that a mistake is found before the build runs: kInvalidArgument for a type or a
// value that is wrong or an output that cannot be. `dest` is a host path, "-" for services.output_fd; needed by all but
// "image".
Result<std::unique_ptr<Exporter>> MakeExporter(std::string_view type, const Attributes& attributes,
                                               const ExporterServices& services);

}  // namespace loam::exporter
