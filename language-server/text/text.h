// Text: the text of a document as the protocol sees it: lines that end with LF, CRLF or CR, and edits by position.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "language-server/text/span.h"

namespace loam::lsp {

class Text {
 public:
  explicit Text(std::string bytes);

  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(bytes_.size()); }
  // At least one; a text that ends with a line end has an empty line behind it.
  [[nodiscard]] std::uint32_t line_count() const { return static_cast<std::uint32_t>(starts_.size()); }
  // The line (from 0) of a byte; offsets past the end belong to the last line.
  [[nodiscard]] std::uint32_t LineAt(std::uint32_t offset) const;
  // First byte of a line; the text's size for a line past the last one.
  [[nodiscard]] std::uint32_t LineBegin(std::uint32_t line) const;
  // A line without its end.
  [[nodiscard]] Span LineSpan(std::uint32_t line) const;
  [[nodiscard]] std::string_view LineText(std::uint32_t line) const { return Of(LineSpan(line)); }
  [[nodiscard]] std::string_view Of(Span span) const { return bytes().substr(span.begin, span.size()); }

  // Total: a place past a line's end is the line's end, one past the last line the text's end; one inside of a
  // character is its begin. A byte that is not UTF-8 is one unit.
  [[nodiscard]] std::uint32_t OffsetAt(Position position, PositionEncoding encoding) const;
  [[nodiscard]] Position PositionAt(std::uint32_t offset, PositionEncoding encoding) const;

  // Replaces bytes; `span` lies in the text. Lines in front of it are not read again.
  void Replace(Span span, std::string_view replacement);

 private:
  void FindLines(std::uint32_t from_line);

  std::string bytes_;
  std::vector<std::uint32_t> starts_;
};

}  // namespace loam::lsp
