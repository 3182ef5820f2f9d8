#include "compiler/sema/dockerfile/word_expander.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/dockerfile/shell_pattern.h"

namespace loam::sema {

// Splits what is expanded into words. Upstream shares one buffer between the levels of nesting, so a nested ${…:-…}
// loses what stood in front of it in the same word; images depend on it, so it is the same here.
struct WordExpander::Words {
  std::vector<std::string>* words;
  std::string buffer;
  bool in_word = false;

  void AddRaw(std::string_view text) {
    buffer += text;
    in_word = true;
  }
  void Add(std::string_view text) {
    for (std::size_t pos = 0; pos < text.size();) {
      const auto [rune, length] = DecodeRune(text.substr(pos));
      const bool space = IsUnicodeSpace(rune);
      if (!space) {
        AddRaw(text.substr(pos, length));
      } else if (in_word && !buffer.empty()) {
        words->push_back(std::move(buffer));
        buffer.clear();
        in_word = false;
      }
      pos += length;
    }
  }
  void Finish() {
    if (!buffer.empty()) {
      words->push_back(std::move(buffer));
    }
    buffer.clear();
  }
};

bool WordExpander::NeedsExpansion(std::string_view word, char escape) {
  for (const char c : word) {
    if (c == '$' || c == '\'' || c == '"' || c == escape) {
      return true;
    }
    if (static_cast<unsigned char>(c) >= 0x80) {
      return !IsUtf8(word) || word.find_first_of(std::string{'$', '\'', '"', escape}) != std::string_view::npos ||
             word.starts_with("\xEF\xBB\xBF");
    }
  }
  return false;
}

std::string_view WordExpander::Next() {
  if (pos_ >= word_.size()) {
    return {};
  }
  std::size_t length = 1;
  if (static_cast<unsigned char>(word_[pos_]) >= 0x80) {
    length = DecodeRune(word_.substr(pos_)).size;
  }
  const std::string_view rune = word_.substr(pos_, length);
  pos_ += length;
  return rune;
}

bool WordExpander::Fail(std::string message) {
  error_ = std::move(message);
  return false;
}

bool WordExpander::Append(std::string_view value, std::string& out) {
  if (out.size() + value.size() > kMaxExpandedBytes) {
    return Fail(fmt::format("it gets longer than {} MiB", kMaxExpandedBytes >> 20U));
  }
  out += value;
  return true;
}

std::optional<std::string_view> WordExpander::Lookup(std::string_view name) {
  const auto value = variables_->Find(name);
  (value ? matched_ : unmatched_).emplace_back(name);
  return value;
}

bool WordExpander::Run(std::string_view word, std::string& out, Words* words) {
  if (!IsUtf8(word)) {
    sanitized_ = ToUtf8(word);
    word_ = sanitized_;
  } else {
    word_ = word;
  }
  if (word_.starts_with("\xEF\xBB\xBF")) {
    word_.remove_prefix(3);
  }
  pos_ = 0;
  depth_ = 0;
  raw_escapes_ = options_.raw_escapes;
  words_ = words;
  matched_.clear();
  unmatched_.clear();
  error_.clear();
  return UntilStop(kEnd, raw_escapes_, out, words);
}

bool WordExpander::Expand(std::string_view word, std::string& out) {
  out.clear();
  return Run(word, out, nullptr);
}

bool WordExpander::ExpandToWords(std::string_view word, std::vector<std::string>& words) {
  std::string out;
  Words sink{&words, {}, false};
  if (!Run(word, out, &sink)) {
    return false;
  }
  sink.Finish();
  return true;
}

bool WordExpander::UntilStop(int stop, bool raw_escapes, std::string& out, Words* words) {
  if (++depth_ > kMaxExpansionDepth) {
    return Fail(fmt::format("variable substitutions are nested more than {} deep", kMaxExpansionDepth));
  }
  const bool outer_raw = raw_escapes_;
  raw_escapes_ = raw_escapes;
  bool ok = true;
  bool stopped = false;
  while (ok && Peek() != kEnd) {
    const int c = Peek();
    if (c == stop) {
      Next();
      stopped = true;
      break;
    }
    const std::size_t mark = out.size();
    const bool quote = !options_.skip_quotes && (c == '\'' || c == '"');
    if (c == '$' || c == '<' || quote) {
      if (c == '$') {
        ok = Dollar(out);
      } else if (c == '<') {
        Heredoc(out);
      } else {
        ok = c == '"' ? DoubleQuote(out) : SingleQuote(out);
      }
      if (ok && words != nullptr) {
        const std::string_view added = std::string_view(out).substr(mark);
        c == '$' ? words->Add(added) : words->AddRaw(added);
      }
      continue;
    }
    std::string_view rune = Next();
    if (c == static_cast<unsigned char>(options_.escape)) {
      if (raw_escapes_) {
        out += rune;
        if (words != nullptr) {
          words->AddRaw(rune);
        }
      }
      rune = Next();
      if (rune.empty()) {
        break;
      }
      if (words != nullptr) {
        words->AddRaw(rune);
      }
    } else if (words != nullptr) {
      words->Add(rune);
    }
    out += rune;
  }
  raw_escapes_ = outer_raw;
  --depth_;
  if (ok && stop != kEnd && !stopped) {
    return Fail(fmt::format("unexpected end of statement while looking for matching {}", static_cast<char>(stop)));
  }
  return ok;
}

bool WordExpander::SingleQuote(std::string& out) {
  const std::size_t close = word_.find('\'', pos_ + 1);
  if (close == std::string_view::npos) {
    pos_ = word_.size();
    return Fail("unexpected end of statement while looking for matching single-quote");
  }
  if (options_.raw_quotes) {
    out += word_.substr(pos_, close + 1 - pos_);
  } else {
    out += word_.substr(pos_ + 1, close - pos_ - 1);
  }
  pos_ = close + 1;
  return true;
}

bool WordExpander::DoubleQuote(std::string& out) {
  Next();
  if (options_.raw_quotes) {
    out += '"';
  }
  const auto escape = static_cast<unsigned char>(options_.escape);
  for (;;) {
    const int c = Peek();
    if (c == kEnd) {
      return Fail("unexpected end of statement while looking for matching double-quote");
    }
    if (c == '"') {
      Next();
      if (options_.raw_quotes) {
        out += '"';
      }
      return true;
    }
    if (c == '$') {
      if (!Dollar(out)) {
        return false;
      }
      continue;
    }
    std::string_view rune = Next();
    if (c == escape) {
      if (raw_escapes_) {
        out += rune;
      }
      const int next = Peek();
      if (next == kEnd) {
        continue;
      }
      if (next == '"' || next == '$' || next == escape) {
        rune = Next();
      }
    }
    out += rune;
  }
}

void WordExpander::Heredoc(std::string& out) {
  Next();
  out += '<';
  if (Peek() != '<') {
    return;
  }
  Next();
  out += '<';
  while (Peek() == '\t' || Peek() == '\r' || Peek() == ' ') {
    out += Next();
  }
}

std::string_view WordExpander::Name() {
  const std::size_t start = pos_;
  while (pos_ < word_.size()) {
    const char c = word_[pos_];
    const bool digit = c >= '0' && c <= '9';
    if (pos_ == start) {
      if (digit) {
        while (pos_ < word_.size() && word_[pos_] >= '0' && word_[pos_] <= '9') {
          ++pos_;
        }
        break;
      }
      if (std::string_view("@*#?-$!").find(c) != std::string_view::npos) {
        ++pos_;
        break;
      }
    }
    const Rune rune = DecodeRune(word_.substr(pos_));
    if (!digit && c != '_' && !IsLetterRune(rune.value)) {
      break;
    }
    pos_ += rune.size;
  }
  return word_.substr(start, pos_ - start);
}

bool WordExpander::Dollar(std::string& out) {
  Next();
  if (Peek() == '{') {
    Next();
    return Braces(out);
  }
  const std::string_view name = Name();
  if (name.empty()) {
    out += '$';
    return true;
  }
  if (const auto value = Lookup(name)) {
    return Append(*value, out);
  }
  if (options_.skip_unset) {
    out += '$';
    out += name;
  }
  return true;
}

bool WordExpander::Braces(std::string& out) {
  const int first = Peek();
  if (first == kEnd) {
    return Fail("syntax error: missing '}'");
  }
  if (first == '{' || first == '}' || first == ':') {
    return Fail("syntax error: bad substitution");
  }
  const std::string_view name = Name();
  const int operation = Peek();
  std::string modifier(Next());
  switch (operation) {
    case '}':
      if (const auto value = Lookup(name)) {
        return Append(*value, out);
      }
      if (options_.skip_unset) {
        out.append("${").append(name).append("}");
      }
      return true;
    case ':': {
      const int next = Peek();
      modifier += Next();
      return DefaultOrTrim(name, std::move(modifier), next, true, out);
    }
    case '+':
    case '-':
    case '?':
    case '#':
    case '%':
      return DefaultOrTrim(name, std::move(modifier), operation, false, out);
    case '/':
      return Replace(name, out);
    default:
      return Fail(fmt::format("unsupported modifier ({}) in substitution", modifier));
  }
}

bool WordExpander::DefaultOrTrim(std::string_view name, std::string modifier, int operation, bool null_is_unset,
                                 std::string& out) {
  const bool trim = operation == '#' || operation == '%';
  if (null_is_unset && trim) {
    return Fail(fmt::format("unsupported modifier ({}) in substitution", modifier));
  }
  const std::size_t mark = out.size();
  if (words_ != nullptr) {
    words_->buffer.clear();
  }
  if (!UntilStop('}', trim, out, nullptr)) {
    return Peek() == kEnd && depth_ < kMaxExpansionDepth ? Fail("syntax error: missing '}'") : false;
  }
  const auto value = Lookup(name);
  if (options_.skip_unset && !value) {
    const std::string operand = out.substr(mark);
    out.resize(mark);
    out.append("${").append(name).append(modifier).append(operand).append("}");
    return true;
  }
  const bool missing = !value || (null_is_unset && value->empty());
  const auto use_value = [&] {
    out.resize(mark);
    return !value || Append(*value, out);
  };
  switch (operation) {
    case '-':
      return missing || use_value();
    case '+':
      if (missing) {
        out.resize(mark);
      }
      return true;
    case '?':
      if (missing) {
        const std::string message = out.substr(mark);
        return Fail(fmt::format("{}: {}", name,
                                !message.empty() ? message
                                : value          ? "is not allowed to be empty"
                                                 : "is not allowed to be unset"));
      }
      return use_value();
    case '#':
    case '%': {
      std::string pattern = out.substr(mark);
      out.resize(mark);
      const bool greedy = !pattern.empty() && pattern.front() == static_cast<char>(operation);
      if (greedy) {
        pattern.erase(0, 1);
      }
      const auto trimmed = operation == '#' ? TrimMatchingPrefix(pattern, value.value_or(std::string_view()), greedy)
                                            : TrimMatchingSuffix(pattern, value.value_or(std::string_view()), greedy);
      if (!trimmed) {
        return Fail(fmt::format("invalid pattern ({}) in substitution: {}", pattern, trimmed.error().message()));
      }
      return Append(*trimmed, out);
    }
    default:
      return Fail(fmt::format("unsupported modifier ({}) in substitution", modifier));
  }
}

bool WordExpander::Replace(std::string_view name, std::string& out) {
  const bool all = Peek() == '/';
  if (all) {
    Next();
  }
  if (words_ != nullptr) {
    words_->buffer.clear();
  }
  std::string pattern;
  std::string replacement;
  if (!UntilStop('/', true, pattern, nullptr)) {
    return Peek() == kEnd && depth_ < kMaxExpansionDepth ? Fail("syntax error: missing '/' in ${}") : false;
  }
  if (!UntilStop('}', true, replacement, nullptr)) {
    return Peek() == kEnd && depth_ < kMaxExpansionDepth ? Fail("syntax error: missing '}'") : false;
  }
  const auto value = Lookup(name);
  if (options_.skip_unset && !value) {
    out.append("${").append(name).append("/").append(pattern).append("/").append(replacement).append("}");
    return true;
  }
  const auto replaced =
      ReplaceMatches(pattern, value.value_or(std::string_view()), replacement, all, kMaxExpandedBytes);
  if (!replaced) {
    return Fail(fmt::format("invalid pattern ({}) in substitution: {}", pattern, replaced.error().message()));
  }
  return Append(*replaced, out);
}

}  // namespace loam::sema
