#include "runtime-executor/exporter/image_writer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

#include "base/base64.h"
#include "base/go_json.h"
#include "base/strings.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/exporter/image_config.h"
#include "runtime-executor/exporter/layers.h"

namespace loam::exporter {
namespace {

using content::Descriptor;
using nlohmann::ordered_json;
namespace media_type = content::media_type;

constexpr std::string_view kMetadataConfig = "containerimage.config";
constexpr std::string_view kMetadataBaseConfig = "containerimage.base.config";
constexpr std::string_view kAttestationArtifactType = "application/vnd.docker.attestation.manifest.v1+json";

Result<Descriptor> StoreBlob(content::ContentStore& store, std::string_view media_type, std::string_view bytes) {
  Descriptor descriptor;
  descriptor.media_type = media_type;
  descriptor.digest = LOAM_TRY(store.WriteBlob(bytes));
  descriptor.size = bytes.size();
  return descriptor;
}

Result<Descriptor> StoreJson(content::ContentStore& store, std::string_view media_type, const ordered_json& json) {
  return StoreBlob(store, media_type, EscapeLikeGo(json.dump(2, ' ', false, ordered_json::error_handler_t::replace)));
}

// An image config among the metadata (clients give it as an attribute of the exporter) takes the place of the result's.
void TakeConfig(const std::map<std::string, std::string>& metadata, std::string_view key, const std::string& platform,
                std::string& config) {
  for (const std::string& name : {std::string(key), fmt::format("{}/{}", key, platform)}) {
    if (const auto found = metadata.find(name); found != metadata.end()) {
      config = found->second;
    }
  }
}

class ImageCommit {
 public:
  ImageCommit(const ExportInput& input, const ImageAttributes& attributes, const ExporterServices& services,
              ExportProgress& progress)
      : input_(input), attributes_(attributes), services_(services), progress_(progress) {}

  Result<CommittedImage> Run(std::stop_token stop) {
    const bool attested =
        std::any_of(input_.platforms.begin(), input_.platforms.end(), [&](const PlatformExport& platform) {
          return HasAttestations(platform.attestations,
                                 input_.multi_platform || attributes_.attestation_inline.value_or(false));
        });
    is_index_ = input_.multi_platform || attested;
    LOAM_TRY(CheckInput());
    if (attested && !attributes_.oci_media_types) {
      return Unexpected(ErrorCode::kInvalidArgument, "cannot export attestations with \"oci-mediatypes=false\"");
    }
    std::vector<LayerRequest> requests;
    std::vector<std::optional<std::int64_t>> epochs;
    for (const PlatformExport& platform : input_.platforms) {
      epochs.push_back(LOAM_TRY(EpochFor(attributes_.epoch, input_, platform.id)));
      LayerRequest& request = requests.emplace_back();
      request.fs = platform.fs;
      if (attributes_.rewrite_timestamp && epochs.back()) {
        request.max_mtime = epochs.back();
        request.base_diff_ids = LOAM_TRY_CONTEXT("base image", DiffIdsOf(platform.base_image_config));
      }
    }
    const std::vector<std::vector<LayerBlob>> layers =
        LOAM_TRY(ExportLayers(requests, attributes_, services_, progress_, stop));

    CommittedImage image;
    for (std::size_t i = 0; i < input_.platforms.size(); ++i) {
      std::string inline_cache;
      if (input_.inline_cache) {
        inline_cache = LOAM_TRY_CONTEXT("inline cache", input_.inline_cache(i, layers[i]));
      }
      image.manifests.push_back(LOAM_TRY(CommitManifest(input_.platforms[i], layers[i], epochs[i], inline_cache)));
      if (is_index_) {
        image.manifests.back().manifest.platform = input_.platforms[i].platform;
      }
      if (is_index_ && !input_.platforms[i].attestations.empty()) {
        image.attestations.push_back(
            LOAM_TRY(CommitAttestations(input_.platforms[i], image.manifests.back(), layers[i], stop)));
      }
    }
    if (!is_index_) {
      image.root = image.manifests.front().manifest;
      return image;
    }
    image.is_index = true;
    image.root = LOAM_TRY(CommitIndex(image));
    return image;
  }

