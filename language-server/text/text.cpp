#include "language-server/text/text.h"

#include <algorithm>

#include "base/utf8.h"

namespace loam::lsp {
namespace {

std::uint32_t UnitsOf(const Rune& rune, PositionEncoding encoding) {
  switch (encoding) {
    case PositionEncoding::kUtf8:
      return static_cast<std::uint32_t>(rune.size);
    case PositionEncoding::kUtf16:
      return rune.value >= 0x10000 ? 2 : 1;
    case PositionEncoding::kUtf32:
      return 1;
  }
  return 1;
}

}  // namespace

Text::Text(std::string bytes) : bytes_(std::move(bytes)), starts_{0} {
  FindLines(0);
}

void Text::FindLines(std::uint32_t from_line) {
  starts_.resize(from_line + 1);
  const std::string_view text = bytes_;
  for (std::size_t at = text.find_first_of("\r\n", starts_.back()); at != std::string_view::npos;
       at = text.find_first_of("\r\n", at)) {
    at += text.substr(at, 2) == "\r\n" ? 2 : 1;
    starts_.push_back(static_cast<std::uint32_t>(at));
  }
}

std::uint32_t Text::LineAt(std::uint32_t offset) const {
  return static_cast<std::uint32_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) - starts_.begin() - 1);
}

std::uint32_t Text::LineBegin(std::uint32_t line) const {
  return line < starts_.size() ? starts_[line] : size();
}

Span Text::LineSpan(std::uint32_t line) const {
  const std::uint32_t begin = LineBegin(line);
  std::uint32_t end = LineBegin(line + 1);
  while (end > begin && (bytes_[end - 1] == '\n' || bytes_[end - 1] == '\r')) {
    --end;
  }
  return {begin, end};
}

std::uint32_t Text::OffsetAt(Position position, PositionEncoding encoding) const {
  const Span line = LineSpan(position.line);
  std::string_view rest = Of(line);
  std::uint32_t units = 0;
  while (!rest.empty() && units < position.character) {
    const Rune rune = DecodeRune(rest);
    units += UnitsOf(rune, encoding);
    if (units > position.character) {
      break;
    }
    rest.remove_prefix(rune.size);
  }
  return line.end - static_cast<std::uint32_t>(rest.size());
}

Position Text::PositionAt(std::uint32_t offset, PositionEncoding encoding) const {
  offset = std::min(offset, size());
  const std::uint32_t line = LineAt(offset);
  std::string_view before = bytes().substr(starts_[line], offset - starts_[line]);
  if (encoding == PositionEncoding::kUtf8) {
    return {line, static_cast<std::uint32_t>(before.size())};
  }
  std::uint32_t units = 0;
  while (!before.empty()) {
    const Rune rune = DecodeRune(before);
    units += UnitsOf(rune, encoding);
    before.remove_prefix(rune.size);
  }
  return {line, units};
}

void Text::Replace(Span span, std::string_view replacement) {
  span.end = std::min(span.end, size());
  span.begin = std::min(span.begin, span.end);
  // The line end in front may join with what comes now (a CR with an LF), so its line is read again as well.
  const std::uint32_t line = LineAt(span.begin);
  bytes_.replace(span.begin, span.size(), replacement);
  FindLines(line > 0 ? line - 1 : 0);
}

}  // namespace loam::lsp
