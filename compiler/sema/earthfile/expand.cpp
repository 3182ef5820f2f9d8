#include "compiler/sema/earthfile/expand.h"

#include <fmt/format.h>

#include "compiler/sema/dockerfile/word_expander.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsNameChar(char c) {
  return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}
bool IsSpecialParameter(char c) {
  return std::string_view("@*#?-$!0").find(c) != std::string_view::npos;
}

bool ReplacesInShell(std::string_view name) {
  return name == "HOME" || name == "PATH";
}

// Reads a word once, from left to right. The first mistake ends it.
class Expander {
 public:
  Expander(std::string_view word, source::SourceRange range, const VariableLookup* variables,
           const ExpandOptions* options)
      : word_(word), whole_(word), range_(range), variables_(variables), options_(options) {}

  Checked<std::string> Run() {
    std::string out;
    LOAM_TRY(Until('\0', out));
    return out;
  }

 private:
  [[nodiscard]] bool AtEnd() const { return pos_ >= word_.size(); }
  [[nodiscard]] char Peek() const { return word_[pos_]; }

  // Adds what a variable or a command gave.
  Checked<> Append(std::string_view value, std::string& out) const {
    if (out.size() + value.size() > kMaxExpandedBytes) {
      return Wrong(fmt::format("it gets longer than {} MiB", kMaxExpandedBytes >> 20U));
    }
    out += value;
    return {};
  }

  Failure Wrong(std::string_view why) const { return Fail<Kind::kEarthBadWord>(range_, whole_, why); }

  // Up to `stop`, which is consumed; '\0' is the end of the word.
  Checked<> Until(char stop, std::string& out) {
    if (++depth_ > kMaxWordDepth) {
      return Wrong("it is nested too deep");
    }
    while (!AtEnd()) {
      const char c = Peek();
      if (stop != '\0' && c == stop) {
        ++pos_;
        --depth_;
        return {};
      }
      switch (c) {
        case '\'':
          LOAM_TRY(SingleQuoted(out, false));
          break;
        case '"':
          LOAM_TRY(DoubleQuoted(out));
          break;
        case '$':
          LOAM_TRY(Dollar(out));
          break;
        case '\\':
          ++pos_;
          if (!AtEnd()) {
            out += word_[pos_++];
          }
          break;
        default:
          out += c;
          ++pos_;
          break;
      }
    }
    if (stop != '\0') {
      return Wrong(fmt::format("`{}` is missing", stop));
    }
    --depth_;
    return {};
  }

  Checked<> SingleQuoted(std::string& out, bool raw) {
    const std::size_t end = word_.find('\'', pos_ + 1);
    if (end == std::string_view::npos) {
      return Wrong("a single quote is not closed");
    }
    out += raw ? word_.substr(pos_, end + 1 - pos_) : word_.substr(pos_ + 1, end - pos_ - 1);
    pos_ = end + 1;
    return {};
  }

  Checked<> DoubleQuoted(std::string& out) {
    ++pos_;
    while (!AtEnd()) {
      const char c = Peek();
      if (c == '"') {
        ++pos_;
        return {};
      }
      if (c == '$') {
        LOAM_TRY(Dollar(out));
        continue;
      }
      ++pos_;
      if (c != '\\') {
        out += c;
      } else if (!AtEnd()) {
        const char next = Peek();
        if (next == '"' || next == '$' || next == '\\') {
          out += next;
          ++pos_;
        } else {
          out += '\\';
        }
      }
    }
    return Wrong("a double quote is not closed");
  }

  Checked<> Dollar(std::string& out) {
    ++pos_;
    if (!AtEnd() && Peek() == '(') {
      ++pos_;
      return Command(out);
    }
    if (!AtEnd() && Peek() == '{') {
      ++pos_;
      return Braces(out);
    }
    const std::string_view name = Name();
    if (name.empty()) {
      out += '$';
      return {};
    }
    const auto value = LOAM_TRY(ValueOf(name));
    return Append(value.value_or(""), out);
  }

