#include "runtime-executor/exporter/local/local_exporter.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "runtime-executor/exporter/filesystem_attributes.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::exporter {
namespace {

// Overlayfs keeps its own notes in these; they mean nothing elsewhere.
bool KeepXattr(std::string_view name) {
  return !name.starts_with("trusted.overlay.") && !name.starts_with("user.overlay.");
}

// Removes what is in `to` but not in `from`.
Result<> RemoveOthers(int from_dir, int to_dir, const std::string& where) {
  for (const std::string& name : LOAM_TRY(ListDirFd(to_dir, where))) {
    struct stat source {};
    const std::string path = where + "/" + name;
    if (::fstatat(from_dir, name.c_str(), &source, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) {
        return UnexpectedErrno("stat " + path);
      }
      LOAM_TRY_CONTEXT(where, RemoveTreeAt(to_dir, name));
      continue;
    }
    struct stat target {};
    if (S_ISDIR(source.st_mode) && ::fstatat(to_dir, name.c_str(), &target, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(target.st_mode)) {
      const UniqueFd from = LOAM_TRY(OpenFileAt(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      const UniqueFd to = LOAM_TRY(OpenFileAt(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      LOAM_TRY(RemoveOthers(from.get(), to.get(), path));
    }
  }
  return {};
}

class LocalExporter final : public Exporter {
 public:
  LocalExporter(FilesystemAttributes attributes, ExporterServices services)
      : attributes_(std::move(attributes)), services_(std::move(services)) {}

  [[nodiscard]] std::string Name() const override { return "exporting to client directory"; }

  Result<Response> Export(const ExportInput& input, ExportProgress& progress, std::stop_token stop) override {
    if (input.platforms.size() > 1 && !input.multi_platform) {
      return Unexpected(ErrorCode::kInvalidArgument, "several platforms need a directory each");
    }
    LOAM_TRY(MakeDirs(attributes_.dest));
    const bool split = attributes_.SplitsPlatforms(input);
    if (split && attributes_.delete_others) {
      LOAM_TRY(RemoveOtherPlatforms(input));
    }
    for (const PlatformExport& platform : input.platforms) {
      const std::string step = split ? "copying files " + platform.id : "copying files";
      progress.Started(step);
      const std::string directory = split ? attributes_.dest + "/" + PlatformDirectory(platform.id) : attributes_.dest;
      const std::optional<std::int64_t> epoch = LOAM_TRY(EpochFor(attributes_.epoch, input, platform.id));
      LOAM_TRY(ExportPlatform(platform, directory, epoch, input.platforms.size() > 1 && !split, stop));
      for (const StatementFile& file : LOAM_TRY(StatementFilesOf(platform, input, attributes_, services_, stop))) {
        LOAM_TRY(WriteStatement(file, directory, epoch));
      }
      progress.Finished(step);
    }
    return Response();
  }

 private:
  static Result<> WriteStatement(const StatementFile& file, const std::string& directory,
                                 std::optional<std::int64_t> epoch) {
    const std::string path = directory + "/" + file.name;
    LOAM_TRY(WriteFileAtomic(path, file.text));
    if (::chmod(path.c_str(), 0600) != 0) {
      return UnexpectedErrno("chmod " + path);
    }
    if (epoch) {
      const timespec time{static_cast<time_t>(*epoch), 0};
      const timespec times[2] = {time, time};
      if (::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0) {
        return UnexpectedErrno("set the time of " + path);
      }
    }
    return {};
  }

  Result<> RemoveOtherPlatforms(const ExportInput& input) const {
    for (const std::string& name : LOAM_TRY(ListDir(attributes_.dest))) {
      const auto is_mine = [&](const PlatformExport& platform) { return PlatformDirectory(platform.id) == name; };
      if (std::none_of(input.platforms.begin(), input.platforms.end(), is_mine)) {
        LOAM_TRY(RemoveTree(attributes_.dest + "/" + name));
      }
    }
    return {};
  }

  Result<> ExportPlatform(const PlatformExport& platform, const std::string& directory,
                          std::optional<std::int64_t> epoch, bool shared_directory, std::stop_token stop) {
    const snapshot::FsRef fs =
        platform.fs.is_host_tree() ? LOAM_TRY(services_.layers->Materialize(platform.fs)) : platform.fs;
    const snapshot::MountedFs mounted = LOAM_TRY(services_.layers->Mount(fs, stop));
    LOAM_TRY(MakeDirs(directory));
    const UniqueFd target = LOAM_TRY(OpenFile(directory, O_RDONLY | O_DIRECTORY));
    if (attributes_.delete_others && !shared_directory) {
      LOAM_TRY(RemoveOthers(mounted.fd(), target.get(), directory));
    }
    CopyOptions options;
    options.owner = std::pair(::geteuid(), ::getegid());
    options.keep_xattr = KeepXattr;
    if (epoch) {
      options.mtime = timespec{static_cast<time_t>(*epoch), 0};
    }
    Result<> result;
    LOAM_TRY_CONTEXT(
        "export to " + directory,
        CopyTree(mounted.fd(), target.get(), options, [&](const std::string& path, const struct stat& info) {
          if (stop.stop_requested()) {
            result = Unexpected(ErrorCode::kCanceled, "export was cancelled");
            return false;
          }
          if (shared_directory && !S_ISDIR(info.st_mode) && result) {
            const auto [found, is_new] = owner_of_.try_emplace(path, platform.id);
            if (!is_new) {
              result = Unexpected(ErrorCode::kInvalidArgument,
                                  fmt::format("cannot overwrite {} from {} with {} when split option is disabled", path,
                                              found->second, platform.id));
            }
          }
          return result.has_value();
        }));
    return result;
  }

  const FilesystemAttributes attributes_;
  const ExporterServices services_;
  // With platform-split=false: which platform a file came from.
  std::map<std::string, std::string> owner_of_;
};

}  // namespace

Result<std::unique_ptr<Exporter>> MakeLocalExporter(const Attributes& attributes, const ExporterServices& services) {
  FilesystemAttributes parsed = LOAM_TRY(ReadFilesystemAttributes("local", attributes));
  if (parsed.dest == "-") {
    return Unexpected(ErrorCode::kInvalidArgument, "the local exporter needs a directory: dest=PATH");
  }
  struct stat status {};
  if (::stat(parsed.dest.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the destination {} is not a directory", parsed.dest));
  }
  return std::unique_ptr<Exporter>(std::make_unique<LocalExporter>(std::move(parsed), services));
}

}  // namespace loam::exporter
