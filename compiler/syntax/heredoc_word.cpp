#include "compiler/syntax/heredoc_word.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/utf8.h"

namespace loam::syntax {

namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsNameByte(char c) {
  return IsDigit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsSpecialParameter(char c) {
  return c != '\0' && std::string_view("@*#?-$!0").find(c) != std::string_view::npos;
}

// Collects words. A nested substitution starts with an empty current word and leaves it empty: upstream's lexer shares
// one buffer between the levels.
class Words {
 public:
  explicit Words(std::string& current) : current_(&current) { current.clear(); }

  void AddChar(std::string_view rune_text, char32_t rune, std::size_t begin, std::size_t end) {
    if (IsUnicodeSpace(rune)) {
      if (in_word_ && !current_->empty()) {
        Push();
      }
      return;
    }
    AddRaw(rune_text, begin, end);
  }
  void AddRaw(std::string_view text, std::size_t begin, std::size_t end) {
    if (current_->empty()) {
      begin_ = begin;
    }
    *current_ += text;
    end_ = end;
    in_word_ = true;
  }
  // A text out of a substitution: its white space separates.
  void AddString(std::string_view text, std::size_t begin, std::size_t end) {
    while (!text.empty()) {
      const Rune rune = DecodeRune(text);
      AddChar(text.substr(0, rune.size), rune.value, begin, end);
      text.remove_prefix(rune.size);
    }
  }
  std::vector<ShellWord> Take() {
    if (!current_->empty()) {
      Push();
    }
    return std::move(words_);
  }

 private:
  void Push() {
    words_.push_back({*current_, begin_, end_});
    current_->clear();
    in_word_ = false;
  }

  std::string* current_;
  std::vector<ShellWord> words_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool in_word_ = false;
};

class Splitter {
 public:
  Splitter(std::string_view text, const ShellSplitOptions& options)
      : text_(text), keep_quotes_(options.keep_quotes), keep_escapes_(options.keep_escapes) {}

  std::optional<std::vector<ShellWord>> Run() {
    Words words(current_);
    std::string ignored;
    if (!Until('\0', keep_escapes_, words, ignored)) {
      return std::nullopt;
    }
    return words.Take();
  }

 private:
  [[nodiscard]] bool AtEnd() const { return pos_ >= text_.size(); }
  [[nodiscard]] char Peek() const { return AtEnd() ? '\0' : text_[pos_]; }
  std::string_view TakeRune() {
    const Rune rune = DecodeRune(text_.substr(pos_));
    const std::string_view taken = text_.substr(pos_, rune.size);
    pos_ += rune.size;
    return taken;
  }

  // Reads up to and with `stop` ('\0': to the end). `result` is the text read.
  bool Until(char stop, bool keep_escapes, Words& words, std::string& result) {
    const bool outer_keep_escapes = std::exchange(keep_escapes_, keep_escapes);
    const bool ok = UntilStop(stop, words, result);
    keep_escapes_ = outer_keep_escapes;
    return ok;
  }

  bool UntilStop(char stop, Words& words, std::string& result) {
    std::string piece;
    while (!AtEnd()) {
      const std::size_t begin = pos_;
      const char c = Peek();
      if (stop != '\0' && c == stop) {
        ++pos_;
        return true;
      }
      piece.clear();
      switch (c) {
        case '$':
          if (!Dollar(piece)) {
            return false;
          }
          words.AddString(piece, begin, pos_);
          break;
        case '<':
          PossibleHeredoc(piece);
          words.AddRaw(piece, begin, pos_);
          break;
        case '\'':
          if (!SingleQuote(piece)) {
            return false;
          }
          words.AddRaw(piece, begin, pos_);
          break;
        case '"':
          if (!DoubleQuote(piece)) {
            return false;
          }
          words.AddRaw(piece, begin, pos_);
          break;
        case '\\':
          ++pos_;
          if (keep_escapes_) {
            piece.push_back('\\');
          }
          if (!AtEnd()) {
            piece += TakeRune();
          }
          if (!piece.empty()) {
            words.AddRaw(piece, begin, pos_);
          }
          break;
        default: {
          const Rune rune = DecodeRune(text_.substr(pos_));
          piece = TakeRune();
          words.AddChar(piece, rune.value, begin, pos_);
        }
      }
      result += piece;
    }
    return stop == '\0';
  }

  bool SingleQuote(std::string& out) {
    const std::size_t close = text_.find('\'', pos_ + 1);
    if (close == std::string_view::npos) {
      return false;
    }
    const std::size_t margin = keep_quotes_ ? 0 : 1;
    out = text_.substr(pos_ + margin, close + 1 - pos_ - 2 * margin);
    pos_ = close + 1;
    return true;
  }

  bool DoubleQuote(std::string& out) {
    ++pos_;
    if (keep_quotes_) {
      out.push_back('"');
    }
    std::string piece;
    while (!AtEnd()) {
      switch (Peek()) {
        case '"':
          ++pos_;
          if (keep_quotes_) {
            out.push_back('"');
          }
          return true;
        case '$':
          piece.clear();
          if (!Dollar(piece)) {
            return false;
          }
          out += piece;
          break;
        case '\\': {
          ++pos_;
          if (keep_escapes_) {
            out.push_back('\\');
          }
          if (AtEnd()) {
            return false;
          }
          const char next = Peek();
          if (next == '"' || next == '$' || next == '\\') {
            ++pos_;
            out.push_back(next);
          } else {
            out.push_back('\\');
          }
          break;
        }
        default:
          out += TakeRune();
      }
    }
    return false;
  }

  std::string_view TakeName() {
    const std::size_t begin = pos_;
    if (IsDigit(Peek())) {
      while (IsDigit(Peek())) {
        ++pos_;
      }
    } else if (IsSpecialParameter(Peek())) {
      ++pos_;
    } else {
      while (!AtEnd() && IsNameByte(Peek())) {
        ++pos_;
      }
    }
    return text_.substr(begin, pos_ - begin);
  }

  // No variable is set: the substitution stays, with the words inside processed.
  bool Dollar(std::string& out) {
    ++pos_;
    out = "$";
    if (Peek() != '{') {
      out += TakeName();
      return true;
    }
    ++pos_;
    if (AtEnd() || Peek() == '{' || Peek() == '}' || Peek() == ':') {
      return false;
    }
    out += '{';
    out += TakeName();
    if (AtEnd()) {
      return false;
    }
    const char modifier = text_[pos_++];
    out.push_back(modifier);
    switch (modifier) {
      case '}':
        return true;
      case '/': {
        if (Peek() == '/') {
          ++pos_;
        }
        return Nested('/', true, out) && Nested('}', true, out);
      }
      case ':': {
        // Any other character is let through while the variable is unset.
        if (AtEnd() || Peek() == '#' || Peek() == '%') {
          return false;
        }
        out += TakeRune();
        return Nested('}', false, out);
      }
      case '#':
      case '%':
        return Nested('}', true, out);
      case '+':
      case '-':
      case '?':
        return Nested('}', false, out);
      default:
        return false;
    }
  }

  bool Nested(char stop, bool keep_escapes, std::string& out) {
    if (++depth_ > kMaxSubstitutionDepth) {
      return false;
    }
    Words words(current_);
    std::string inside;
    const bool ok = Until(stop, keep_escapes, words, inside);
    words.Take();
    --depth_;
    out += inside;
    out.push_back(stop);
    return ok;
  }

  void PossibleHeredoc(std::string& out) {
    ++pos_;
    out = "<";
    if (Peek() != '<') {
      return;
    }
    ++pos_;
    out.push_back('<');
    while (Peek() == ' ' || Peek() == '\t' || Peek() == '\r') {
      out.push_back(text_[pos_++]);
    }
  }

  std::string_view text_;
  bool keep_quotes_;
  bool keep_escapes_;
  std::size_t pos_ = 0;
  int depth_ = 0;
  std::string current_;
};

std::size_t CountQuotes(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return c == '\'' || c == '"'; }));
}