  // The text up to the matching parenthesis: quotes stay, a backslash outside of them takes the next character as it
  // is.
  Checked<> Command(std::string& out) {
    std::string command;
    std::size_t open = 1;
    while (!AtEnd()) {
      const char c = Peek();
      if (c == '\\') {
        ++pos_;
        if (!AtEnd()) {
          command += word_[pos_++];
        }
        continue;
      }
      if (c == '\'') {
        LOAM_TRY(SingleQuoted(command, true));
        continue;
      }
      if (c == '"') {
        LOAM_TRY(QuotedInCommand(command));
        continue;
      }
      ++pos_;
      if (c == '(') {
        ++open;
      } else if (c == ')' && --open == 0) {
        return Append(LOAM_TRY(RunCommand(command)), out);
      }
      command += c;
    }
    return Wrong("`)` is missing");
  }

  Checked<> QuotedInCommand(std::string& command) {
    const std::size_t begin = pos_++;
    while (!AtEnd()) {
      const char c = word_[pos_++];
      if (c == '"') {
        command += word_.substr(begin, pos_ - begin);
        return {};
      }
      if (c == '\\' && !AtEnd() && (Peek() == '"' || Peek() == '$' || Peek() == '\\')) {
        ++pos_;
      }
    }
    return Wrong("a double quote is not closed");
  }

  Checked<std::string> RunCommand(const std::string& command) {
    if (!options_->shell_out) {
      return Fail<Kind::kEarthShellOutNotAllowed>(range_, command);
    }
    std::string output = LOAM_TRY(options_->shell_out(command));
    if (output.ends_with('\n')) {
      output.pop_back();
    }
    return output;
  }

  Checked<> Braces(std::string& out) {
    if (AtEnd()) {
      return Wrong("`}` is missing");
    }
    if (Peek() == '{' || Peek() == '}' || Peek() == ':') {
      return Wrong("`${` is followed by no name");
    }
    const std::string_view name = Name();
    if (AtEnd()) {
      return Wrong("`}` is missing");
    }
    const char operation = word_[pos_++];
    if (operation == '}') {
      const auto value = LOAM_TRY(ValueOf(name));
      return Append(value.value_or(""), out);
    }
    if (operation != ':' && operation != '?' && operation != '%' && operation != '#') {
      return Wrong(fmt::format("`{}` after `${{{}` is no operation", operation, name));
    }
    char modifier = operation;
    if (operation == ':') {
      if (AtEnd()) {
        return Wrong("`}` is missing");
      }
      modifier = word_[pos_++];
      if (modifier != '-' && modifier != '+' && modifier != '?') {
        return Wrong(fmt::format("`:{}` is no operation, `:-`, `:+` and `:?` are", modifier));
      }
    }
    std::string operand;
    LOAM_TRY(Until('}', operand));
    const std::optional<std::string> value = LOAM_TRY(ValueOf(name));
    switch (modifier) {
      case '-':
        return Append(!value || value->empty() ? operand : *value, out);
      case '+':
        return Append(!value || value->empty() ? "" : operand, out);
      case '?':
        if ((!value || (operation == ':' && value->empty()))) {
          return Wrong(fmt::format("{}: {}", name,
                                   !operand.empty() ? operand
                                   : value          ? "is not allowed to be empty"
                                                    : "is not allowed to be unset"));
        }
        return Append(value.value_or(""), out);
      case '%': {
        std::string_view text = value ? std::string_view(*value) : std::string_view();
        if (text.ends_with(operand)) {
          text.remove_suffix(operand.size());
        }
        return Append(text, out);
      }
      case '#': {
        std::string_view text = value ? std::string_view(*value) : std::string_view();
        if (text.starts_with(operand)) {
          text.remove_prefix(operand.size());
        }
        return Append(text, out);
      }
      default:
        break;
    }
    return {};
  }

  std::string_view Name() {
    const std::size_t begin = pos_;
    if (!AtEnd() && IsDigit(Peek())) {
      while (!AtEnd() && IsDigit(Peek())) {
        ++pos_;
      }
    } else if (!AtEnd() && IsSpecialParameter(Peek())) {
      ++pos_;
    } else {
      while (!AtEnd() && IsNameChar(Peek())) {
        ++pos_;
      }
    }
    return word_.substr(begin, pos_ - begin);
  }

