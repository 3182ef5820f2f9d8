#include "language-server/workspace/workspace.h"

#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <system_error>

#include "base/file_system.h"
#include "base/strings.h"
#include "language-server/workspace/uri.h"

namespace loam::lsp {
namespace {

// Documents from disk that are kept; more are dropped, oldest path first.
constexpr std::size_t kMaxDiskDocuments = 256;

std::string_view BaseName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool IsSkippedDirectory(std::string_view name) {
  return name == ".git" || name == "node_modules" || name == ".hg" || name == ".svn" || name == "target" ||
         name == "__pycache__" || name == ".venv";
}

Language LanguageOf(std::string_view language_id, std::string_view name) {
  if (EqualsIgnoreCase(language_id, "earthfile") || EqualsIgnoreCase(language_id, "earthly")) {
    return Language::kEarthfile;
  }
  if (EqualsIgnoreCase(language_id, "dockerfile")) {
    return Language::kDockerfile;
  }
  return RoleOfFile(name) == FileRole::kEarthfile ? Language::kEarthfile : Language::kDockerfile;
}

}  // namespace

FileRole RoleOfFile(std::string_view path) {
  const std::string_view name = BaseName(path);
  const std::string lower = ToLowerAscii(name);
  if (name == "Earthfile" || name.ends_with(".earth") || lower.starts_with("earthfile.")) {
    return FileRole::kEarthfile;
  }
  if (lower.ends_with(".dockerignore")) {
    return FileRole::kOther;
  }
  if (lower == "dockerfile" || lower == "containerfile" || lower.starts_with("dockerfile.") ||
      lower.starts_with("containerfile.") || lower.ends_with(".dockerfile") || lower.ends_with(".containerfile")) {
    return FileRole::kDockerfile;
  }
  if (lower.starts_with("docker-bake") && (lower.ends_with(".hcl") || lower.ends_with(".json"))) {
    return FileRole::kBake;
  }
  const bool yaml = lower.ends_with(".yml") || lower.ends_with(".yaml");
  if (yaml && (lower.starts_with("compose.") || lower.starts_with("docker-compose."))) {
    return FileRole::kCompose;
  }
  return FileRole::kOther;
}

void Workspace::AddFolder(std::string path) {
  if (!path.empty() && std::find(folders_.begin(), folders_.end(), path) == folders_.end()) {
    folders_.push_back(std::move(path));
    scanned_.reset();
  }
}

void Workspace::RemoveFolder(std::string_view path) {
  std::erase(folders_, path);
  scanned_.reset();
}

std::string Workspace::FolderOf(std::string_view path) const {
  std::string best;
  for (const std::string& folder : folders_) {
    const bool holds = path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
    if (holds && folder.size() > best.size()) {
      best = folder;
    }
  }
  const std::size_t slash = path.rfind('/');
  return best.empty() && slash != std::string_view::npos ? std::string(path.substr(0, slash)) : best;
}

Document& Workspace::Open(const std::string& uri, std::string_view language_id, int version, std::string text) {
  std::string path = PathOfUri(uri);
  const Language language = LanguageOf(language_id, path.empty() ? uri : path);
  if (!path.empty()) {
    disk_.erase(path);
    open_paths_[path] = uri;
  }
  auto& slot = open_[uri];
  slot = std::make_unique<Document>(uri, std::move(path), language, version, std::move(text));
  return *slot;
}

void Workspace::Close(const std::string& uri) {
  const auto found = open_.find(uri);
  if (found != open_.end()) {
    open_paths_.erase(found->second->path());
    open_.erase(found);
  }
}

Document* Workspace::FindOpen(std::string_view uri) {
  const auto found = open_.find(uri);
  return found == open_.end() ? nullptr : found->second.get();
}

std::vector<Document*> Workspace::OpenDocuments() {
  std::vector<Document*> documents;
  documents.reserve(open_.size());
  for (const auto& [uri, document] : open_) {
    documents.push_back(document.get());
  }
  return documents;
}

Document* Workspace::LoadUri(const std::string& uri) {
  if (Document* open = FindOpen(uri)) {
    return open;
  }
  const std::string path = PathOfUri(uri);
  return path.empty() ? nullptr : Load(path);
}

Document* Workspace::Load(const std::string& path) {
  if (const auto open = open_paths_.find(path); open != open_paths_.end()) {
    return FindOpen(open->second);
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::uint64_t>(status.st_size) > kMaxFileBytes) {
    disk_.erase(path);
    return nullptr;
  }
  const std::int64_t modified = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  const auto known = disk_.find(path);
  if (known != disk_.end() && known->second.modified_ns == modified &&
      known->second.size == static_cast<std::uint64_t>(status.st_size)) {
    return known->second.document.get();
  }
  Result<std::string> text = ReadFile(path);
  if (!text) {
    disk_.erase(path);
    return nullptr;
  }
  if (disk_.size() >= kMaxDiskDocuments && known == disk_.end()) {
    disk_.erase(disk_.begin());
  }
  DiskDocument& slot = disk_[path];
  slot.modified_ns = modified;
  slot.size = static_cast<std::uint64_t>(status.st_size);
  slot.document = std::make_unique<Document>(UriOfPath(path), path, LanguageOf("", path), 0, std::move(*text));
  return slot.document.get();
}

std::optional<std::string> Workspace::ReadText(const std::string& path) {
  if (const auto open = open_paths_.find(path); open != open_paths_.end()) {
    return std::string(FindOpen(open->second)->text().bytes());
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::uint64_t>(status.st_size) > kMaxFileBytes) {
    return std::nullopt;
  }
  Result<std::string> text = ReadFile(path);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

void Workspace::Scan() {
  namespace fs = std::filesystem;
  scanned_.emplace();
  std::size_t seen = 0;
  for (const std::string& folder : folders_) {
    std::deque<std::string> directories{folder};
    while (!directories.empty() && seen < kMaxScannedEntries) {
      const std::string directory = std::move(directories.front());
      directories.pop_front();
      std::error_code error;
      for (fs::directory_iterator entry(directory, fs::directory_options::skip_permission_denied, error), end;
           !error && entry != end && seen < kMaxScannedEntries; entry.increment(error)) {
        ++seen;
        const std::string path = entry->path().string();
        std::error_code ignored;
        if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) {
          if (!IsSkippedDirectory(BaseName(path))) {
            directories.push_back(path);
          }
        } else if (const FileRole role = RoleOfFile(path); role != FileRole::kOther) {
          (*scanned_)[role].push_back(path);
        }
      }
    }
  }
  for (auto& [role, paths] : *scanned_) {
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  }
}

const std::vector<std::string>& Workspace::Files(FileRole role) {
  if (!scanned_) {
    Scan();
  }
  return (*scanned_)[role];
}

void Workspace::FileChanged(const std::string& path) {
  disk_.erase(path);
  if (RoleOfFile(path) != FileRole::kOther) {
    scanned_.reset();
  }
}

}  // namespace loam::lsp
