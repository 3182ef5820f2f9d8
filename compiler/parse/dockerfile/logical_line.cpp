#include "compiler/parse/dockerfile/logical_line.h"

#include <algorithm>
#include <cstring>

#include "base/utf8.h"

namespace loam::parse {

bool LineReader::Next(PhysicalLine& line) {
  if (offset_ >= text_.size()) {
    return false;
  }
  ++line_number_;
  line.begin = offset_;
  const void* lf = std::memchr(text_.data() + offset_, '\n', text_.size() - offset_);
  const char* end = lf == nullptr ? text_.data() + text_.size() : static_cast<const char*>(lf);
  line.content_end = static_cast<std::uint32_t>(end - text_.data());
  line.next = lf == nullptr ? line.content_end : line.content_end + 1;
  while (line.content_end > line.begin && text_[line.content_end - 1] == '\r') {
    --line.content_end;
  }
  offset_ = line.next;
  return true;
}

void LogicalText::Clear() {
  pieces_.clear();
  single_ = {};
}

void LogicalText::Append(std::string_view piece, std::uint32_t source) {
  if (pieces_.empty()) {
    single_ = piece;
    pieces_.push_back({0, source});
    return;
  }
  if (pieces_.size() == 1) {
    joined_ = single_;
  }
  pieces_.push_back({static_cast<std::uint32_t>(joined_.size()), source});
  joined_ += piece;
}

std::uint32_t LogicalText::Begin(std::size_t index) const {
  if (pieces_.empty()) {
    return 0;
  }
  auto after = std::upper_bound(pieces_.begin() + 1, pieces_.end(), index,
                                [](std::size_t i, const Piece& piece) { return i < piece.index; });
  const Piece& piece = *(after - 1);
  return piece.source + static_cast<std::uint32_t>(index - piece.index);
}

bool TrimContinuation(std::string_view& content, char escape) {
  std::size_t end = content.size();
  while (end > 0 && (content[end - 1] == ' ' || content[end - 1] == '\t')) {
    --end;
  }
  if (end == 0 || content[end - 1] != escape || (end > 1 && content[end - 2] == escape)) {
    return false;
  }
  content = content.substr(0, end - 1);
  return true;
}

bool IsComment(std::string_view content) {
  content = TrimUnicodeSpaceLeft(content);
  return !content.empty() && content.front() == '#';
}

}  // namespace loam::parse
