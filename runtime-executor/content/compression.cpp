#include "runtime-executor/content/compression.h"

#include <fmt/format.h>

#include "runtime-executor/content/descriptor.h"

namespace loam::content {

std::string_view CompressionName(CompressionType type) {
  switch (type) {
    case CompressionType::kUncompressed:
      return "uncompressed";
    case CompressionType::kGzip:
      return "gzip";
    case CompressionType::kZstd:
      return "zstd";
  }
  return "";
}

Result<CompressionType> ParseCompression(std::string_view name) {
  for (const CompressionType type : {CompressionType::kUncompressed, CompressionType::kGzip, CompressionType::kZstd}) {
    if (name == CompressionName(type)) {
      return type;
    }
  }
  if (name == "estargz") {
    return Unexpected(ErrorCode::kUnimplemented, "compression type `estargz` is not supported; use gzip or zstd");
  }
  return Unexpected(ErrorCode::kInvalidArgument,
                    fmt::format("unsupported compression type `{}`; use uncompressed, gzip or zstd", name));
}

std::string_view LayerMediaType(CompressionType type, bool oci) {
  switch (type) {
    case CompressionType::kUncompressed:
      return oci ? media_type::kOciLayer : media_type::kDockerLayer;
    case CompressionType::kGzip:
      return oci ? media_type::kOciLayerGzip : media_type::kDockerLayerGzip;
    case CompressionType::kZstd:
      return oci ? media_type::kOciLayerZstd : media_type::kDockerLayerZstd;
  }
  return "";
}

Result<CompressionType> CompressionOfMediaType(std::string_view media_type) {
  if (media_type.ends_with(".tar")) {
    return CompressionType::kUncompressed;
  }
  if (media_type.ends_with(".tar+gzip") || media_type.ends_with(".tar.gzip")) {
    return CompressionType::kGzip;
  }
  if (media_type.ends_with(".tar+zstd") || media_type.ends_with(".tar.zstd")) {
    return CompressionType::kZstd;
  }
  return Unexpected(ErrorCode::kUnimplemented, fmt::format("layers of media type `{}` are not supported", media_type));
}

CompressionType DetectCompression(std::string_view head) {
  if (head.starts_with("\x1f\x8b\x08")) {
    return CompressionType::kGzip;
  }
  if (head.starts_with("\x28\xb5\x2f\xfd")) {
    return CompressionType::kZstd;
  }
  // A skippable frame first (0x184D2A5?, little endian).
  if (head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xf0U) == 0x50U &&
      head.substr(1, 3) == "\x2a\x4d\x18") {
    return CompressionType::kZstd;
  }
  return CompressionType::kUncompressed;
}

}  // namespace loam::content
