#include "runtime-executor/cache/remote/backend.h"

#include <charconv>

#include <fmt/format.h>

#include "runtime-executor/cache/remote/azblob/azblob_cache.h"
#include "runtime-executor/cache/remote/gha/gha_cache.h"
#include "runtime-executor/cache/remote/local_cache.h"
#include "runtime-executor/cache/remote/registry_cache.h"
#include "runtime-executor/cache/remote/s3/s3_cache.h"

namespace loam::cache {

std::string TextAttribute(const Attributes& attributes, const std::string& name, const std::string& fallback) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? fallback : found->second;
}

Result<bool> BoolAttribute(const Attributes& attributes, const std::string& name, bool fallback) {
  const auto found = attributes.find(name);
  if (found == attributes.end()) {
    return fallback;
  }
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (found->second == yes) {
      return true;
    }
  }
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (found->second == no) {
      return false;
    }
  }
  return Unexpected(ErrorCode::kInvalidArgument,
                    fmt::format("cache attribute `{}`: `{}` is neither true nor false", name, found->second));
}

Result<CacheExportSettings> ReadExportSettings(const Attributes& attributes) {
  CacheExportSettings settings;
  settings.mode = TextAttribute(attributes, "mode") == "max" ? CacheMode::kMax : CacheMode::kMin;
  settings.ignore_error = LOAM_TRY(BoolAttribute(attributes, "ignore-error", false));
  if (const std::string type = TextAttribute(attributes, "compression"); !type.empty()) {
    settings.compression.type = LOAM_TRY_CONTEXT("cache attribute `compression`", content::ParseCompression(type));
  }
  if (const std::string text = TextAttribute(attributes, "compression-level"); !text.empty()) {
    int level = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), level);
    const int highest = settings.compression.type == content::CompressionType::kZstd ? 22 : 9;
    if (error != std::errc() || end != text.data() + text.size() || level < 0 || level > highest) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("cache attribute `compression-level`: {} has the levels 0 to {}, not {}",
                                    content::CompressionName(settings.compression.type), highest, text));
    }
    settings.compression.level = level;
  }
  settings.force_compression = LOAM_TRY(BoolAttribute(attributes, "force-compression", false));
  return settings;
}

Result<std::unique_ptr<CacheSource>> OpenCacheSource(std::string_view type, const Attributes& attributes,
                                                     const BackendServices& services) {
  if (type == "registry" || type == "inline") {
    return OpenRegistryCacheSource(attributes, services);
  }
  if (type == "local") {
    return OpenLocalCacheSource(attributes, services);
  }
  if (type == "gha") {
    return OpenGhaCacheSource(attributes, services);
  }
  if (type == "s3") {
    return OpenS3CacheSource(attributes, services);
  }
  if (type == "azblob") {
    return OpenAzblobCacheSource(attributes, services);
  }
  return Unexpected(ErrorCode::kNotFound, fmt::format("unknown cache importer: {}", type));
}

Result<std::unique_ptr<CacheTarget>> OpenCacheTarget(std::string_view type, const Attributes& attributes,
                                                     const BackendServices& services) {
  if (type == "registry") {
    return OpenRegistryCacheTarget(attributes, services);
  }
  if (type == "local") {
    return OpenLocalCacheTarget(attributes, services);
  }
  if (type == "gha") {
    return OpenGhaCacheTarget(attributes, services);
  }
  if (type == "s3") {
    return OpenS3CacheTarget(attributes, services);
  }
  if (type == "azblob") {
    return OpenAzblobCacheTarget(attributes, services);
  }
  return Unexpected(ErrorCode::kNotFound, fmt::format("unknown cache exporter: \"{}\"", type));
}

}  // namespace loam::cache
