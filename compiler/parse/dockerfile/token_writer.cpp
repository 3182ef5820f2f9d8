#include "compiler/parse/dockerfile/token_writer.h"

#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"

namespace loam::parse {

using syntax::TokenKind;

std::uint32_t TokenWriter::Add(TokenKind kind, std::uint32_t begin, std::uint32_t end, std::string_view meaning) {
  LOAM_CHECK(begin >= cursor_ && end >= begin && end <= text_.size(), "tokens are appended in order");
  SkipTo(begin);
  tree_->tokens.push_back({meaning.data(), static_cast<std::uint32_t>(meaning.size()), begin, end, kind});
  cursor_ = end;
  return static_cast<std::uint32_t>(tree_->tokens.size() - 1);
}

void TokenWriter::Push(TokenKind kind, std::uint32_t end) {
  tree_->tokens.push_back({text_.data() + cursor_, end - cursor_, cursor_, end, kind});
  cursor_ = end;
}

std::uint32_t TokenWriter::ContinuationEnd(std::uint32_t pos, std::uint32_t limit) const {
  if (text_[pos] != tree_->escape) {
    return 0;
  }
  ++pos;
  while (pos < limit && (text_[pos] == ' ' || text_[pos] == '\t' || text_[pos] == '\r')) {
    ++pos;
  }
  if (pos == limit) {
    return limit == text_.size() ? limit : 0;
  }
  return text_[pos] == '\n' ? pos + 1 : 0;
}

void TokenWriter::SkipTo(std::uint32_t end) {
  if (cursor_ == 0 && end >= tree_->buffer().bom_size() && tree_->buffer().bom_size() != 0) {
    Push(TokenKind::kBom, tree_->buffer().bom_size());
  }
  const std::uint32_t bom = tree_->buffer().bom_size();
  while (cursor_ < end) {
    const char c = text_[cursor_];
    if (c == '\n') {
      Push(TokenKind::kLineEnd, cursor_ + 1);
      continue;
    }
    if (c == '\r' && cursor_ + 1 < end && text_[cursor_ + 1] == '\n') {
      Push(TokenKind::kLineEnd, cursor_ + 2);
      continue;
    }
    // Only white space may stand between the start of the line and a comment.
    const bool at_line_start = cursor_ == bom || text_[cursor_ - 1] == '\n' ||
                               (!tree_->tokens.empty() && tree_->tokens.back().kind == TokenKind::kBlank &&
                                (tree_->tokens.back().begin == bom || text_[tree_->tokens.back().begin - 1] == '\n'));
    if (c == '#' && at_line_start) {
      std::uint32_t stop = static_cast<std::uint32_t>(std::min<std::size_t>(text_.find('\n', cursor_), end));
      while (stop > cursor_ && text_[stop - 1] == '\r') {
        --stop;
      }
      Push(TokenKind::kComment, stop);
      continue;
    }
    if (const std::uint32_t stop = ContinuationEnd(cursor_, end); stop != 0) {
      Push(TokenKind::kContinuation, stop);
      continue;
    }
    std::uint32_t stop = cursor_;
    while (stop < end && text_[stop] != '\n' && !(text_[stop] == '\r' && stop + 1 < end && text_[stop + 1] == '\n')) {
      const Rune rune = DecodeRune(text_.substr(stop, 4));
      if (!IsUnicodeSpace(rune.value)) {
        break;
      }
      stop += static_cast<std::uint32_t>(rune.size);
    }
    if (stop > cursor_) {
      Push(TokenKind::kBlank, std::min(stop, end));
      continue;
    }
    // Up to the next place where something else can start.
    stop = cursor_ + 1;
    while (stop < end && text_[stop] != tree_->escape && !IsUnicodeSpace(static_cast<unsigned char>(text_[stop]))) {
      ++stop;
    }
    Push(TokenKind::kSkipped, stop);
  }
}

}  // namespace loam::parse
