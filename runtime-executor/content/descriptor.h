// Descriptors and media types (OCI image-spec: descriptor.md, media-types.md; Docker image manifest v2 schema 2).
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/platform.h"
#include "base/result.h"

namespace loam::content {

namespace media_type {
inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kOciLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kOciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view kOciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view kOciLayerNondistributable = "application/vnd.oci.image.layer.nondistributable.v1.tar";
inline constexpr std::string_view kOciLayerNondistributableGzip =
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
inline constexpr std::string_view kOciEmpty = "application/vnd.oci.empty.v1+json";
inline constexpr std::string_view kDockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kDockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view kDockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view kDockerLayerZstd = "application/vnd.docker.image.rootfs.diff.tar.zstd";
inline constexpr std::string_view kDockerForeignLayerGzip = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
inline constexpr std::string_view kInToto = "application/vnd.in-toto+json";

// Manifest lists and indexes of both families.
bool IsIndex(std::string_view media_type);
bool IsManifest(std::string_view media_type);
bool IsConfig(std::string_view media_type);
bool IsLayer(std::string_view media_type);
}  // namespace media_type

using Platform = ::loam::Platform;

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  std::map<std::string, std::string> annotations;
  std::optional<Platform> platform;
  std::string artifact_type;
  std::vector<std::string> urls;

  friend bool operator==(const Descriptor&, const Descriptor&) = default;
};

// JSON with the keys in the order in which Go's image-spec types print them.
nlohmann::ordered_json ToJson(const Platform& platform);
nlohmann::ordered_json ToJson(const Descriptor& descriptor);
// kInvalidArgument for anything that is not a descriptor with a valid digest and a size that is not negative.
Result<Platform> ParsePlatformJson(const nlohmann::json& json);
Result<Descriptor> ParseDescriptor(const nlohmann::json& json);

// An image manifest or index as far as clients need it; unknown members are ignored.
struct Manifest {
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers;
  std::map<std::string, std::string> annotations;
};
struct Index {
  std::string media_type;
  std::vector<Descriptor> manifests;
  std::map<std::string, std::string> annotations;
};
Result<Manifest> ParseManifest(std::string_view text);
Result<Index> ParseIndex(std::string_view text);
// The "mediaType" member of a manifest or index; without one it is guessed from the members ("manifests": an index).
Result<std::string> DetectMediaType(std::string_view text);

}  // namespace loam::content
