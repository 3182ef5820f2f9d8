#include "cli/commands/build_context.h"

#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/git_reference.h"

namespace loam::cli {

namespace {

constexpr std::string_view kDefaultName = "Dockerfile";
constexpr std::string_view kStdinName = "<stdin>";

// "https://…", "git://…", "git@host:path", and "github.com/…" if there is no such directory.
bool IsUrl(const std::string& path) {
  for (const std::string_view scheme : {"http://", "https://", "git://", "ssh://"}) {
    if (path.starts_with(scheme)) {
      return true;
    }
  }
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    return false;
  }
  const auto git = sema::ParseGitReference(path);
  return !git || git->has_value();
}

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool Exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

// Whether `data` begins like a tar, or like something compressed that holds one.
bool LooksLikeArchive(std::string_view data) {
  constexpr std::size_t kTarMagicOffset = 257;
  return data.starts_with("\x1f\x8b") || data.starts_with("BZh") ||
         data.starts_with(
             "\xfd"
             "7zXZ") ||
         data.starts_with("\x28\xb5\x2f\xfd") ||
         (data.size() > kTarMagicOffset + 5 && data.substr(kTarMagicOffset, 5) == "ustar");
}

struct ArchiveFree {
  void operator()(archive* handle) const { archive_free(handle); }
};
using ArchivePtr = std::unique_ptr<archive, ArchiveFree>;

// Unpacks a context into `directory`. Entries cannot leave it: absolute names, `..` and paths through links are errors.
Result<> UnpackContext(const std::string& data, const std::string& directory) {
  const auto failure = [](archive* handle, std::string_view what) {
    const char* const reason = archive_error_string(handle);
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} of the build context from standard input: {}", what,
                                                               reason ? reason : "unknown error"));
  };
  const ArchivePtr reader(archive_read_new());
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_memory(reader.get(), data.data(), data.size()) != ARCHIVE_OK) {
    return failure(reader.get(), "reading the archive");
  }
  const ArchivePtr writer(archive_write_disk_new());
  archive_write_disk_set_options(writer.get(), ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_XATTR |
                                                   ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS);
  archive_entry* entry = nullptr;
  while (true) {
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) {
      return {};
    }
    if (status < ARCHIVE_WARN) {
      return failure(reader.get(), "reading the archive");
    }
    std::string name = archive_entry_pathname(entry);
    while (name.starts_with("/")) {
      name.erase(0, 1);
    }
    archive_entry_set_pathname(entry, fmt::format("{}/{}", directory, name).c_str());
    if (const char* const target = archive_entry_hardlink(entry); target != nullptr) {
      const std::string in_place = fmt::format("{}/{}", directory, target);
      archive_entry_set_hardlink(entry, in_place.c_str());
    }
    if (archive_write_header(writer.get(), entry) < ARCHIVE_WARN) {
      return failure(writer.get(), fmt::format("unpacking `{}`", name));
    }
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    int read = ARCHIVE_OK;
    while ((read = archive_read_data_block(reader.get(), &block, &size, &offset)) == ARCHIVE_OK) {
      if (archive_write_data_block(writer.get(), block, size, offset) < ARCHIVE_WARN) {
        return failure(writer.get(), fmt::format("unpacking `{}`", name));
      }
    }
    if (read != ARCHIVE_EOF) {
      return failure(reader.get(), fmt::format("unpacking `{}`", name));
    }
    if (archive_write_finish_entry(writer.get()) < ARCHIVE_WARN) {
      return failure(writer.get(), fmt::format("unpacking `{}`", name));
    }
  }
}

void UseDockerfile(BuildContext& result, const std::filesystem::path& file) {
  result.dockerfile_dir = file.has_parent_path() ? file.parent_path().string() : std::string(".");
  result.dockerfile_name = file.filename().string();
  result.display_name = file.lexically_normal().string();
}

Result<> UseDockerfileText(BuildContext& result, std::string_view text, std::string_view shown) {
  if (!result.temporary) {
    result.temporary = LOAM_TRY(TempDir::Create("", "loam-build-"));
  }
  const std::string folder = result.temporary->Child("dockerfile");
  LOAM_TRY(MakeDirs(folder));
  LOAM_TRY(WriteFileAtomic(folder + "/Dockerfile", text));
  result.dockerfile_dir = folder;
  result.dockerfile_name = kDefaultName;
  result.display_name = shown;
  return {};
}

// A Dockerfile on this machine. What is no file but can be read (`-f <(…)`, `-f /dev/stdin`) is read here; a link that
// leads out of its directory is followed here, since the build sees nothing outside of the directory.
Result<> UseLocalDockerfile(BuildContext& result, const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode))) {
    return UseDockerfileText(result, LOAM_TRY(ReadFile(file.string())), file.string());
  }
  UseDockerfile(result, file);
  std::error_code failure;
  if (std::filesystem::is_symlink(file, failure)) {
    const std::filesystem::path target = std::filesystem::canonical(file, failure);
    const std::filesystem::path folder = std::filesystem::canonical(result.dockerfile_dir, failure);
    if (!failure && !target.lexically_relative(folder).string().empty() &&
        target.lexically_relative(folder).string().starts_with("..")) {
      result.dockerfile_dir = target.parent_path().string();
      result.dockerfile_name = target.filename().string();
    }
  }
  return {};
}

bool IsEarthfileName(const std::filesystem::path& file) {
  return file.filename() == "Earthfile" || file.extension() == ".earth";
}

