#include "cli/commands/rewrite_file.h"

#include <sys/stat.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/file_system.h"

namespace loam::cli {

Result<> RewriteFile(const std::string& path, std::string_view text) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  struct stat info {};
  if (error || ::stat(real.c_str(), &info) != 0) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("`{}` is gone", path));
  }
  return WriteFileAtomic(real.string(), text, info.st_mode & 07777, true);
}

}  // namespace loam::cli
