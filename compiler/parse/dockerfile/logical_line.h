// Physical lines of a text, and the logical line of an instruction: its lines joined where they end with the escape
// character, comments and empty lines in between left out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loam::parse {

// Bytes [begin, content_end) without the line end, which is all CR and LF bytes at the end; `next` is behind the LF.
struct PhysicalLine {
  std::uint32_t begin = 0;
  std::uint32_t content_end = 0;
  std::uint32_t next = 0;
};

// Reads a text line by line.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {}

  // False at the end of the text.
  bool Next(PhysicalLine& line);
  [[nodiscard]] std::string_view Content(const PhysicalLine& line) const {
    return text_.substr(line.begin, line.content_end - line.begin);
  }
  // Number of the line read last, counted from 1.
  [[nodiscard]] std::uint32_t line_number() const { return line_number_; }
  [[nodiscard]] std::uint32_t offset() const { return offset_; }

 private:
  std::string_view text_;
  std::uint32_t offset_ = 0;
  std::uint32_t line_number_ = 0;
};

// The joined text, and where its bytes stand in the source.
class LogicalText {
 public:
  void Clear();
  // `piece` starts at byte `source` of the buffer and stays valid.
  void Append(std::string_view piece, std::uint32_t source);
  // The joined text; the first piece itself if there is only one. Valid until the next call that changes this object.
  [[nodiscard]] std::string_view text() const { return pieces_.size() <= 1 ? single_ : std::string_view(joined_); }
  [[nodiscard]] bool is_joined() const { return pieces_.size() > 1; }

  // Source offset of the byte `index`; for the end of a range that ends at `index`, use End.
  [[nodiscard]] std::uint32_t Begin(std::size_t index) const;
  [[nodiscard]] std::uint32_t End(std::size_t index) const { return index == 0 ? Begin(0) : Begin(index - 1) + 1; }

 private:
  struct Piece {
    std::uint32_t index;
    std::uint32_t source;
  };
  std::vector<Piece> pieces_;
  std::string_view single_;
  std::string joined_;
};

// Splits off a continuation: an escape character that stands last (blanks may follow) and is not preceded by another
// one. Returns whether there was one.
bool TrimContinuation(std::string_view& content, char escape);
// White space, then `#`.
bool IsComment(std::string_view content);

}  // namespace loam::parse
