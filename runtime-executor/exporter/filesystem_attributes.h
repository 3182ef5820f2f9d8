// What the local and tar exporters have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "runtime-executor/exporter/attributes.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::exporter {

struct FilesystemAttributes {
  std::string dest;
  std::optional<std::optional<std::int64_t>> epoch;
  // nullopt: a directory a platform if there is an index of platforms.
  std::optional<bool> platform_split;
  // Local only: remove from the destination what is not exported.
  bool delete_others = false;

  [[nodiscard]] bool SplitsPlatforms(const ExportInput& input) const {
    return platform_split.value_or(input.multi_platform);
  }
};

// `type` is for messages.
Result<FilesystemAttributes> ReadFilesystemAttributes(std::string_view type, const Attributes& attributes);

// "linux/amd64" -> "linux_amd64".
std::string PlatformDirectory(const std::string& platform_id);

}  // namespace loam::exporter
