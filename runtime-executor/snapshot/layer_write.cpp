#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "runtime-executor/snapshot/layer_tar.h"
#include "runtime-executor/snapshot/tar_format.h"

namespace loam::snapshot {
namespace {

class Writer {
 public:
  Writer(const WriteTarOptions& options, content::ByteSink& sink, std::stop_token stop)
      : options_(options), sink_(sink), tar_(sink), stop_(std::move(stop)) {
    if (!options.tar.prefix.empty()) {
      prefix_ = options.tar.prefix + "/";
    }
  }

  Result<> Directory(int dir, const std::string& prefix) {
    auto names = LOAM_TRY(ReadDir(dir));
    std::sort(names.begin(), names.end(), [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
    for (const DirEntry& entry : names) {
      if (stop_.stop_requested()) {
        return Unexpected(ErrorCode::kCanceled, "canceled");
      }
      LOAM_TRY(Node(dir, entry.name, prefix + entry.name));
    }
    return {};
  }

  // The directory that everything is put into.
  Result<> PrefixDirectory() {
    TarEntry entry;
    entry.type = '5';
    entry.path = prefix_;
    entry.mode = 0755;
    entry.mtime.tv_sec = options_.tar.fixed_mtime.value_or(0);
    return tar_.Header(entry);
  }

  Result<> Finish() { return tar_.Finish(); }

 private:
  Result<> Node(int dir, const std::string& name, const std::string& path) {
    if (options_.host_tree != nullptr && LOAM_TRY(options_.host_tree->Find(path)) == nullptr) {
      return {};
    }
    struct stat info {};
    if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT && !options_.from_layer) {
        return {};  // a whiteout of nothing, which overlayfs lists and does not find
      }
      return UnexpectedErrno(fmt::format("stat `{}`", path));
    }
    TarEntry entry;
    entry.path = prefix_ + path;
    entry.mode = info.st_mode & 07777U;
    if (options_.host_tree == nullptr) {
      entry.uid = info.st_uid;
      entry.gid = info.st_gid;
    }
    entry.mtime.tv_sec = info.st_mtim.tv_sec;
    if (options_.tar.max_mtime) {
      entry.mtime.tv_sec = std::min<time_t>(entry.mtime.tv_sec, *options_.tar.max_mtime);
    }
    if (options_.tar.fixed_mtime) {
      entry.mtime.tv_sec = *options_.tar.fixed_mtime;
    }
    if (options_.from_layer && S_ISCHR(info.st_mode) && info.st_rdev == 0) {
      return Marker(path.substr(0, path.size() - name.size()) + std::string(kWhiteoutPrefix) + name);
    }
    if (S_ISSOCK(info.st_mode)) {
      return {};
    }
    if (!S_ISDIR(info.st_mode) && info.st_nlink > 1) {
      if (const auto first = links_.FindOrAdd(info, prefix_ + path)) {
        entry.type = '1';
        entry.link = *first;
        return tar_.Header(entry);
      }
    }
    switch (info.st_mode & S_IFMT) {
      case S_IFDIR:
        return Subdirectory(dir, name, path, std::move(entry));
      case S_IFREG:
        return File(dir, name, path, std::move(entry));
      case S_IFLNK:
        entry.type = '2';
        entry.mode = 0777;
        entry.link = LOAM_TRY(ReadLinkAt(dir, name));
        break;
      case S_IFIFO:
        entry.type = '6';
        break;
      default:
        entry.type = S_ISCHR(info.st_mode) ? '3' : '4';
        entry.dev_major = major(info.st_rdev);
        entry.dev_minor = minor(info.st_rdev);
        break;
    }
    LOAM_TRY(AddXattrs(dir, name, &entry));
    return tar_.Header(entry);
  }

  Result<> Subdirectory(int dir, const std::string& name, const std::string& path, TarEntry entry) {
    const UniqueFd fd = LOAM_TRY(OpenFileAt(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    entry.type = '5';
    entry.path += '/';
    const bool opaque = LOAM_TRY(AddXattrs(fd.get(), "", &entry));
    if (options_.skip_dirs.count(path) == 0) {
      LOAM_TRY(tar_.Header(entry));
    }
    if (opaque) {
      LOAM_TRY(Marker(path + "/" + std::string(kOpaqueMarker)));
    }
    return Directory(fd.get(), path + "/");
  }

  Result<> File(int dir, const std::string& name, const std::string& path, TarEntry entry) {
    const UniqueFd fd = LOAM_TRY(OpenFileAt(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) {
      return UnexpectedErrno(fmt::format("stat `{}`", path));
    }
    entry.type = '0';
    entry.size = static_cast<std::uint64_t>(info.st_size);
    LOAM_TRY(AddXattrs(fd.get(), "", &entry));
    LOAM_TRY(tar_.Header(entry));
    if (entry.size > 0) {
      LOAM_TRY(sink_.WriteFromFile(fd.get(), 0, entry.size, path));
    }
    return tar_.EndData(entry.size);
  }

  // Whiteouts and opaque markers: empty files of the epoch.
  Result<> Marker(const std::string& path) {
    TarEntry entry;
    entry.path = prefix_ + path;
    entry.mode = 0;
    entry.mtime.tv_sec = options_.tar.fixed_mtime.value_or(0);
    return tar_.Header(entry);
  }

  // True if the xattrs say that the directory is opaque.
  Result<bool> AddXattrs(int dir, const std::string& name, TarEntry* entry) {
    bool opaque = false;
    for (auto& [key, value] : LOAM_TRY(ReadXattrs(dir, name))) {
      if (key == options_.overlay_prefix + "opaque") {
        opaque = options_.from_layer && value == "y";
      }
      // The label is this machine's affair; ACLs in system.* are in no layer that others write.
      if (key.starts_with(options_.overlay_prefix) || key == "security.selinux" || key.starts_with("system.")) {
        continue;
      }
      entry->xattrs.emplace(key, std::move(value));
    }
    return opaque;
  }

  const WriteTarOptions& options_;
  content::ByteSink& sink_;
  TarWriter tar_;
  HardLinks links_;
  const std::stop_token stop_;
  std::string prefix_;
};

}  // namespace

Result<> WriteTarStream(int root_fd, const WriteTarOptions& options, content::ByteSink& sink, std::stop_token stop) {
  Writer writer(options, sink, std::move(stop));
  if (!options.tar.prefix.empty()) {
    LOAM_TRY(writer.PrefixDirectory());
  }
  LOAM_TRY(writer.Directory(root_fd, ""));
  return options.tar.end_of_archive ? writer.Finish() : Result<>();
}

}  // namespace loam::snapshot
