#include "compiler/ast/earthfile/texts.h"

#include <algorithm>

#include "base/utf8.h"

namespace loam::ast::earthfile {

namespace {

constexpr bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

std::size_t SkipBlanks(std::string_view text, std::size_t pos) {
  while (pos < text.size() && IsBlank(text[pos])) {
    ++pos;
  }
  return pos;
}

// Finds where lines end; asked at rising positions.
class LineEnds {
 public:
  explicit LineEnds(std::string_view text) : text_(text) {}

  // Behind an optional comment and a line end at `pos`; npos if there is no line end.
  std::size_t Behind(std::size_t pos) {
    if (pos < text_.size() && text_[pos] == '#') {
      if (pos >= next_) {
        next_ = text_.find_first_of("\r\n", pos);
      }
      pos = next_;
    }
    if (pos >= text_.size()) {
      return std::string_view::npos;
    }
    if (text_[pos] == '\n') {
      return pos + 1;
    }
    return text_.substr(pos).starts_with("\r\n") ? pos + 2 : std::string_view::npos;
  }

 private:
  std::string_view text_;
  std::size_t next_ = 0;  // the line end that was found last
};

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  std::optional<JsonWords> Read() {
    JsonWords words;
    SkipSpace();
    if (Take("null")) {
      words.is_null = true;
    } else if (!ReadArray(words)) {
      return std::nullopt;
    }
    SkipSpace();
    return pos_ == text_.size() ? std::optional(std::move(words)) : std::nullopt;
  }

 private:
  bool ReadArray(JsonWords& words) {
    if (!Take("[")) {
      return false;
    }
    SkipSpace();
    if (Take("]")) {
      return true;
    }
    for (;;) {
      SkipSpace();
      JsonWords::Item& item = words.items.emplace_back();
      item.begin = pos_;
      if (!Take("null") && !ReadString(item.text)) {
        return false;
      }
      item.end = pos_;
      SkipSpace();
      if (Take("]")) {
        return true;
      }
      if (!Take(",")) {
        return false;
      }
    }
  }

  bool ReadString(std::string& out) {
    if (!Take("\"")) {
      return false;
    }
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      if (c == '"') {
        ++pos_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) {
        return false;
      }
      if (c == '\\') {
        ++pos_;
        if (!ReadEscape(out)) {
          return false;
        }
        continue;
      }
      const Rune rune = DecodeRune(text_.substr(pos_));
      AppendRune(out, rune.value);
      pos_ += rune.size;
    }
    return false;
  }

  bool ReadEscape(std::string& out) {
    if (pos_ == text_.size()) {
      return false;
    }
    const char c = text_[pos_++];
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = kNames.find(c); i != std::string_view::npos) {
      out.push_back(kValues[i]);
      return true;
    }
    if (c != 'u') {
      return false;
    }
    const std::optional<char32_t> first = ReadHex();
    if (!first) {
      return false;
    }
    char32_t rune = *first;
    if (rune >= 0xD800 && rune < 0xE000) {
      // A surrogate pair, or else a replacement for the first half alone.
      const std::size_t before = pos_;
      rune = kReplacementRune;
      if (*first < 0xDC00 && Take("\\u")) {
        if (const std::optional<char32_t> second = ReadHex(); second && *second >= 0xDC00 && *second < 0xE000) {
          rune = 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
        } else {
          pos_ = before;
        }
      }
    }
    AppendRune(out, rune);
    return true;
  }

  std::optional<char32_t> ReadHex() {
    if (text_.size() - pos_ < 4) {
      return std::nullopt;
    }
    char32_t value = 0;
    for (int i = 0; i < 4; ++i, ++pos_) {
      const char c = text_[pos_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) {
        return std::nullopt;
      }
      value = value * 16 + static_cast<char32_t>(digit);
    }
    return value;
  }

  void SkipSpace() {
    while (pos_ < text_.size() && (IsBlank(text_[pos_]) || text_[pos_] == '\n' || text_[pos_] == '\r')) {
      ++pos_;
    }
  }
  bool Take(std::string_view token) {
    if (!text_.substr(pos_).starts_with(token)) {
      return false;
    }
    pos_ += token.size();
    return true;
  }

  std::string_view text_;
  std::size_t pos_ = 0;
};

}  // namespace

bool MayHaveContinuation(std::string_view text) {
  return text.find('\\') != std::string_view::npos && text.find('\n') != std::string_view::npos;
}

std::string RemoveContinuations(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  LineEnds line_ends(text);
  for (std::size_t pos = 0; pos < text.size();) {
    if (text[pos] == '\\') {
      std::size_t end = line_ends.Behind(SkipBlanks(text, pos + 1));
      if (end != std::string_view::npos) {
        for (std::size_t next = end; next != std::string_view::npos; next = line_ends.Behind(end)) {
          end = SkipBlanks(text, next);
        }
        pos = end;
        continue;
      }
    }
    out.push_back(text[pos++]);
  }
  return out;
}

bool IsVariableName(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::optional<JsonWords> ParseJsonWords(std::string_view text) {
  return JsonReader(text).Read();
}

std::string DocsOf(const std::vector<std::string_view>& comments) {
  std::string out;
  std::string_view indentation;
  for (std::size_t i = 0; i < comments.size(); ++i) {
    std::string_view line = TrimUnicodeSpace(comments[i]);
    if (line.starts_with("#")) {
      line.remove_prefix(1);
    }
    if (i == 0) {
      indentation = line.substr(0, line.size() - TrimUnicodeSpaceLeft(line).size());
    }
    if (line.starts_with(indentation)) {
      line.remove_prefix(indentation.size());
    }
    out += line;
    out += '\n';
  }
  return out;
}

}  // namespace loam::ast::earthfile
