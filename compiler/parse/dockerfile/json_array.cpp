#include "compiler/parse/dockerfile/json_array.h"

#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/utf8.h"

namespace loam::parse {

namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<unsigned> HexValue(char c) {
  if (IsDigit(c)) {
    return static_cast<unsigned>(c - '0');
  }
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<unsigned>(lower - 'a') + 10;
  }
  return std::nullopt;
}

// A checking reader of JSON text. Nesting is counted, not recursed into.
class Reader {
 public:
  Reader(std::string_view text, std::uint32_t max_depth) : text_(text), max_depth_(max_depth) {}

  void SkipSpace() {
    while (pos_ < text_.size() &&
           (text_[pos_] == ' ' || text_[pos_] == '\t' || text_[pos_] == '\n' || text_[pos_] == '\r')) {
      ++pos_;
    }
  }
  [[nodiscard]] bool AtEnd() const { return pos_ == text_.size(); }
  [[nodiscard]] char Peek() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c || AtEnd()) {
      return false;
    }
    ++pos_;
    return true;
  }
  [[nodiscard]] std::size_t pos() const { return pos_; }

  // A string; `plain` says that the characters between the quotes are its value.
  bool String(bool& plain) {
    plain = true;
    if (!Take('"')) {
      return false;
    }
    while (pos_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[pos_]);
      if (c == '"') {
        ++pos_;
        return true;
      }
      if (c < 0x20) {
        return false;
      }
      if (c == '\\') {
        plain = false;
        if (!Escape()) {
          return false;
        }
        continue;
      }
      if (c >= 0x80) {
        plain = false;  // may hold bytes that are not UTF-8
      }
      ++pos_;
    }
    return false;
  }

  // Any value but a string at the top; containers iteratively.
  bool Value() {
    std::string open;
    while (true) {
      SkipSpace();
      bool closed = false;
      if (Peek() == '[' || Peek() == '{') {
        if (open.size() + 2 > max_depth_) {
          return false;
        }
        open.push_back(text_[pos_++]);
        SkipSpace();
        closed = Peek() == (open.back() == '[' ? ']' : '}');
        if (!closed) {
          if (open.back() == '{' && !Key()) {
            return false;
          }
          continue;
        }
      } else if (!Scalar()) {
        return false;
      }
      // Behind a value, or in front of the bracket that closes an empty container.
      while (true) {
        if (closed) {
          ++pos_;
          open.pop_back();
          closed = false;
        }
        if (open.empty()) {
          return true;
        }
        SkipSpace();
        if (Take(',')) {
          SkipSpace();
          if (open.back() == '{' && !Key()) {
            return false;
          }
          break;
        }
        if (AtEnd() || Peek() != (open.back() == '[' ? ']' : '}')) {
          return false;
        }
        closed = true;
      }
    }
  }

  // A number that a double cannot hold: encoding/json refuses it, whatever else is in the text.
  [[nodiscard]] bool has_huge_number() const { return has_huge_number_; }

 private:
  bool Escape() {
    ++pos_;
    if (AtEnd()) {
      return false;
    }
    const char c = text_[pos_++];
    if (c == 'u') {
      for (int i = 0; i < 4; ++i) {
        if (AtEnd() || !HexValue(text_[pos_])) {
          return false;
        }
        ++pos_;
      }
      return true;
    }
    return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
  }

  bool Key() {
    bool plain = false;
    if (!String(plain)) {
      return false;
    }
    SkipSpace();
    return Take(':');
  }

  bool Scalar() {
    if (Peek() == '"') {
      bool plain = false;
      return String(plain);
    }
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(pos_).starts_with(word)) {
        pos_ += word.size();
        return true;
      }
    }
    return Number();
  }

  bool Digits() {
    if (!IsDigit(Peek())) {
      return false;
    }
    while (IsDigit(Peek())) {
      ++pos_;
    }
    return true;
  }

  bool Number() {
    const std::size_t begin = pos_;
    Take('-');
    if (!Take('0') && !Digits()) {
      return false;
    }
    if (Take('.') && !Digits()) {
      return false;
    }
    if (Take('e') || Take('E')) {
      if (!Take('+')) {
        Take('-');
      }
      if (!Digits()) {
        return false;
      }
    }
    has_huge_number_ |= std::isinf(std::strtod(std::string(text_.substr(begin, pos_ - begin)).c_str(), nullptr));
    return true;
  }

  std::string_view text_;
  std::uint32_t max_depth_;
  std::size_t pos_ = 0;
  bool has_huge_number_ = false;
};

unsigned Unit(std::string_view text, std::size_t pos) {
  unsigned value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value * 16 + HexValue(text[pos + i]).value_or(0);
  }
  return value;
}

// The value of a string whose form was checked; `text` is what is between the quotes.
std::string Decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '\\') {
      const Rune rune = DecodeRune(text.substr(i));
      AppendRune(out, rune.value);
      i += rune.size;
      continue;
    }
    const char c = text[i + 1];
    i += 2;
    switch (c) {
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'u': {
        const unsigned first = Unit(text, i);
        i += 4;
        const bool is_high = first >= 0xD800 && first < 0xDC00;
        if (is_high && text.substr(i).starts_with("\\u")) {
          const unsigned second = Unit(text, i + 2);
          if (second >= 0xDC00 && second < 0xE000) {
            AppendRune(out, 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00));
            i += 6;
            break;
          }
        }
        AppendRune(out, first);  // half a pair becomes the replacement rune
        break;
      }
      default:
        out.push_back(c);
    }
  }
  return out;
}

}  // namespace

bool ScanJsonArray(std::string_view text, std::uint32_t max_depth, syntax::Arena& arena,
                   std::vector<JsonToken>& tokens) {
  using syntax::TokenKind;
  tokens.clear();
  Reader reader(text, max_depth);
  const auto add = [&](TokenKind kind, std::size_t begin, std::string_view value = {}) {
    tokens.push_back({kind, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(reader.pos()), value});
  };
  reader.SkipSpace();
  std::size_t begin = reader.pos();
  if (!reader.Take('[')) {
    return false;
  }
  add(TokenKind::kLeftBracket, begin);
  reader.SkipSpace();
  bool more = reader.Peek() != ']' || reader.AtEnd();
  while (more) {
    reader.SkipSpace();
    begin = reader.pos();
    if (reader.Peek() == '"') {
      bool plain = false;
      if (!reader.String(plain)) {
        return false;
      }
      const std::string_view inside = text.substr(begin + 1, reader.pos() - begin - 2);
      add(TokenKind::kJsonString, begin, plain ? inside : arena.Copy(Decode(inside)));
    } else {
      if (!reader.Value()) {
        return false;
      }
      add(TokenKind::kJsonOther, begin, text.substr(begin, reader.pos() - begin));
    }
    reader.SkipSpace();
    begin = reader.pos();
    more = reader.Take(',');
    if (more) {
      add(TokenKind::kComma, begin);
    }
  }
  begin = reader.pos();
  if (!reader.Take(']')) {
    return false;
  }
  add(TokenKind::kRightBracket, begin);
  reader.SkipSpace();
  return reader.AtEnd() && !reader.has_huge_number();
}

}  // namespace loam::parse