  Checked<std::optional<std::string>> ValueOf(std::string_view name) {
    if (options_->names_read != nullptr) {
      options_->names_read->emplace(name);
    }
    if (const auto value = (*variables_)(name)) {
      return std::optional<std::string>(*value);
    }
    if (ReplacesInShell(name) && options_->shell_out) {
      return std::optional<std::string>(LOAM_TRY(RunCommand(fmt::format("echo ${}", name))));
    }
    return std::optional<std::string>();
  }

  std::string_view word_;
  std::string_view whole_;
  source::SourceRange range_;
  const VariableLookup* variables_;
  const ExpandOptions* options_;
  std::size_t pos_ = 0;
  int depth_ = 0;
};

std::string EscapeBackslashPlus(std::string_view word) {
  std::string result;
  result.reserve(word.size() + 8);
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\\' && i + 1 < word.size() && word[i + 1] == '+') {
      result += '\\';
    }
    result += word[i];
  }
  return result;
}

std::string PlusAsAsked(std::string text, bool keep) {
  if (keep || text.find("\\+") == std::string::npos) {
    return text;
  }
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '+') {
      continue;
    }
    result += text[i];
  }
  return result;
}

class LookupAsVariables : public sema::Variables {
 public:
  LookupAsVariables(const VariableLookup& lookup, NameSet* names_read) : lookup_(&lookup), names_read_(names_read) {}
  [[nodiscard]] std::optional<std::string_view> Find(std::string_view name) const override {
    if (names_read_ != nullptr) {
      names_read_->emplace(name);
    }
    return (*lookup_)(name);
  }

 private:
  const VariableLookup* lookup_;
  NameSet* names_read_;
};

}  // namespace

Checked<std::string> ExpandWord(std::string_view word, source::SourceRange range, const VariableLookup& variables,
                                const ExpandOptions& options) {
  if (IsLiteral(word)) {
    return PlusAsAsked(std::string(word), options.keep_plus_escapes);
  }
  const std::string escaped = EscapeBackslashPlus(word);
  if (options.old_rules) {
    const LookupAsVariables adapter(variables, options.names_read);
    const sema::ExpansionOptions plain;
    sema::WordExpander expander(adapter, plain);
    std::string out;
    if (!expander.Expand(escaped, out)) {
      out = escaped;
    }
    return PlusAsAsked(std::move(out), options.keep_plus_escapes);
  }
  std::string out = LOAM_TRY(Expander(escaped, range, &variables, &options).Run());
  return PlusAsAsked(std::move(out), options.keep_plus_escapes);
}

bool IsLiteral(std::string_view word) {
  return word.find_first_of("$\"'\\") == std::string_view::npos;
}

bool MayShellOut(std::string_view word) {
  if (word.find('$') == std::string_view::npos) {
    return false;
  }
  bool needed = false;
  ExpandOptions options;
  options.shell_out = [&](std::string_view) -> Checked<std::string> {
    needed = true;
    return std::string();
  };
  return !ExpandWord(
             word, {}, [](std::string_view) { return std::nullopt; }, options) ||
         needed;
}

NameSet NamesIn(std::string_view word) {
  NameSet names;
  ExpandOptions options;
  options.names_read = &names;
  options.shell_out = [](std::string_view) -> Checked<std::string> { return std::string(); };
  // A value for every name, so that `:?` is no mistake.
  static_cast<void>(ExpandWord(
      word, {}, [](std::string_view) { return std::optional<std::string_view>("x"); }, options));
  return names;
}

std::vector<std::string> ShellOutsIn(std::string_view word) {
  std::vector<std::string> commands;
  ExpandOptions options;
  options.shell_out = [&](std::string_view command) -> Checked<std::string> {
    commands.emplace_back(command);
    return std::string();
  };
  static_cast<void>(ExpandWord(
      word, {}, [](std::string_view) { return std::optional<std::string_view>("x"); }, options));
  return commands;
}

}  // namespace loam::sema::earthfile
