#include "runtime-executor/exporter/docker-load/docker_load_exporter.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/image_reference.h"
#include "base/strings.h"
#include "runtime-executor/exporter/archive_writer.h"
#include "runtime-executor/exporter/docker-load/docker_daemon.h"
#include "runtime-executor/exporter/docker-load/loopback_registry.h"
#include "runtime-executor/exporter/image_writer.h"
#include "runtime-executor/exporter/oci/layout.h"

namespace loam::exporter {
namespace {

using Json = nlohmann::json;

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kNotFound = 404;

Json Parse(const std::string& text) {
  return Json::parse(text, nullptr, false);
}

std::string MessageOf(const DaemonAnswer& answer) {
  // A load reports its failure in the stream of JSON objects that it answers with.
  for (const std::string_view line : Split(answer.body, '\n')) {
    const Json object = Json::parse(line, nullptr, false);
    for (const char* const key : {"error", "message"}) {
      if (object.is_object() && object.contains(key) && object[key].is_string()) {
        return object[key].get<std::string>();
      }
    }
  }
  return answer.status == kOk ? std::string() : fmt::format("HTTP status {}", answer.status);
}

std::vector<std::string> LayersOf(const Json& image) {
  std::vector<std::string> layers;
  const Json none = Json::object();
  const Json& rootfs = image.is_object() && image.contains("RootFS") ? image["RootFS"] : none;
  if (rootfs.is_object() && rootfs.contains("Layers") && rootfs["Layers"].is_array()) {
    for (const Json& layer : rootfs["Layers"]) {
      layers.push_back(layer.is_string() ? layer.get<std::string>() : std::string());
    }
  }
  return layers;
}

// How an image gets into the daemon. `kAuto`: by a registry where that sends less.
enum class Way : std::uint8_t { kAuto, kRegistry, kArchive };

Result<Way> ParseWay(const std::string& value) {
  for (const auto& [name, way] :
       {std::pair("auto", Way::kAuto), {"registry", Way::kRegistry}, {"archive", Way::kArchive}}) {
    if (value == name) {
      return way;
    }
  }
  return Unexpected(ErrorCode::kInvalidArgument,
                    fmt::format("`via={}`: an image is loaded by `registry`, `archive` or `auto`", value));
}

class DockerLoadExporter final : public Exporter {
 public:
  DockerLoadExporter(ImageAttributes attributes, DockerDaemon daemon, Way way, bool is_local, ExporterServices services)
      : attributes_(std::move(attributes)),
        daemon_(std::move(daemon)),
        way_(way),
        is_local_(is_local),
        services_(std::move(services)) {}

  [[nodiscard]] std::string Name() const override { return "loading into docker"; }

  Result<Response> Export(const ExportInput& input, ExportProgress& progress, std::stop_token stop) override {
    const Json info = Parse(LOAM_TRY(daemon_.Get("/info", stop)).body);
    const bool by_contents =
        info.is_object() &&
        info.value("DriverStatus", Json()).dump().find("containerd.snapshotter") != std::string::npos;
    if (input.multi_platform && !by_contents) {
      return Unexpected(
          Error(ErrorCode::kInvalidArgument, "an index of several platforms cannot be loaded into this docker")
              .WithHint(
                  "build one platform, or push the image; a docker with containerd's image store takes an index"));
    }
    const std::vector<std::string> names = LOAM_TRY(NormalizedNames(ImageNameOf(attributes_, input)));
    const CommittedImage image = LOAM_TRY(CommitImage(input, attributes_, services_, progress, stop));
    const CommittedManifest& manifest = image.manifests.front();
    Response response = ImageResponse(image);
    if (!names.empty()) {
      response[std::string(kResponseImageName)] = Join(names, ",");
    }
    // With containerd's image store images are named by their manifests, or by their index.
    const content::Descriptor& named = input.multi_platform ? image.root
                                       : by_contents        ? manifest.manifest
                                                            : manifest.config;
    const std::string id = named.digest.ToString();
    const DaemonAnswer known = LOAM_TRY(daemon_.Get(fmt::format("/images/{}/json", id), stop));
    std::size_t present = manifest.layers.size();
    if (known.status == kOk) {
      LOAM_TRY(Tag(id, names, stop));
      response[std::string(kResponseWay)] = "none";
    } else if (known.status == kNotFound && is_local_ && !input.multi_platform &&
               (way_ == Way::kRegistry || (way_ == Way::kAuto && by_contents)) &&
               LOAM_TRY(Pull(manifest, id, names, present, progress, stop))) {
      response[std::string(kResponseWay)] = "registry";
    } else if (known.status == kNotFound) {
      response[std::string(kResponseWay)] = "archive";
      // There, layers belong to contents that an archive has to name completely.
      present = by_contents ? 0 : LOAM_TRY(KnownLayers(manifest, stop));
      const std::string step = "sending layers";
      progress.Started(step);
      Result<> sent = by_contents ? SendLayout(image, input.multi_platform, names, stop)
                                  : Send(manifest, names, present, step, progress, stop);
      if (!sent && present > 0 && !stop.stop_requested() && !sent.error().Is(ErrorCode::kUnavailable)) {
        // An image may have gone meanwhile, or the daemon keeps its layers in another way.
        present = 0;
        sent = Send(manifest, names, present, step, progress, stop);
      }
      LOAM_TRY(std::move(sent));
      progress.Finished(step);
    } else {
      return Unexpected(ErrorCode::kUnknown, fmt::format("the Docker daemon: {}", MessageOf(known)));
    }
    response[std::string(kResponseLayersSent)] = std::to_string(manifest.layers.size() - present);
    response[std::string(kResponseLayersKnown)] = std::to_string(present);
    return response;
  }

