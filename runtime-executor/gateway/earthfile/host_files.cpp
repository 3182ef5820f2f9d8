#include "runtime-executor/gateway/earthfile/host_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "runtime-executor/ops/file_source.h"

namespace loam::gateway::earthfile {
namespace {

using snapshot::TreeEntry;

std::string BaseName(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::string ParentOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string Joined(const std::string& directory, const std::string& name) {
  return directory.empty() || directory.ends_with('/') ? directory + name : directory + "/" + name;
}

std::string WithoutTrailingSlash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.pop_back();
  }
  return path;
}

bool HasWildcard(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

std::string StripLeadingSlash(std::string_view path) {
  while (path.starts_with('/') || path.starts_with("./")) {
    path.remove_prefix(path.starts_with('/') ? 1 : 2);
  }
  return std::string(path == "." ? std::string_view() : path);
}

// Follows links, as what writes there does.
Result<std::optional<struct stat>> StatHost(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    return std::optional(info);
  }
  if (errno == ENOENT || errno == ENOTDIR) {
    return std::optional<struct stat>();
  }
  return UnexpectedErrno("stat " + path);
}

struct stat StatOf(const TreeEntry& entry) {
  struct stat info {};
  info.st_mode = entry.mode;
  info.st_uid = entry.uid;
  info.st_gid = entry.gid;
  info.st_size = static_cast<off_t>(entry.size);
  info.st_rdev = entry.rdev;
  info.st_mtim = entry.mtime;
  info.st_atim = entry.mtime;
  info.st_nlink = 1;
  return info;
}

CopyOptions OptionsFor(bool keep_times) {
  CopyOptions options;
  options.owner = std::pair(::geteuid(), ::getegid());
  // What the build's filesystem needs for itself has no meaning on the host.
  options.keep_xattr = [](std::string_view key) {
    return key.starts_with("user.") && !key.starts_with("user.overlay.");
  };
  options.keep_times = keep_times;
  return options;
}

class Writer {
 public:
  Writer(const snapshot::MountedFs& fs, bool keep_times) : fs_(fs), tree_(fs), options_(OptionsFor(keep_times)) {}

  [[nodiscard]] const ops::SourceTree& tree() const { return tree_; }

  // Paths in the filesystem that a pattern names, sorted; empty if there is none.
  Result<std::vector<std::string>> Matches(const std::string& pattern) const {
    const std::string path = StripLeadingSlash(pattern);
    if (HasWildcard(path)) {
      Result<std::vector<std::string>> found = tree_.ResolveWildcards(path, true);
      if (!found && found.error().Is(ErrorCode::kNotFound)) {
        return std::vector<std::string>();
      }
      return found;
    }
    const Result<std::string> resolved = tree_.Resolve(path, false);
    if (!resolved && resolved.error().Is(ErrorCode::kNotFound)) {
      return std::vector<std::string>();
    }
    const auto entry = LOAM_TRY(tree_.Lstat(LOAM_TRY(Result<std::string>(resolved))));
    return entry ? std::vector{*resolved} : std::vector<std::string>();
  }

  // The entry a saved path stands for: links are followed.
  Result<std::optional<std::pair<std::string, TreeEntry>>> Follow(const std::string& path) const {
    Result<std::string> resolved = tree_.Resolve(path, true);
    if (!resolved && resolved.error().Is(ErrorCode::kNotFound)) {
      return std::optional<std::pair<std::string, TreeEntry>>();
    }
    std::string real = LOAM_TRY(std::move(resolved));
    auto entry = LOAM_TRY(tree_.Lstat(real));
    if (!entry) {
      return std::optional<std::pair<std::string, TreeEntry>>();
    }
    return std::optional(std::pair(std::move(real), std::move(*entry)));
  }

  // One file to a name that does not exist.
  Result<> WriteFile(const std::string& source, const TreeEntry& entry, const std::string& destination) const {
    const std::string parent = ParentOf(destination);
    const UniqueFd to = LOAM_TRY(OpenFile(parent, O_RDONLY | O_DIRECTORY));
    const UniqueFd from = LOAM_TRY(OpenParent(source));
    return CopyNodeAt(from.get(), BaseName(source), StatOf(entry), to.get(), BaseName(destination), options_);
  }

