// Places in source text: byte offsets into one buffer, and the lines and columns people see.
#pragma once

#include <cstdint>

#include "base/typed_id.h"

namespace loam::source {

// A buffer of one SourceManager. The default value is no file.
using FileId = TypedId<struct FileIdTag, std::uint32_t>;
inline constexpr FileId kNoFile{0};

// Bytes [begin, end) of a buffer. An empty range is a point between two bytes.
struct SourceRange {
  FileId file;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  [[nodiscard]] bool valid() const { return file != kNoFile; }
  [[nodiscard]] std::uint32_t size() const { return end - begin; }
  friend auto operator<=>(const SourceRange&, const SourceRange&) = default;
};

// The smallest range that covers both; both are of the same file, or one is invalid.
inline SourceRange Cover(SourceRange a, SourceRange b) {
  if (!a.valid()) {
    return b;
  }
  if (!b.valid()) {
    return a;
  }
  return {a.file, a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

// Line and column, both counted from 1. The unit of the column is that of the function that answered it.
struct LineColumn {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend auto operator<=>(const LineColumn&, const LineColumn&) = default;
};

// Whole lines [first, last], counted from 1; 0 is none.
struct LineSpan {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  friend auto operator<=>(const LineSpan&, const LineSpan&) = default;
};

}  // namespace loam::source