 private:
  // Serves the image on the loopback interface and has the daemon pull it. False: the daemon does not reach that, and
  // an archive has to do.
  Result<bool> Pull(const CommittedManifest& manifest, const std::string& id, const std::vector<std::string>& names,
                    std::size_t& present, ExportProgress& progress, const std::stop_token& stop) const {
    const std::string step = "serving the image to the Docker daemon";
    progress.Started(step);
    const auto registry = LOAM_TRY(LoopbackRegistry::Start(manifest, *services_.content));
    const DaemonAnswer pulled = LOAM_TRY(daemon_.Post(
        fmt::format("/images/create?fromImage={}&tag={}", registry->repository(), LoopbackRegistry::kTag), stop));
    if (const std::string error = MessageOf(pulled); pulled.status != kOk || !error.empty()) {
      if (!registry->was_reached()) {
        progress.Finished(step);
        const std::string instead = "the daemon does not reach 127.0.0.1: sending an archive";
        progress.Started(instead);
        progress.Finished(instead);
        return false;
      }
      return Unexpected(ErrorCode::kUnknown, fmt::format("the Docker daemon did not pull the image: {}", error));
    }
    LOAM_TRY(Tag(id, names, stop));
    if (!names.empty()) {
      // The name that it was pulled by; the image stays under its own.
      const std::string pulled_as = fmt::format("{}:{}", registry->repository(), LoopbackRegistry::kTag);
      const DaemonAnswer untagged = LOAM_TRY(daemon_.Delete(fmt::format("/images/{}?noprune=1", pulled_as), stop));
      if (untagged.status != kOk) {
        return Unexpected(ErrorCode::kUnknown,
                          fmt::format("the Docker daemon keeps the name {}: {}", pulled_as, MessageOf(untagged)));
      }
    }
    present = manifest.layers.size() - std::min(manifest.layers.size(), registry->layers_sent());
    progress.Finished(step);
    return true;
  }

  Result<> Tag(const std::string& id, const std::vector<std::string>& names, const std::stop_token& stop) const {
    for (const std::string& name : names) {
      const ImageReference reference = LOAM_TRY(ParseImageReference(name)).WithDefaultTag();
      const DaemonAnswer tagged = LOAM_TRY(daemon_.Post(
          fmt::format("/images/{}/tag?repo={}/{}&tag={}", id, reference.domain, reference.path, reference.tag), stop));
      if (tagged.status != kCreated) {
        return Unexpected(ErrorCode::kUnknown,
                          fmt::format("the Docker daemon does not name the image {}: {}", name, MessageOf(tagged)));
      }
    }
    return {};
  }

  // How many layers, from the base, the daemon has.
  Result<std::size_t> KnownLayers(const CommittedManifest& manifest, const std::stop_token& stop) const {
    const Json config = Parse(LOAM_TRY(services_.content->ReadBlob(manifest.config.digest)));
    std::vector<std::string> wanted;
    if (config.is_object() && config.contains("rootfs") && config["rootfs"].contains("diff_ids")) {
      wanted = config["rootfs"]["diff_ids"].get<std::vector<std::string>>();
    }
    if (wanted.size() != manifest.layers.size()) {
      return 0;
    }
    const Json images = Parse(LOAM_TRY(daemon_.Get("/images/json", stop)).body);
    std::size_t best = 0;
    if (!images.is_array()) {
      return best;
    }
    for (const Json& entry : images) {
      const std::string id = entry.is_object() ? entry.value("Id", "") : "";
      const std::vector<std::string> layers =
          LayersOf(Parse(LOAM_TRY(daemon_.Get(fmt::format("/images/{}/json", id), stop)).body));
      const auto [end, unused] = std::mismatch(layers.begin(), layers.end(), wanted.begin(), wanted.end());
      best = std::max(best, static_cast<std::size_t>(end - layers.begin()));
    }
    return best;
  }

