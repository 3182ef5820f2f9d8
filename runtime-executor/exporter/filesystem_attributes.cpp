#include "runtime-executor/exporter/filesystem_attributes.h"

#include <algorithm>

#include <fmt/format.h>

namespace loam::exporter {

Result<FilesystemAttributes> ReadFilesystemAttributes(std::string_view type, const Attributes& attributes) {
  FilesystemAttributes result;
  for (const auto& [key, value] : attributes) {
    if (key == "dest") {
      result.dest = value;
    } else if (key == "source-date-epoch") {
      result.epoch = LOAM_TRY(ParseEpoch(key, value));
    } else if (key == "platform-split") {
      result.platform_split = LOAM_TRY(ParseBool(key, value));
    } else if (key == "mode") {
      if (!value.empty() && value != "copy" && value != "delete") {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("exporter attribute `mode`: `{}` is neither copy nor delete", value));
      }
      result.delete_others = value == "delete";
    }
  }
  if (result.dest.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the {} exporter needs `dest=PATH`", type));
  }
  return result;
}

std::string PlatformDirectory(const std::string& platform_id) {
  std::string name = platform_id;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

}  // namespace loam::exporter