 private:
  Result<> CheckInput() const {
    if (input_.platforms.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "there is nothing to export");
    }
    if (!input_.multi_platform && input_.platforms.size() > 1) {
      return Unexpected(ErrorCode::kInvalidArgument, "several platforms need an image index");
    }
    for (const auto& [platform, annotations] : attributes_.annotations.by_platform()) {
      const auto is_platform = [&](const PlatformExport& candidate) {
        return candidate.id == platform || FormatPlatformAll(candidate.platform) == platform;
      };
      if (!platform.empty() && std::none_of(input_.platforms.begin(), input_.platforms.end(), is_platform)) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("invalid annotation: platform {} is not built", platform));
      }
      const bool beyond_docker = !annotations.index.empty() || !annotations.index_descriptor.empty() ||
                                 !annotations.manifest_descriptor.empty();
      if (!attributes_.oci_media_types && beyond_docker) {
        return Unexpected(ErrorCode::kInvalidArgument, "annotations need OCI media types (`oci-mediatypes=true`)");
      }
      if (!is_index_ && (!annotations.index.empty() || !annotations.index_descriptor.empty())) {
        return Unexpected(ErrorCode::kInvalidArgument, "index annotations need an image index (several platforms)");
      }
    }
    return {};
  }

  Result<CommittedManifest> CommitManifest(const PlatformExport& platform, const std::vector<LayerBlob>& layers,
                                           std::optional<std::int64_t> epoch, const std::string& inline_cache) {
    const bool oci = attributes_.oci_media_types;
    const std::string config = LOAM_TRY(CompleteImageConfig(platform.image_config, platform.base_image_config,
                                                            platform.platform, layers, epoch, inline_cache));
    CommittedManifest result;
    result.config =
        LOAM_TRY(StoreBlob(*services_.content, oci ? media_type::kOciConfig : media_type::kDockerConfig, config));
    progress_.Started("exporting config " + result.config.digest.ToString());
    progress_.Finished("exporting config " + result.config.digest.ToString());
    for (const LayerBlob& layer : layers) {
      Descriptor blob = layer.blob;
      if (!oci) {
        blob.media_type = content::LayerMediaType(LOAM_TRY(content::CompressionOfMediaType(blob.media_type)), false);
      }
      result.layers.push_back(std::move(blob));
    }

    const Annotations annotations = attributes_.annotations.For(FormatPlatformAll(platform.platform));
    const std::string_view type = oci ? media_type::kOciManifest : media_type::kDockerManifest;
    ordered_json manifest = {{"schemaVersion", 2}, {"mediaType", type}, {"config", ToJson(result.config)}};
    manifest["layers"] = ordered_json::array();
    for (const Descriptor& layer : result.layers) {
      manifest["layers"].push_back(ToJson(layer));
    }
    if (!annotations.manifest.empty()) {
      manifest["annotations"] = annotations.manifest;
    }
    result.manifest = LOAM_TRY(StoreJson(*services_.content, type, manifest));
    result.manifest.annotations = annotations.manifest_descriptor;
    result.manifest.platform = platform.platform;
    progress_.Started("exporting manifest " + result.manifest.digest.ToString());
    progress_.Finished("exporting manifest " + result.manifest.digest.ToString());
    return result;
  }

  // What is said of one platform's image, as a manifest beside it.
  Result<CommittedManifest> CommitAttestations(const PlatformExport& platform, const CommittedManifest& target,
                                               const std::vector<LayerBlob>& layers, const std::stop_token& stop) {
    std::vector<Digest> blobs;
    for (const LayerBlob& layer : layers) {
      blobs.push_back(layer.blob.digest);
    }
    std::vector<StatementSubject> subjects;
    const std::string names = ImageNameOf(attributes_, input_);
    for (const std::string_view name : Split(names, ',')) {
      if (!name.empty()) {
        subjects.push_back({LOAM_TRY(ImagePurl("docker", TrimSpace(name), platform.platform)), target.manifest.digest});
      }
    }
    CommittedManifest result;
    for (ReadAttestation& attestation :
         LOAM_TRY(ReadAttestations(platform.attestations, true, *services_.layers, stop))) {
      LOAM_TRY(SupplementSbom(attestation, platform.fs, blobs, *services_.layers));
      Descriptor layer = LOAM_TRY(
          StoreBlob(*services_.content, media_type::kInToto, LOAM_TRY(StatementText(attestation, subjects, -1))));
      layer.annotations["in-toto.io/predicate-type"] = attestation.predicate_type;
      result.layers.push_back(std::move(layer));
    }
    const bool artifact = attributes_.oci_artifact.value_or(attributes_.oci_media_types);
    ordered_json config_json;
    if (artifact) {
      result.config = LOAM_TRY(StoreBlob(*services_.content, media_type::kOciEmpty, "{}"));
      config_json = ToJson(result.config);
      config_json["data"] = Base64Encode("{}");
    } else {
      ordered_json config = {{"architecture", "unknown"}, {"os", "unknown"}, {"config", ordered_json::object()}};
      config["rootfs"] = {{"type", "layers"}, {"diff_ids", ordered_json::array()}};
      for (const Descriptor& layer : result.layers) {
        config["rootfs"]["diff_ids"].push_back(layer.digest.ToString());
      }
      result.config = LOAM_TRY(StoreBlob(*services_.content, media_type::kOciConfig, config.dump()));
      config_json = ToJson(result.config);
    }
    ordered_json manifest = {{"schemaVersion", 2}, {"mediaType", media_type::kOciManifest}};
    if (artifact) {
      manifest["artifactType"] = kAttestationArtifactType;
    }
    manifest["config"] = std::move(config_json);
    manifest["layers"] = ordered_json::array();
    for (const Descriptor& layer : result.layers) {
      manifest["layers"].push_back(ToJson(layer));
    }
    if (artifact) {
      Descriptor subject;
      subject.media_type = target.manifest.media_type;
      subject.digest = target.manifest.digest;
      subject.size = target.manifest.size;
      manifest["subject"] = ToJson(subject);
    }
    result.manifest = LOAM_TRY(StoreJson(*services_.content, media_type::kOciManifest, manifest));
    result.manifest.annotations = {{"vnd.docker.reference.type", "attestation-manifest"},
                                   {"vnd.docker.reference.digest", target.manifest.digest.ToString()}};
    result.manifest.platform = Platform{"unknown", "unknown", {}, {}, {}};
    progress_.Started("exporting attestation manifest " + result.manifest.digest.ToString());
    progress_.Finished("exporting attestation manifest " + result.manifest.digest.ToString());
    return result;
  }

  Result<Descriptor> CommitIndex(const CommittedImage& image) {
    const Annotations annotations = attributes_.annotations.For("");
    const std::string_view type = attributes_.oci_media_types ? media_type::kOciIndex : media_type::kDockerManifestList;
    ordered_json index = {{"schemaVersion", 2}, {"mediaType", type}};
    index["manifests"] = ordered_json::array();
    for (const std::vector<CommittedManifest>* list : {&image.manifests, &image.attestations}) {
      for (const CommittedManifest& manifest : *list) {
        index["manifests"].push_back(ToJson(manifest.manifest));
      }
    }
    if (!annotations.index.empty()) {
      index["annotations"] = annotations.index;
    }
    Descriptor root = LOAM_TRY(StoreJson(*services_.content, type, index));
    root.annotations = annotations.index_descriptor;
    progress_.Started("exporting manifest list " + root.digest.ToString());
    progress_.Finished("exporting manifest list " + root.digest.ToString());
    return root;
  }

  const ExportInput& input_;
  const ImageAttributes& attributes_;
  const ExporterServices& services_;
  ExportProgress& progress_;
  bool is_index_ = false;
};

}  // namespace