// What somebody who has no Dockerfile there may have meant.
std::string HintForNoDockerfile(const std::filesystem::path& directory) {
  for (const char* const name : {"Earthfile", "build.earth"}) {
    if (Exists(directory / name)) {
      const std::string where = directory == "." ? std::string() : directory.string();
      return fmt::format("there is an Earthfile: `loam {0}+TARGET` builds one of its targets, `loam ls {1}` lists them",
                         where.empty() || where.starts_with('/') || where.starts_with('.') ? where : "./" + where,
                         directory.string());
    }
  }
  if (Exists(directory / "Containerfile")) {
    return fmt::format("there is a Containerfile: `-f {}`", (directory / "Containerfile").lexically_normal().string());
  }
  return "name another file with `-f FILE`, or another directory: `loam build DIR`";
}

// `loam build -`: an archive with the context, or the Dockerfile alone with an empty context.
Result<BuildContext> FromStdin(const Context& context, const std::string& file) {
  if (file == "-") {
    return Unexpected(ErrorCode::kInvalidArgument,
                      "both the context and the Dockerfile are `-`; only one can come from standard input");
  }
  const std::string data = LOAM_TRY(ReadAll(context.in_fd, "standard input"));
  if (data.empty()) {
    return Unexpected(Error(ErrorCode::kInvalidArgument, "standard input is empty")
                          .WithHint("pipe a Dockerfile or a tar of the context into `loam build -`"));
  }
  BuildContext result;
  result.temporary = LOAM_TRY(TempDir::Create("", "loam-build-"));
  result.context_dir = result.temporary->Child("context");
  LOAM_TRY(MakeDirs(result.context_dir));
  if (!LooksLikeArchive(data)) {
    if (!file.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, "with a Dockerfile on standard input, `-f` has no meaning");
    }
    LOAM_TRY(UseDockerfileText(result, data, kStdinName));
    return result;
  }
  LOAM_TRY(UnpackContext(data, result.context_dir));
  const std::string name = file.empty() ? std::string(kDefaultName) : file;
  UseDockerfile(result, std::filesystem::path(result.context_dir) / name);
  result.display_name = name;
  return result;
}

}  // namespace

Result<BuildContext> PrepareBuildContext(const Context& context, const std::string& path, const std::string& file) {
  if (path == "-") {
    return FromStdin(context, file);
  }
  BuildContext result;
  if (IsUrl(path)) {
    if (auto git = sema::ParseGitReference(path); !git) {
      return Unexpected(std::move(git).error());
    }
    result.remote_url = path;
    if (file == "-") {
      const std::string text = LOAM_TRY(ReadAll(context.in_fd, "standard input"));
      LOAM_TRY(UseDockerfileText(result, text, kStdinName));
      return result;
    }
    result.dockerfile_name = file.empty() ? std::string(kDefaultName) : file;
    result.display_name = result.dockerfile_name;
    return result;
  }
  result.context_dir = path.empty() ? std::string(".") : path;
  if (!Exists(result.context_dir)) {
    Error error(ErrorCode::kNotFound, fmt::format("the build context `{}` does not exist", path));
    if (path.find('+') != std::string::npos && path.back() != '+') {
      return Unexpected(
          std::move(error).WithHint("for a target of an Earthfile: `loam [FLAGS] +TARGET` and `loam explain +TARGET`; "
                                    "flags that only Dockerfiles "
                                    "have do not go with it (`loam earthly --help` lists those that do)"));
    }
    return Unexpected(std::move(error).WithHint("the argument of `loam build` is a directory, a URL or `-`"));
  }
  if (!IsDirectory(result.context_dir)) {
    return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("the build context `{}` is not a directory", path))
                          .WithHint(fmt::format("to use it as the Dockerfile, write `loam build -f {} .`", path)));
  }
  if (file == "-") {
    const std::string text = LOAM_TRY(ReadAll(context.in_fd, "standard input"));
    LOAM_TRY(UseDockerfileText(result, text, kStdinName));
    return result;
  }
  if (!file.empty()) {
    if (!Exists(file)) {
      const std::string inside = (std::filesystem::path(result.context_dir) / file).string();
      Error error(ErrorCode::kNotFound, fmt::format("the Dockerfile `{}` does not exist", file));
      return Unexpected(Exists(inside) ? std::move(error).WithHint(
                                             fmt::format("`-f` is relative to the current directory: `-f {}`", inside))
                                       : std::move(error));
    }
    if (IsEarthfileName(file)) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is an Earthfile, no Dockerfile", file))
                            .WithHint("`loam +TARGET` builds one of its targets, `loam ls` lists them"));
    }
    LOAM_TRY(UseLocalDockerfile(result, file));
    return result;
  }
  const std::filesystem::path standard = std::filesystem::path(result.context_dir) / kDefaultName;
  const std::filesystem::path lower = std::filesystem::path(result.context_dir) / ToLowerAscii(kDefaultName);
  if (!Exists(standard) && Exists(lower)) {
    LOAM_TRY(UseLocalDockerfile(result, lower));
    return result;
  }
  if (!Exists(standard)) {
    return Unexpected(Error(ErrorCode::kNotFound, fmt::format("there is no Dockerfile in `{}`", result.context_dir))
                          .WithHint(HintForNoDockerfile(path.empty() ? "." : path)));
  }
  LOAM_TRY(UseLocalDockerfile(result, standard));
  return result;
}

}  // namespace loam::cli
