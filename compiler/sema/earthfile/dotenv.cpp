#include "compiler/sema/earthfile/dotenv.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

namespace loam::sema::earthfile {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

// Replaces all occurrences.
std::string Replace(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

class Reader {
 public:
  explicit Reader(std::string text) : text_(std::move(text)) {}

  Result<std::map<std::string, std::string>> Run() {
    while (SkipToStatement()) {
      const std::string name = LOAM_TRY(Name());
      values_[name] = LOAM_TRY(Value());
    }
    return std::move(values_);
  }

 private:
  [[nodiscard]] bool AtEnd() const { return pos_ >= text_.size(); }

  tl::unexpected<Error> Fail(std::size_t at, std::string_view what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("line {}: {}", line, what));
  }

  // White space and comments; false at the end.
  bool SkipToStatement() {
    while (!AtEnd()) {
      if (text_[pos_] == '#') {
        pos_ = std::min(text_.find('\n', pos_), text_.size());
      } else if (IsBlank(text_[pos_]) || text_[pos_] == '\n') {
        ++pos_;
      } else {
        return true;
      }
    }
    return false;
  }

  Result<std::string> Name() {
    if (text_.compare(pos_, 6, "export") == 0 && pos_ + 6 < text_.size() && IsBlank(text_[pos_ + 6])) {
      pos_ += 6;
      SkipBlanks();
    }
    const std::size_t begin = pos_;
    for (; !AtEnd(); ++pos_) {
      const char c = text_[pos_];
      if (c == '=' || c == ':') {
        std::string name = text_.substr(begin, pos_ - begin);
        name.erase(std::find_if_not(name.rbegin(), name.rend(), IsBlank).base(), name.end());
        ++pos_;
        SkipBlanks();
        return name;
      }
      if (!IsBlank(c) && !IsLetter(c) && !IsDigit(c) && c != '_' && c != '.') {
        return Fail(pos_, c == '\n' ? std::string("there is no `=` after the name")
                                    : fmt::format("`{}` cannot be part of a name", c));
      }
    }
    return Fail(begin, "there is no `=` after the name");
  }

  void SkipBlanks() {
    while (!AtEnd() && IsBlank(text_[pos_])) {
      ++pos_;
    }
  }

  Result<std::string> Value() {
    if (AtEnd()) {
      return std::string();
    }
    const char quote = text_[pos_];
    if (quote != '"' && quote != '\'') {
      return Expand(Unquoted());
    }
    for (std::size_t end = pos_ + 1; end < text_.size(); ++end) {
      if (text_[end] != quote || text_[end - 1] == '\\') {
        continue;
      }
      std::string value = text_.substr(pos_ + 1, end - pos_ - 1);
      pos_ = end + 1;
      return quote == '"' ? Expand(Unescape(value)) : value;
    }
    return Fail(pos_, fmt::format("the quote `{}` is not closed", quote));
  }

  // To the end of the line or to a comment after a blank.
  std::string Unquoted() {
    const std::size_t end = std::min(text_.find_first_of("\n\r", pos_), text_.size());
    std::string value = text_.substr(pos_, end - pos_);
    pos_ = end;
    for (std::size_t i = value.size(); i-- > 1;) {
      if (value[i] == '#' && IsBlank(value[i - 1])) {
        value.resize(i);
        break;
      }
    }
    value.erase(std::find_if_not(value.rbegin(), value.rend(), IsBlank).base(), value.end());
    return value;
  }

  // `\n` and `\r`; before other characters but `$` the backslash goes.
  static std::string Unescape(std::string_view value) {
    std::string result;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] != '\\' || i + 1 == value.size()) {
        result += value[i];
        continue;
      }
      const char c = value[++i];
      if (c == '$') {
        result += '\\';
      }
      result += c == 'n' ? '\n' : c == 'r' ? '\r' : c;
    }
    return result;
  }

  // `$NAME`, `${NAME}` of upper-case letters; `\$` is a dollar.
  std::string Expand(std::string_view value) const {
    std::string result;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '\\' && i + 1 < value.size() && value[i + 1] == '$') {
        result += value[++i];
        continue;
      }
      if (value[i] != '$') {
        result += value[i];
        continue;
      }
      std::size_t begin = i + 1;
      // `$(NAME` counts as well.
      begin += begin < value.size() && value[begin] == '(' ? 1 : 0;
      const bool braces = begin < value.size() && value[begin] == '{';
      begin += braces ? 1 : 0;
      std::size_t end = begin;
      while (end < value.size() &&
             ((value[end] >= 'A' && value[end] <= 'Z') || IsDigit(value[end]) || value[end] == '_')) {
        ++end;
      }
      if (end == begin) {
        result += value[i];
        continue;
      }
      result += Lookup(std::string(value.substr(begin, end - begin)));
      i = end < value.size() && value[end] == '}' ? end : end - 1;
    }
    return result;
  }

  [[nodiscard]] std::string Lookup(const std::string& name) const {
    if (const auto found = values_.find(name); found != values_.end()) {
      return found->second;
    }
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? "" : value;
  }

  std::string text_;
  std::size_t pos_ = 0;
  std::map<std::string, std::string> values_;
};

}  // namespace

Result<std::map<std::string, std::string>> ParseDotenv(std::string_view text) {
  // A document marker of YAML is no statement.
  return Reader(Replace(Replace(std::string(text), "---\n", "\n"), "\r\n", "\n")).Run();
}

}  // namespace loam::sema::earthfile
