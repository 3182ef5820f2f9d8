#include "runtime-executor/gateway/state_files.h"

#include <fcntl.h>

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/go_file_mode.h"

namespace loam::gateway {
namespace {

constexpr std::uint64_t kMaxFile = 64ULL << 20;

sema::FileStat StatOf(const snapshot::TreeEntry& entry, std::string path) {
  return {.path = std::move(path),
          .mode = GoFileMode(entry.mode),
          .size = static_cast<std::int64_t>(entry.size),
          .modified_ns = entry.mtime.tv_sec * 1'000'000'000 + entry.mtime.tv_nsec,
          .is_directory = entry.is_dir()};
}

}  // namespace

Result<std::string> StateFiles::Read(std::string_view path, std::uint64_t limit, std::uint64_t offset) const {
  const auto [resolved, entry] = LOAM_TRY(Find(path));
  if (!entry.is_regular()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} is no regular file", path));
  }
  const std::uint64_t rest = entry.size - std::min<std::uint64_t>(offset, entry.size);
  const std::uint64_t wanted = limit == 0 ? rest : std::min(limit, rest);
  if (wanted > kMaxFile) {
    return Unexpected(ErrorCode::kResourceExhausted, fmt::format("{} is larger than 64 MiB", path));
  }
  const UniqueFd file = LOAM_TRY(tree_.Open(resolved, O_RDONLY));
  std::string text(wanted, '\0');
  text.resize(LOAM_TRY(ReadAt(file.get(), text, offset, path)));
  return text;
}

Result<sema::FileStat> StateFiles::Stat(std::string_view path) const {
  const auto [resolved, entry] = LOAM_TRY(Find(path));
  return StatOf(entry, std::string(path));
}

Result<std::vector<snapshot::TreeEntry>> StateFiles::Entries(std::string_view path, std::string& resolved) const {
  auto found = LOAM_TRY(Find(path));
  if (!found.second.is_dir()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} is no directory", path));
  }
  resolved = std::move(found.first);
  std::vector<snapshot::TreeEntry> entries;
  for (const std::string& name : LOAM_TRY(tree_.List(resolved))) {
    auto child = LOAM_TRY(tree_.Lstat(resolved.empty() ? name : resolved + "/" + name));
    if (child) {  // a whiteout is listed, but is not there
      entries.push_back(*std::move(child));
    }
  }
  return entries;
}

Result<std::vector<sema::FileStat>> StateFiles::List(std::string_view path) const {
  std::string resolved;
  std::vector<sema::FileStat> files;
  for (const snapshot::TreeEntry& entry : LOAM_TRY(Entries(path, resolved))) {
    files.push_back(StatOf(entry, std::string(entry.name())));
  }
  return files;
}

Result<FileDetails> StateFiles::Details(std::string_view path) const {
  auto [resolved, entry] = LOAM_TRY(Find(path));
  const std::size_t slash = resolved.rfind('/');
  const std::string directory = slash == std::string::npos ? std::string() : resolved.substr(0, slash);
  return DetailsOf(directory, slash == std::string::npos ? resolved : resolved.substr(slash + 1), std::move(entry));
}

Result<std::vector<FileDetails>> StateFiles::ListDetails(std::string_view path) const {
  std::string resolved;
  std::vector<FileDetails> files;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> first_names;
  for (snapshot::TreeEntry& entry : LOAM_TRY(Entries(path, resolved))) {
    std::string name(entry.name());
    FileDetails file = LOAM_TRY(DetailsOf(resolved, std::move(name), std::move(entry)));
    if (file.entry.is_regular() && file.entry.nlink > 1) {
      const auto [first, added] = first_names.try_emplace({file.entry.dev, file.entry.ino}, file.name);
      file.link = added ? "" : first->second;
    }
    files.push_back(std::move(file));
  }
  return files;
}

Result<FileDetails> StateFiles::DetailsOf(const std::string& directory, std::string name,
                                          snapshot::TreeEntry entry) const {
  FileDetails file;
  const UniqueFd parent = LOAM_TRY(tree_.Open(directory, O_RDONLY | O_DIRECTORY));
  if (entry.is_symlink()) {
    file.link = LOAM_TRY(ReadLinkAt(parent.get(), name));
  }
  file.xattrs = LOAM_TRY(ReadXattrs(parent.get(), name));
  file.name = std::move(name);
  file.entry = std::move(entry);
  return file;
}

Result<std::pair<std::string, snapshot::TreeEntry>> StateFiles::Find(std::string_view path) const {
  std::string resolved = LOAM_TRY(tree_.Resolve(path, true));
  auto entry = LOAM_TRY(tree_.Lstat(resolved));
  if (!entry) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("{}: no such file or directory", path));
  }
  return std::pair(std::move(resolved), std::move(*entry));
}

}  // namespace loam::gateway
