// Source texts of one compilation: each a Buffer with a name, its bytes and its line map, found by FileId.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/source/line_map.h"
#include "compiler/source/source_range.h"

namespace loam::source {

// Larger files are refused: offsets are 32 bits, and no build file is this large.
inline constexpr std::uint64_t kMaxBufferBytes = std::uint64_t{256} << 20;

// One text, owned. Immutable and of a fixed address once the SourceManager made it; safe to read from many threads.
class Buffer {
 public:
  Buffer(FileId id, std::string name, std::string text);
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] FileId id() const { return id_; }
  // What is shown to people: the path as the user gave it, or `<stdin>`.
  [[nodiscard]] const std::string& name() const { return name_; }
  // All bytes, a byte order mark included.
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] const LineMap& lines() const { return lines_; }
  // 3 if the text starts with the UTF-8 byte order mark, else 0.
  [[nodiscard]] std::uint32_t bom_size() const { return text().starts_with("\xEF\xBB\xBF") ? 3 : 0; }

  [[nodiscard]] SourceRange Range(std::size_t begin, std::size_t end) const {
    return {id_, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  }
  [[nodiscard]] std::string_view TextOf(SourceRange range) const {
    return text().substr(range.begin, range.end - range.begin);
  }
  // Lines that `range` touches.
  [[nodiscard]] LineSpan LinesOf(SourceRange range) const;

 private:
  FileId id_;
  std::string name_;
  std::string text_;
  LineMap lines_;
};

// Owns the buffers. Adding is safe from many threads; buffers live as long as the manager.
class SourceManager {
 public:
  SourceManager();
  ~SourceManager();
  SourceManager(const SourceManager&) = delete;
  SourceManager& operator=(const SourceManager&) = delete;

  // Takes the text over. kResourceExhausted if it is larger than kMaxBufferBytes.
  Result<const Buffer*> AddText(std::string name, std::string text);
  // Reads a file; `-` reads standard input. Read, not mapped: a file that changes later must not change the text.
  Result<const Buffer*> LoadFile(const std::string& path);

  // `id` came from this manager.
  [[nodiscard]] const Buffer& buffer(FileId id) const;
  // Null for kNoFile and for ids of other managers.
  [[nodiscard]] const Buffer* Find(FileId id) const;

 private:
  mutable std::mutex buffers_mutex_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
};

}  // namespace loam::source