  // The contents of a directory into one that exists.
  Result<> WriteContents(const std::string& source, const TreeEntry& entry, const std::string& destination,
                         bool with_metadata, const FileWritten& on_file = {}) const {
    const UniqueFd from = LOAM_TRY(tree_.Open(source.empty() ? "." : source, O_RDONLY | O_DIRECTORY));
    const UniqueFd to = LOAM_TRY(OpenFile(destination, O_RDONLY | O_DIRECTORY));
    const snapshot::HostTree* const host = fs_.host_tree();
    std::optional<Error> failure;
    std::vector<std::pair<std::string, std::uint64_t>> files;
    LOAM_TRY(CopyTree(from.get(), to.get(), options_, [&](const std::string& path, const struct stat& info) {
      if (failure) {
        return false;
      }
      if (host != nullptr) {
        const auto visible = host->Find(source.empty() ? path : source + "/" + path);
        if (!visible) {
          failure = visible.error();
        }
        if (!visible || *visible == nullptr) {
          return false;
        }
      }
      if (on_file && S_ISREG(info.st_mode)) {
        files.emplace_back(path, info.st_size);
      }
      return true;
    }));
    if (failure) {
      return Unexpected(*std::move(failure));
    }
    for (const auto& [path, bytes] : files) {
      on_file(path, bytes);
    }
    return with_metadata ? CopyMetadata(from.get(), StatOf(entry), to.get(), options_) : Result<>();
  }

 private:
  Result<UniqueFd> OpenParent(const std::string& path) const {
    const std::size_t slash = path.rfind('/');
    return tree_.Open(slash == std::string::npos ? "." : path.substr(0, slash), O_RDONLY | O_DIRECTORY);
  }

  const snapshot::MountedFs& fs_;
  const ops::SourceTree tree_;
  const CopyOptions options_;
};

Result<> RemoveContents(const std::string& directory) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    LOAM_TRY(RemoveTree(entry->path().string()));
  }
  return error ? Unexpected(ErrorCode::kUnavailable, fmt::format("list {}: {}", directory, error.message()))
               : Result<>();
}

// `by_directory`: a directory stays, empty: others may have it mounted or open.
Result<> RemoveExisting(const std::string& path, bool by_directory = false) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    return {};
  }
  if (S_ISDIR(info.st_mode)) {
    return by_directory ? RemoveContents(path) : RemoveTree(path);
  }
  if (::unlink(path.c_str()) != 0) {
    return UnexpectedErrno("remove " + path);
  }
  return {};
}

Result<> SaveOne(const Writer& writer, const std::string& source, const std::string& destination,
                 const SaveRequest& request, const std::string& shown) {
  const auto found = LOAM_TRY(writer.Follow(source));
  if (!found) {
    return Unexpected(ErrorCode::kNotFound,
                      fmt::format("cannot save artifact {}, since it is a link to nothing", request.artifact));
  }
  const auto& [real, entry] = *found;
  const auto existing = LOAM_TRY(StatHost(destination));
  if (entry.is_dir() && existing && !S_ISDIR(existing->st_mode)) {
    return Unexpected(Error(ErrorCode::kFailedPrecondition,
                            fmt::format("artifact {} is a directory, but existing AS LOCAL destination {} is a file",
                                        request.artifact, destination))
                          .WithHint("remove the file, or write `AS LOCAL DIRECTORY/`"));
  }
  if (!entry.is_dir() && existing && S_ISDIR(existing->st_mode)) {
    return Unexpected(
        Error(ErrorCode::kFailedPrecondition,
              fmt::format("artifact {} is a file, but existing AS LOCAL destination {} is a directory",
                          request.artifact, destination))
            .WithHint(fmt::format("write `AS LOCAL {}/` to save it inside of the directory", destination)));
  }
  LOAM_TRY(MakeDirs(ParentOf(destination)));
  LOAM_TRY(RemoveExisting(destination, entry.is_dir()));
  if (!entry.is_dir()) {
    LOAM_TRY(writer.WriteFile(real, entry, destination));
    if (request.on_file && entry.is_regular()) {
      request.on_file(shown, entry.size);
    }
    return {};
  }
  LOAM_TRY(MakeDirs(destination));
  FileWritten on_file;
  if (request.on_file) {
    on_file = [&](const std::string& path, std::uint64_t bytes) { request.on_file(Joined(shown, path), bytes); };
  }
  return writer.WriteContents(real, entry, destination, true, on_file);
}

}  // namespace

