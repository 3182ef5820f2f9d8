#include "compiler/sema/earthfile/fetched_projects.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/file_system.h"

namespace loam::sema::earthfile {
namespace {

// A file a name, with the directory in it.
std::string RecordOf(const std::string& cache_directory, std::string_view git_path, std::string_view tag) {
  return fmt::format("{}/projects/{}", cache_directory, Digest::Of(fmt::format("{}\n{}", git_path, tag)).Hex());
}

}  // namespace

Result<> RememberProject(const std::string& cache_directory, std::string_view git_path, std::string_view tag,
                         std::string_view directory) {
  const std::string record = RecordOf(cache_directory, git_path, tag);
  if (const auto known = ReadFile(record); known && *known == directory) {
    return {};
  }
  LOAM_TRY(MakeDirs(cache_directory + "/projects"));
  return WriteFileAtomic(record, directory);
}

std::optional<std::string> RecallProject(const std::string& cache_directory, std::string_view git_path,
                                         std::string_view tag) {
  auto directory = ReadFile(RecordOf(cache_directory, git_path, tag));
  struct stat info {};
  if (!directory || stat(directory->c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return std::nullopt;
  }
  return std::move(*directory);
}

}  // namespace loam::sema::earthfile
