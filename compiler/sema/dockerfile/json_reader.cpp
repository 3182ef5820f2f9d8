#include "compiler/sema/dockerfile/json_reader.h"

#include <charconv>

#include "base/utf8.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {

void JsonReader::SkipSpace() {
  while (pos_ < text_.size() && std::string_view(" \t\r\n").find(text_[pos_]) != std::string_view::npos) {
    ++pos_;
  }
}

bool JsonReader::AtEnd() {
  SkipSpace();
  return ok_ && pos_ == text_.size();
}

bool JsonReader::Take(char c) {
  SkipSpace();
  if (ok_ && pos_ < text_.size() && text_[pos_] == c) {
    ++pos_;
    return true;
  }
  return false;
}

bool JsonReader::Word(std::string_view word) {
  SkipSpace();
  if (ok_ && text_.substr(pos_).starts_with(word)) {
    pos_ += word.size();
    return true;
  }
  return false;
}

bool JsonReader::Null() {
  return Word("null");
}

bool JsonReader::Begin(char open, char close) {
  if (Null()) {
    return false;
  }
  if (!Take(open)) {
    return Fail();
  }
  return !Take(close);
}

bool JsonReader::Next(char close) {
  if (!ok_ || Take(close)) {
    return false;
  }
  return Take(',') || Fail();
}

bool JsonReader::Key() {
  return ok_ && ReadString(key_) && (Take(':') || Fail());
}

bool JsonReader::ReadString(std::string& out) {
  out.clear();
  if (!Take('"')) {
    return Fail();
  }
  while (pos_ < text_.size()) {
    const std::size_t special = text_.find_first_of("\"\\", pos_);
    if (special == std::string_view::npos) {
      return Fail();
    }
    out += text_.substr(pos_, special - pos_);
    pos_ = special + 1;
    if (text_[special] == '"') {
      return true;
    }
    if (pos_ == text_.size()) {
      return Fail();
    }
    const char c = text_[pos_++];
    const std::size_t simple = std::string_view("\"\\/bfnrt").find(c);
    if (simple != std::string_view::npos) {
      out += "\"\\/\b\f\n\r\t"[simple];
      continue;
    }
    const auto unit = c == 'u' ? ParseUint(text_.substr(pos_, 4), 16, 16) : std::nullopt;
    if (!unit || text_.size() - pos_ < 4) {
      return Fail();
    }
    pos_ += 4;
    auto rune = static_cast<char32_t>(*unit);
    if (rune >= 0xD800 && rune < 0xDC00 && text_.substr(pos_).starts_with("\\u")) {
      const auto low = ParseUint(text_.substr(pos_ + 2, 4), 16, 16);
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        rune = 0x10000 + ((rune - 0xD800) << 10) + (static_cast<char32_t>(*low) - 0xDC00);
        pos_ += 6;
      }
    }
    AppendRune(out, rune >= 0xD800 && rune < 0xE000 ? 0xFFFD : rune);
  }
  return Fail();
}

std::string_view JsonReader::String() {
  if (Null() || !ReadString(value_)) {
    return {};
  }
  return value_;
}

std::int64_t JsonReader::Integer() {
  if (Null()) {
    return 0;
  }
  SkipSpace();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data() + pos_, text_.data() + text_.size(), value);
  if (!ok_ || error != std::errc()) {
    Fail();
    return 0;
  }
  pos_ = static_cast<std::size_t>(end - text_.data());
  return value;
}

bool JsonReader::Bool() {
  if (Null() || Word("false")) {
    return false;
  }
  return Word("true") || Fail();
}

void JsonReader::SkipValue(int depth) {
  SkipSpace();
  if (!ok_ || pos_ >= text_.size() || depth > kMaxDepth) {
    Fail();
    return;
  }
  switch (text_[pos_]) {
    case '{':
      for (bool more = BeginObject(); more; more = NextField()) {
        SkipValue(depth + 1);
      }
      return;
    case '[':
      for (bool more = BeginArray(); more; more = NextItem()) {
        SkipValue(depth + 1);
      }
      return;
    case '"':
      ReadString(value_);
      return;
    default:
      if (Word("true") || Word("false") || Word("null")) {
        return;
      }
      const std::size_t end = text_.find_first_not_of("+-.0123456789eE", pos_);
      if (end == pos_) {
        Fail();
        return;
      }
      pos_ = end == std::string_view::npos ? text_.size() : end;
  }
}

}  // namespace loam::sema
