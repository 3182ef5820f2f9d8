#include "runtime-executor/exporter/filesystem_attributes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "runtime-executor/content/byte_stream.h"
#include "runtime-executor/snapshot/layer_store.h"

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
    } else if (key == "attestation-prefix") {
      result.attestation_prefix = value;
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

namespace {

// Digests of all regular files below a directory, by path, in order.
Result<> AddSubjects(int dir_fd, const std::string& prefix, std::vector<StatementSubject>& subjects,
                     const std::stop_token& stop) {
  std::vector<DirEntry> entries = LOAM_TRY(ReadDir(dir_fd));
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const DirEntry& entry : entries) {
    if (stop.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "export was cancelled");
    }
    struct stat status {};
    const std::string path = prefix + entry.name;
    if (::fstatat(dir_fd, entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return UnexpectedErrno("stat " + path);
    }
    if (S_ISDIR(status.st_mode)) {
      const UniqueFd below = LOAM_TRY(OpenFileAt(dir_fd, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      LOAM_TRY(AddSubjects(below.get(), path + "/", subjects, stop));
    } else if (S_ISREG(status.st_mode)) {
      const UniqueFd file = LOAM_TRY(OpenFileAt(dir_fd, entry.name, O_RDONLY | O_NOFOLLOW));
      content::FdSource source(file.get(), path);
      Sha256 hash;
      std::string buffer(std::size_t{1} << 20, '\0');
      while (const std::size_t got = LOAM_TRY(source.Read(buffer))) {
        hash.Update(std::string_view(buffer).substr(0, got));
      }
      subjects.push_back({path, hash.Finish()});
    }
  }
  return {};
}

}  // namespace

Result<std::vector<StatementFile>> StatementFilesOf(const PlatformExport& platform, const ExportInput& input,
                                                    const FilesystemAttributes& attributes,
                                                    const ExporterServices& services, const std::stop_token& stop) {
  std::vector<StatementFile> files;
  const std::vector<ReadAttestation> attestations =
      LOAM_TRY(ReadAttestations(platform.attestations, false, *services.layers, stop));
  if (attestations.empty()) {
    return files;
  }
  std::vector<StatementSubject> subjects;
  const snapshot::MountedFs mounted = LOAM_TRY(services.layers->Mount(platform.fs, stop));
  const UniqueFd root = LOAM_TRY(OpenInRoot(mounted.fd(), "/", O_RDONLY | O_DIRECTORY));
  LOAM_TRY(AddSubjects(root.get(), "", subjects, stop));
  std::set<std::string> names;
  for (const ReadAttestation& attestation : attestations) {
    std::string name = attributes.attestation_prefix + attestation.path.substr(attestation.path.rfind('/') + 1);
    if (input.multi_platform && !attributes.SplitsPlatforms(input)) {
      const std::size_t dot = name.rfind('.');
      const std::string extension = dot == std::string::npos ? "" : name.substr(dot);
      name = fmt::format("{}.{}{}", name.substr(0, name.size() - extension.size()), PlatformDirectory(platform.id),
                         extension);
    }
    if (!names.insert(name).second) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("duplicate attestation path name {}", name));
    }
    files.push_back({name, LOAM_TRY(StatementText(attestation, subjects, 2))});
  }
  return files;
}

}  // namespace loam::exporter
