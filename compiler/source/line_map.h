// LineMap: byte offset <-> line and column of one text. A line ends with LF; the CR of a CRLF belongs to the line's
// end.
#pragma once

#include <string_view>
#include <vector>

#include "compiler/source/source_range.h"

namespace loam::source {

class LineMap {
 public:
  explicit LineMap(std::string_view text);

  // Number of lines; a text that ends with LF has no further empty line, and an empty text has one line.
  [[nodiscard]] std::uint32_t line_count() const { return static_cast<std::uint32_t>(starts_.size()); }
  // Line of the byte at `offset` (offsets at or past the end belong to the last line), counted from 1.
  [[nodiscard]] std::uint32_t Line(std::uint32_t offset) const;
  // Column in bytes, counted from 1.
  [[nodiscard]] LineColumn ByteColumn(std::uint32_t offset) const;
  // Column in UTF-16 code units, counted from 1, as editors count; a byte that is not UTF-8 counts as one unit.
  [[nodiscard]] LineColumn Utf16Column(std::string_view text, std::uint32_t offset) const;
  // The offset of a place given in UTF-16 units; a column past the line's end gives the line's end, a line past the
  // last one the end of the text.
  [[nodiscard]] std::uint32_t OffsetOfUtf16(std::string_view text, LineColumn place) const;
  // First byte of a line (1-based); one past the last line gives the size of the text.
  [[nodiscard]] std::uint32_t LineBegin(std::uint32_t line) const;
  // A line's text without its LF or CRLF.
  [[nodiscard]] std::string_view LineText(std::string_view text, std::uint32_t line) const;

 private:
  std::vector<std::uint32_t> starts_;
  std::uint32_t size_;
};

}  // namespace loam::source