bool IsAsciiSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

}  // namespace

std::optional<std::vector<ShellWord>> SplitShellWords(std::string_view text, const ShellSplitOptions& options) {
  return Splitter(text, options).Run();
}

std::optional<ParsedHeredocWord> ParseHeredocWord(std::string_view word) {
  std::size_t i = 0;
  unsigned fd = 0;
  while (i < word.size() && IsDigit(word[i])) {
    const auto digit = static_cast<unsigned>(word[i] - '0');
    const bool fits = fd <= (std::numeric_limits<unsigned>::max() - digit) / 10;
    fd = fits ? fd * 10 + digit : std::numeric_limits<unsigned>::max();
    ++i;
  }
  if (!word.substr(i).starts_with("<<")) {
    return std::nullopt;
  }
  i += 2;
  const bool chomp = i < word.size() && word[i] == '-';
  i += chomp ? 1 : 0;
  while (i < word.size() && IsAsciiSpace(word[i])) {
    ++i;
  }
  const std::string_view rest = word.substr(i);
  if (rest.empty() || rest.find('<') != std::string_view::npos) {
    return std::nullopt;
  }
  const auto words = SplitShellWords(rest, {});
  if (!words || words->size() != 1) {
    return std::nullopt;
  }
  // Read once more with the quotes kept: if there are more of them, a part of the word was quoted.
  const auto raw = SplitShellWords(rest, {.keep_quotes = true, .keep_escapes = false});
  if (!raw || raw->size() != 1) {
    return std::nullopt;
  }
  const std::string& name = words->front().text;
  return ParsedHeredocWord{name, CountQuotes(name) == CountQuotes(raw->front().text), chomp, fd};
}

}  // namespace loam::syntax
