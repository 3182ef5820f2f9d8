#include "compiler/source/line_map.h"

#include <algorithm>
#include <cstring>

#include "base/utf8.h"

namespace loam::source {

namespace {
std::uint32_t Utf16Units(const Rune& rune) {
  return rune.value >= 0x10000 ? 2 : 1;
}
}  // namespace

LineMap::LineMap(std::string_view text) : size_(static_cast<std::uint32_t>(text.size())) {
  starts_.reserve(text.size() / 32 + 1);
  starts_.push_back(0);
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  for (const char* at = begin; at < end;) {
    const void* lf = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    if (lf == nullptr) {
      break;
    }
    at = static_cast<const char*>(lf) + 1;
    if (at < end) {
      starts_.push_back(static_cast<std::uint32_t>(at - begin));
    }
  }
}

std::uint32_t LineMap::Line(std::uint32_t offset) const {
  return static_cast<std::uint32_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) - starts_.begin());
}

LineColumn LineMap::ByteColumn(std::uint32_t offset) const {
  const std::uint32_t line = Line(offset);
  return {line, std::min(offset, size_) - starts_[line - 1] + 1};
}

LineColumn LineMap::Utf16Column(std::string_view text, std::uint32_t offset) const {
  offset = std::min(offset, size_);
  const std::uint32_t line = Line(offset);
  std::uint32_t column = 1;
  for (std::uint32_t at = starts_[line - 1]; at < offset;) {
    const Rune rune = DecodeRune(text.substr(at));
    if (at + rune.size > offset) {
      break;  // inside a character: its first unit
    }
    column += Utf16Units(rune);
    at += static_cast<std::uint32_t>(rune.size);
  }
  return {line, column};
}

std::uint32_t LineMap::OffsetOfUtf16(std::string_view text, LineColumn place) const {
  if (place.line == 0 || place.line > line_count()) {
    return place.line == 0 ? 0 : size_;
  }
  const std::uint32_t begin = starts_[place.line - 1];
  const std::uint32_t end = begin + static_cast<std::uint32_t>(LineText(text, place.line).size());
  std::uint32_t at = begin;
  for (std::uint32_t column = 1; column < place.column && at < end;) {
    const Rune rune = DecodeRune(text.substr(at));
    column += Utf16Units(rune);
    if (column > place.column) {
      break;  // the second unit of a pair: the character's start
    }
    at += static_cast<std::uint32_t>(rune.size);
  }
  return std::min(at, end);
}

std::uint32_t LineMap::LineBegin(std::uint32_t line) const {
  if (line == 0) {
    return 0;
  }
  return line <= line_count() ? starts_[line - 1] : size_;
}

std::string_view LineMap::LineText(std::string_view text, std::uint32_t line) const {
  std::string_view content = text.substr(LineBegin(line), LineBegin(line + 1) - LineBegin(line));
  if (content.ends_with('\n')) {
    content.remove_suffix(1);
  }
  if (content.ends_with('\r')) {
    content.remove_suffix(1);
  }
  return content;
}

}  // namespace loam::source
