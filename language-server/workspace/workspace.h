// Workspace: the folders and the documents, those that are open and those that are read from disk for answers that
// cross files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "language-server/workspace/document.h"

namespace loam::lsp {

// What a file is to the server, by its name.
enum class FileRole : std::uint8_t { kOther, kDockerfile, kEarthfile, kBake, kCompose };
FileRole RoleOfFile(std::string_view path);

// Not thread-safe.
class Workspace {
 public:
  // Files and directories that one scan of the folders looks at, at most.
  static constexpr std::size_t kMaxScannedEntries = 50'000;
  // A larger file is not read.
  static constexpr std::uint64_t kMaxFileBytes = std::uint64_t{8} << 20;

  void AddFolder(std::string path);
  void RemoveFolder(std::string_view path);
  [[nodiscard]] const std::vector<std::string>& folders() const { return folders_; }
  // The innermost folder that holds the path, else the path's own directory.
  [[nodiscard]] std::string FolderOf(std::string_view path) const;

  // `language_id`: the editor's name of the language; where it is none of ours, the file's name decides.
  Document& Open(const std::string& uri, std::string_view language_id, int version, std::string text);
  void Close(const std::string& uri);
  // Null if it is not open.
  [[nodiscard]] Document* FindOpen(std::string_view uri);
  [[nodiscard]] std::vector<Document*> OpenDocuments();

  // The document of a path: the open one, or the file on disk, read again if it changed. Null if it cannot be read. The
  // pointer is good until the next message from the client.
  [[nodiscard]] Document* Load(const std::string& path);
  [[nodiscard]] Document* LoadUri(const std::string& uri);
  // Text of a file of any kind, from the editor if it is open there; nullopt if it cannot be read or is too large.
  [[nodiscard]] std::optional<std::string> ReadText(const std::string& path);

  // Paths of the files of a role below the folders, sorted. Looked for once, and again after FilesChanged.
  [[nodiscard]] const std::vector<std::string>& Files(FileRole role);
  // The client says that a file was made, changed or removed.
  void FileChanged(const std::string& path);

 private:
  struct DiskDocument {
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0;
    std::unique_ptr<Document> document;
  };
  void Scan();

  std::vector<std::string> folders_;
  std::map<std::string, std::unique_ptr<Document>, std::less<>> open_;  // by URI
  std::map<std::string, std::string, std::less<>> open_paths_;          // path -> URI
  std::map<std::string, DiskDocument> disk_;                            // by path
  std::optional<std::map<FileRole, std::vector<std::string>>> scanned_;
};

}  // namespace loam::lsp