Result<std::vector<WrittenFile>> SaveArtifact(const snapshot::MountedFs& fs, const SaveRequest& request) {
  const Writer writer(fs, true);
  const std::vector<std::string> matches = LOAM_TRY(writer.Matches(request.source));
  if (matches.empty()) {
    if (request.if_exists) {
      return std::vector<WrittenFile>();
    }
    return Unexpected(ErrorCode::kNotFound,
                      fmt::format("cannot save artifact {}, since it does not exist", request.artifact));
  }
  const std::string& wanted = request.destination;
  const bool inside = wanted.empty() || wanted == "." || wanted.ends_with('/') || wanted.ends_with("/.");
  if (HasWildcard(request.source) && !inside) {
    return Unexpected(Error(ErrorCode::kInvalidArgument,
                            fmt::format("artifact {} is a wildcard, but AS LOCAL destination `{}` does not end with /",
                                        request.artifact, wanted))
                          .WithHint(fmt::format("write `AS LOCAL {}/`", wanted)));
  }
  std::vector<WrittenFile> written;
  for (const std::string& match : matches) {
    std::string shown = inside ? Joined(wanted == "." ? "" : wanted, BaseName(match)) : wanted;
    const std::string destination =
        WithoutTrailingSlash(shown.starts_with('/') ? shown : Joined(request.directory, shown));
    LOAM_TRY_CONTEXT("save artifact " + request.artifact, SaveOne(writer, match, destination, request, shown));
    written.push_back({match, std::move(shown)});
  }
  return written;
}

Result<> CopyToHost(const snapshot::MountedFs& fs, const CopyRequest& request) {
  const Writer writer(fs, request.keep_times);
  const std::vector<std::string> matches = LOAM_TRY(writer.Matches(request.source));
  if (matches.empty() && !request.if_exists) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("\"{}\": not found", request.source));
  }
  for (const std::string& match : matches) {
    const auto found = LOAM_TRY(writer.Follow(match));
    if (!found) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("\"{}\" is a link to nothing", match));
    }
    const auto& [real, entry] = *found;
    const auto existing = LOAM_TRY(StatHost(request.destination));
    const bool is_dir = existing && S_ISDIR(existing->st_mode);
    const bool inside = (request.inside && request.directory) || request.destination.ends_with('/') ||
                        request.destination.ends_with("/.") || is_dir || matches.size() > 1;
    std::string destination = WithoutTrailingSlash(request.destination);
    if (inside && (!entry.is_dir() || request.directory)) {
      LOAM_TRY(MakeDirs(destination));
      destination = Joined(destination, BaseName(match));
    }
    if (entry.is_dir()) {
      LOAM_TRY(MakeDirs(destination));
      LOAM_TRY(writer.WriteContents(real, entry, destination, !is_dir));
      continue;
    }
    LOAM_TRY(MakeDirs(ParentOf(destination)));
    const auto there = LOAM_TRY(StatHost(destination));
    if (there && S_ISDIR(there->st_mode)) {
      return Unexpected(ErrorCode::kFailedPrecondition, fmt::format("{} is a directory", destination));
    }
    LOAM_TRY(RemoveExisting(destination));
    LOAM_TRY(writer.WriteFile(real, entry, destination));
  }
  return {};
}

}  // namespace loam::gateway::earthfile
