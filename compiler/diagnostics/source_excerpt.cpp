#include "compiler/diagnostics/source_excerpt.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"

namespace loam::diag {

namespace {

constexpr std::uint32_t kTabWidth = 4;
// Lines of a range that are shown in full.
constexpr std::uint32_t kMostLines = 4;
// A line is cut so that this much is seen in front of the mark.
constexpr std::uint32_t kColumnsBefore = 20;

// A character as it is shown, and how many columns that takes.
struct Cell {
  std::string text;
  std::uint32_t columns = 1;
};

// East Asian wide characters and emoji take two columns, combining marks none; the common blocks are enough here.
std::uint32_t ColumnsOf(char32_t rune) {
  if ((rune >= 0x300 && rune <= 0x36F) || rune == 0x200B || rune == 0x200D || (rune >= 0xFE00 && rune <= 0xFE0F)) {
    return 0;
  }
  const bool is_wide = (rune >= 0x1100 && rune <= 0x115F) || (rune >= 0x2E80 && rune <= 0xA4CF) ||
                       (rune >= 0xAC00 && rune <= 0xD7A3) || (rune >= 0xF900 && rune <= 0xFAFF) ||
                       (rune >= 0xFE30 && rune <= 0xFE6F) || (rune >= 0xFF00 && rune <= 0xFF60) ||
                       (rune >= 0xFFE0 && rune <= 0xFFE6) || (rune >= 0x1F300 && rune <= 0x1FAFF) ||
                       (rune >= 0x20000 && rune <= 0x3FFFD);
  return is_wide ? 2 : 1;
}

bool IsControl(char32_t rune) {
  return rune < 0x20 || (rune >= 0x7F && rune < 0xA0) || (rune >= 0x202A && rune <= 0x202E) ||
         (rune >= 0x2066 && rune <= 0x2069);
}

Cell CellOf(const Rune& rune, std::uint32_t column) {
  if (rune.value == '\t') {
    const std::uint32_t columns = kTabWidth - column % kTabWidth;
    return {std::string(columns, ' '), columns};
  }
  if (IsControl(rune.value)) {
    Cell cell{rune.value < 0x100 ? fmt::format("\\x{:02x}", static_cast<unsigned>(rune.value))
                                 : fmt::format("\\u{:04x}", static_cast<unsigned>(rune.value))};
    cell.columns = static_cast<std::uint32_t>(cell.text.size());
    return cell;
  }
  Cell cell;
  AppendRune(cell.text, rune.value);
  cell.columns = ColumnsOf(rune.value);
  return cell;
}

// Shows bytes of a line around the marked ones [begin, end).
ExcerptLine ShowLine(std::string_view line, std::uint32_t number, std::size_t begin, std::size_t end,
                     std::uint32_t width) {
  // Where to start so that the mark is seen; far into a line, the start need not be exact.
  std::size_t start = 0;
  if (begin + kColumnsBefore > width) {
    start = RuneStart(line, begin - std::min<std::size_t>(begin, kColumnsBefore));
  }
  ExcerptLine shown;
  shown.number = number;
  std::uint32_t column = 0;
  if (start > 0) {
    shown.text = "…";
    column = 1;
  }
  std::uint32_t mark_begin = column;
  std::uint32_t mark_end = column;
  std::size_t at = start;
  while (at < line.size() && column < width) {
    if (at <= begin) {
      mark_begin = column;
    }
    if (at <= end) {
      mark_end = column;
    }
    const Rune rune = DecodeRune(line.substr(at, 4));
    const Cell cell = CellOf(rune, column);
    shown.text += cell.text;
    column += cell.columns;
    at += rune.size;
  }
  if (at <= begin) {
    mark_begin = column;
  }
  if (at <= end) {
    mark_end = column;
  }
  if (at < line.size()) {
    shown.text += "…";
  }
  shown.mark_column = mark_begin;
  shown.mark_length = std::max<std::uint32_t>(1, mark_end - mark_begin);
  return shown;
}

}  // namespace

std::vector<ExcerptLine> MakeExcerpt(const source::Buffer& buffer, source::SourceRange range, std::uint32_t width) {
  std::vector<ExcerptLine> lines;
  const source::LineSpan span = buffer.LinesOf(range);
  const bool all = span.last - span.first + 1 <= kMostLines;
  for (std::uint32_t number = span.first; number <= span.last; ++number) {
    if (!all && number == span.first + kMostLines - 2) {
      lines.push_back({});
      number = span.last - 1;
      continue;
    }
    std::string_view text = buffer.lines().LineText(buffer.text(), number);
    std::uint32_t line_begin = buffer.lines().LineBegin(number);
    if (number == 1 && buffer.bom_size() != 0) {
      line_begin += buffer.bom_size();
      text.remove_prefix(buffer.bom_size());
    }
    const std::size_t blanks = number == span.first ? 0 : std::min(text.find_first_not_of(" \t"), text.size());
    const std::size_t begin = std::max<std::size_t>(range.begin > line_begin ? range.begin - line_begin : 0, blanks);
    const std::size_t end = std::min<std::size_t>(range.end > line_begin ? range.end - line_begin : 0, text.size());
    lines.push_back(ShowLine(text, number, std::min(begin, text.size()), std::max(begin, end), width));
  }
  return lines;
}

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    out += rune.value == '\t' ? "\t" : CellOf(rune, 0).text;
    text.remove_prefix(rune.size);
  }
  return out;
}

}  // namespace loam::diag
