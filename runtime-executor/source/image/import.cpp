#include "runtime-executor/source/image/import.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/file_system.h"

namespace loam::source {
namespace {

// Standard input as a file, since archives are read twice.
Result<std::string> Spool(const TempDir& dir) {
  std::string path = dir.Child("stdin");
  const UniqueFd file = LOAM_TRY(OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  content::FdSource source(0, "standard input");
  content::FdSink sink(file.get(), path);
  LOAM_TRY(content::Copy(source, sink));
  return path;
}

Result<std::vector<ImportedImage>> ImportFile(const std::string& path, const ImportOptions& options,
                                              content::ContentStore& store, const Clock& clock, std::stop_token stop) {
  const ArchiveListing listing = LOAM_TRY(ListArchive(path, stop));
  if (listing.entries == 0) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is an empty archive", options.path));
  }
  const auto text = [&](std::string_view name) {
    const auto found = listing.texts.find(name);
    return found == listing.texts.end() ? nullptr : &found->second;
  };
  if (!options.rootfs) {
    if (text("index.json") != nullptr && text("oci-layout") != nullptr) {
      return ImportOciArchive(path, *text("index.json"), options.names, store, std::move(stop));
    }
    if (text("manifest.json") != nullptr) {
      return ImportDockerArchive(path, *text("manifest.json"), listing, options.names, store, std::move(stop));
    }
  }
  return ImportRootfs(path, options, store, clock, std::move(stop));
}

}  // namespace

Result<std::vector<ImportedImage>> ImportImages(const ImportOptions& options, content::ContentStore& store,
                                                const Clock& clock, std::stop_token stop) {
  if (options.path == "-") {
    const TempDir dir = LOAM_TRY(TempDir::Create());
    return ImportFile(LOAM_TRY(Spool(dir)), options, store, clock, std::move(stop));
  }
  struct stat info {};
  if (::stat(options.path.c_str(), &info) != 0) {
    return UnexpectedErrno(options.path);
  }
  if (!S_ISDIR(info.st_mode)) {
    return ImportFile(options.path, options, store, clock, std::move(stop));
  }
  if (options.rootfs) {
    return tl::unexpected(Error(ErrorCode::kInvalidArgument,
                                fmt::format("`{}` is a directory, not a tar of a root filesystem", options.path))
                              .WithHint(fmt::format("tar -C {} -c . | loam image import -t NAME -", options.path)));
  }
  return ImportOciDirectory(options.path, options.names, store, std::move(stop));
}

}  // namespace loam::source
