// What the local and tar exporters have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

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
  // Put before the names of attestations' files.
  std::string attestation_prefix;

  [[nodiscard]] bool SplitsPlatforms(const ExportInput& input) const {
    return platform_split.value_or(input.multi_platform);
  }
};

// `type` is for messages.
Result<FilesystemAttributes> ReadFilesystemAttributes(std::string_view type, const Attributes& attributes);

// "linux/amd64" -> "linux_amd64".
std::string PlatformDirectory(const std::string& platform_id);

// A statement as a file at the root of the export.
struct StatementFile {
  std::string name;
  std::string text;
};
// What is said of a platform's files, each of which is a subject. kInvalidArgument if two have one name.
Result<std::vector<StatementFile>> StatementFilesOf(const PlatformExport& platform, const ExportInput& input,
                                                    const FilesystemAttributes& attributes,
                                                    const ExporterServices& services, const std::stop_token& stop);

}  // namespace loam::exporter
