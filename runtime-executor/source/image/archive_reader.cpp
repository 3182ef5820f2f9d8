#include "runtime-executor/source/image/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>

#include <memory>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/freed_by.h"
#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "runtime-executor/registry/registry_client.h"

namespace loam::source {
namespace {

constexpr std::size_t kBlockSize = 1U << 20U;
constexpr std::size_t kMostEntries = 4U << 20U;

Error ArchiveError(archive* reader, const std::string& path) {
  const char* text = archive_error_string(reader);
  return Error(ErrorCode::kDataLoss,
               fmt::format("`{}` cannot be read as a tar archive: {}", path, text != nullptr ? text : "unknown error"))
      .WithHint("the file is damaged, cut off, or no tar");
}

class EntryData final : public content::ByteSource {
 public:
  EntryData(archive* reader, const std::string& path) : reader_(reader), path_(path) {}
  Result<std::size_t> Read(std::span<char> buffer) override {
    const la_ssize_t got = archive_read_data(reader_, buffer.data(), buffer.size());
    if (got < 0) {
      return tl::unexpected(ArchiveError(reader_, path_));
    }
    return static_cast<std::size_t>(got);
  }

 private:
  archive* reader_;
  const std::string& path_;
};

std::string Text(const char* text) {
  return text != nullptr ? text : "";
}

}  // namespace

Result<> ReadArchive(const std::string& path, std::stop_token stop,
                     const std::function<Result<>(const ArchiveEntry&, content::ByteSource&)>& visit) {
  const UniqueFd fd = LOAM_TRY(OpenFile(path, O_RDONLY));
  const std::unique_ptr<archive, FreedBy<archive_read_free>> reader(archive_read_new());
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_zstd(reader.get());
  if (archive_read_open_fd(reader.get(), fd.get(), kBlockSize) != ARCHIVE_OK) {
    const char* text = archive_error_string(reader.get());
    return tl::unexpected(
        Error(ErrorCode::kInvalidArgument,
              fmt::format("`{}` is neither an image nor a tar archive ({})", path, text != nullptr ? text : "unknown"))
            .WithHint(
                "known are OCI layouts, `docker save` archives and tars of a root filesystem, plain or compressed "
                "by gzip or zstd"));
  }
  EntryData data(reader.get(), path);
  for (std::size_t count = 0;; ++count) {
    if (stop.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) {
      return {};
    }
    if (status < ARCHIVE_WARN || count > kMostEntries) {
      return tl::unexpected(ArchiveError(reader.get(), path));
    }
    ArchiveEntry described;
    described.path = CleanRootedPath(Text(archive_entry_pathname(entry))).substr(1);
    described.is_hard_link = archive_entry_hardlink(entry) != nullptr;
    described.link_target = Text(described.is_hard_link ? archive_entry_hardlink(entry) : archive_entry_symlink(entry));
    described.is_regular = archive_entry_filetype(entry) == AE_IFREG && !described.is_hard_link;
    described.size = static_cast<std::uint64_t>(archive_entry_size(entry));
    LOAM_TRY(visit(described, data));
  }
}

Result<ArchiveListing> ListArchive(const std::string& path, std::stop_token stop) {
  ArchiveListing listing;
  LOAM_TRY(ReadArchive(path, std::move(stop), [&](const ArchiveEntry& entry, content::ByteSource& data) -> Result<> {
    ++listing.entries;
    if (entry.is_regular) {
      listing.files.insert(entry.path);
      if (entry.path == "index.json" || entry.path == "manifest.json" || entry.path == "oci-layout") {
        listing.texts[entry.path] = LOAM_TRY_CONTEXT(entry.path, content::ReadAll(data, registry::kMaxManifestSize));
      }
    } else if (!entry.link_target.empty()) {
      // Symlinks are relative to where they are, hard links to the root.
      const std::size_t slash = entry.path.rfind('/');
      const std::string directory =
          entry.is_hard_link || slash == std::string::npos ? "" : entry.path.substr(0, slash + 1);
      listing.links[entry.path] = CleanRootedPath(directory + entry.link_target).substr(1);
    }
    return {};
  }));
  return listing;
}

}  // namespace loam::source