std::vector<Descriptor> CommittedImage::AllBlobs() const {
  std::vector<Descriptor> blobs;
  std::set<Digest> seen;
  const auto add = [&](const Descriptor& blob) {
    if (seen.insert(blob.digest).second) {
      blobs.push_back(blob);
    }
  };
  for (const std::vector<CommittedManifest>* list : {&manifests, &attestations}) {
    for (const CommittedManifest& manifest : *list) {
      for (const Descriptor& layer : manifest.layers) {
        add(layer);
      }
      add(manifest.config);
      add(manifest.manifest);
    }
  }
  add(root);
  return blobs;
}

Result<CommittedImage> CommitImage(const ExportInput& input, const ImageAttributes& attributes,
                                   const ExporterServices& services, ExportProgress& progress, std::stop_token stop) {
  ImageAttributes merged = attributes;
  for (const auto& [key, value] : input.metadata) {
    LOAM_TRY(merged.annotations.Add(key, value));
  }
  ExportInput complete = input;
  for (PlatformExport& platform : complete.platforms) {
    TakeConfig(input.metadata, kMetadataConfig, platform.id, platform.image_config);
    TakeConfig(input.metadata, kMetadataBaseConfig, platform.id, platform.base_image_config);
  }
  return ImageCommit(complete, merged, services, progress).Run(std::move(stop));
}

Response ImageResponse(const CommittedImage& image) {
  Response response;
  response[std::string(kResponseDigest)] = image.root.digest.ToString();
  if (!image.is_index) {
    response[std::string(kResponseConfigDigest)] = image.manifests.front().config.digest.ToString();
  }
  response[std::string(kResponseDescriptor)] = Base64Encode(EscapeLikeGo(ToJson(image.root).dump()));
  return response;
}

std::string ImageNameOf(const ImageAttributes& attributes, const ExportInput& input) {
  if (attributes.name == "*") {
    const auto found = input.metadata.find("image.name");
    return found != input.metadata.end() ? found->second : std::string();
  }
  return attributes.name;
}

Result<std::optional<std::int64_t>> ImageEpoch(const ImageAttributes& attributes, const ExportInput& input) {
  return EpochFor(attributes.epoch, input, input.platforms.size() == 1 ? input.platforms.front().id : std::string());
}

}  // namespace loam::exporter