  Result<> Send(const CommittedManifest& manifest, const std::vector<std::string>& names, std::size_t skip,
                const std::string& step, ExportProgress& progress, const std::stop_token& stop) const {
    const std::string docker_manifest = LOAM_TRY(DockerManifestJson(manifest, names));
    std::vector<content::Descriptor> blobs(manifest.layers.begin() + static_cast<std::ptrdiff_t>(skip),
                                           manifest.layers.end());
    blobs.push_back(manifest.config);
    std::sort(blobs.begin(), blobs.end(), [](const auto& a, const auto& b) { return a.digest < b.digest; });
    blobs.erase(
        std::unique(blobs.begin(), blobs.end(), [](const auto& a, const auto& b) { return a.digest == b.digest; }),
        blobs.end());
    std::uint64_t total = 0;
    for (const content::Descriptor& blob : blobs) {
      total += static_cast<std::uint64_t>(blob.size);
    }
    const auto write = [&](content::ByteSink& sink) -> Result<> {
      ArchiveWriter archive(sink);
      LOAM_TRY(archive.AddDirectory("blobs/"));
      LOAM_TRY(archive.AddDirectory("blobs/sha256/"));
      std::uint64_t done = 0;
      for (const content::Descriptor& descriptor : blobs) {
        const content::Blob blob = LOAM_TRY(services_.content->OpenBlob(descriptor));
        LOAM_TRY(archive.AddBlob(BlobPath(descriptor.digest), blob));
        done += static_cast<std::uint64_t>(descriptor.size);
        progress.Progressed(step, done, total);
      }
      LOAM_TRY(archive.AddFile("manifest.json", docker_manifest));
      return archive.Finish();
    };
    return Load(write, stop);
  }

  // As it is: another form of it would be another image.
  Result<> SendLayout(const CommittedImage& image, bool whole, const std::vector<std::string>& names,
                      const std::stop_token& stop) const {
    CommittedImage sent = image;
    if (!whole) {
      sent = {image.manifests.front().manifest, false, {image.manifests.front()}, {}};
    }
    return Load(
        [&](content::ByteSink& sink) {
          return WriteLayoutArchive(sent, NamedDescriptors(sent.root, names), "", *services_.content, sink);
        },
        stop);
  }

  Result<> Load(const std::function<Result<>(content::ByteSink&)>& write, const std::stop_token& stop) const {
    const DaemonAnswer answer = LOAM_TRY(daemon_.PostTar("/images/load?quiet=1", write, stop));
    if (const std::string error = MessageOf(answer); answer.status != kOk || !error.empty()) {
      return Unexpected(ErrorCode::kUnknown, fmt::format("the Docker daemon refused the image: {}", error));
    }
    return {};
  }

  const ImageAttributes attributes_;
  const DockerDaemon daemon_;
  const Way way_;
  // On this machine, as far as its address tells.
  const bool is_local_;
  const ExporterServices services_;
};

}  // namespace

Result<std::unique_ptr<Exporter>> MakeDockerLoadExporter(Attributes attributes, const ExporterServices& services) {
  ImageAttributes image = LOAM_TRY(TakeImageAttributes(attributes));
  const auto host = attributes.find("host");
  if (host == attributes.end()) {
    return Unexpected(ErrorCode::kInvalidArgument, "the docker-load exporter needs `host=URL`");
  }
  const auto via = attributes.find("via");
  const Way way = via == attributes.end() ? Way::kAuto : LOAM_TRY(ParseWay(via->second));
  const bool is_local = host->second.starts_with("unix://");
  if (way == Way::kRegistry && !is_local) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("`via=registry` needs a Docker daemon on this machine, not {}", host->second));
  }
  DockerDaemon daemon = LOAM_TRY(DockerDaemon::At(host->second));
  return std::unique_ptr<Exporter>(
      std::make_unique<DockerLoadExporter>(std::move(image), std::move(daemon), way, is_local, services));
}

}  // namespace loam::exporter
