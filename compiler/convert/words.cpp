#include "compiler/convert/words.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/parse/earthfile.h"

namespace loam::convert {
namespace {

constexpr unsigned kMaxDepth = 16;

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsNamePart(char c) {
  return IsNameStart(c) || (c >= '0' && c <= '9');
}

// Reads a word, and gathers the names of its variables.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // Up to `end` ('\0': the end of the text) outside of quotes.
  bool Read(char end, unsigned depth) {
    char quote = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (quote == 0 && end != 0 && c == end) {
        return true;
      }
      ++at_;
      if (c == '\\' && quote != '\'') {
        // What is behind an escape is no `\+` of its own, and no line's end.
        if (at_ == text_.size() || text_[at_] == '+' || text_[at_] == '\n') {
          return false;
        }
        ++at_;
      } else if (c == '\'' || c == '"') {
        quote = quote == 0 ? c : quote == c ? '\0' : quote;
      } else if (c == '$' && quote != '\'') {
        if (!ReadVariable(depth)) {
          return false;
        }
      } else if (c == '\n' || c == '\r') {
        return false;
      }
    }
    return quote == 0 && end == 0;
  }

  std::vector<std::string> names;

 private:
  bool ReadVariable(unsigned depth) {
    const bool braces = at_ < text_.size() && text_[at_] == '{';
    at_ += braces ? 1 : 0;
    const std::size_t begin = at_;
    while (at_ < text_.size() && (at_ == begin ? IsNameStart(text_[at_]) : IsNamePart(text_[at_]))) {
      ++at_;
    }
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (name.empty() || name == "HOME") {
      return false;
    }
    names.emplace_back(name);
    if (!braces) {
      return true;
    }
    if (at_ < text_.size() && text_[at_] == '}') {
      ++at_;
      return true;
    }
    const std::string_view op = text_.substr(at_, 2);
    if (depth == 0 || (op != ":-" && op != ":+")) {
      return false;
    }
    at_ += 2;
    if (!Read('}', depth - 1)) {
      return false;
    }
    ++at_;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool HasBlankOutsideQuotes(std::string_view word) {
  char quote = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    if (c == '\\' && quote != '\'') {
      ++i;
    } else if (quote != 0 ? c == quote : c == '\'' || c == '"') {
      quote = quote == 0 ? c : '\0';
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool IsPortableWord(std::string_view word) {
  return Reader(word).Read('\0', kMaxDepth);
}

std::vector<std::string> VariablesIn(std::string_view word) {
  Reader reader(word);
  reader.Read('\0', kMaxDepth);
  return std::move(reader.names);
}

std::optional<std::string> OneWord(std::string_view word) {
  if (word.empty()) {
    return "\"\"";
  }
  if (!IsPortableWord(word)) {
    return std::nullopt;
  }
  if (!HasBlankOutsideQuotes(word)) {
    return std::string(word);
  }
  if (word.find_first_of("\"'\\") != std::string_view::npos) {
    return std::nullopt;
  }
  return fmt::format("\"{}\"", word);
}

std::string QuoteLiteral(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,@%=";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  if (text.find_first_of("'\\") == std::string_view::npos) {
    return fmt::format("'{}'", text);
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '$' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + "\"";
}

std::string ExecForm(std::span<const std::string_view> words) {
  std::string out = "[";
  for (const std::string_view word : words) {
    out += out.size() > 1 ? ", \"" : "\"";
    for (const char c : word) {
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
      } else {
        out += c;
      }
    }
    out += '"';
  }
  return out + "]";
}

std::string CollapseBlanks(std::string_view text) {
  std::string out;
  // What is open: quotes, and the parentheses of `$(`.
  std::string open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char inside = open.empty() ? '\0' : open.back();
    if (c == '\\' && inside != '\'' && i + 1 < text.size()) {
      out += c;
      out += text[++i];
      continue;
    }
    if ((c == ' ' || c == '\t') && inside != '"' && inside != '\'') {
      if (!out.empty() && out.back() != ' ') {
        out += ' ';
      }
      continue;
    }
    if (inside == '\'') {
      if (c == '\'') {
        open.pop_back();
      }
    } else if (c == '"') {
      if (inside == '"') {
        open.pop_back();
      } else {
        open += c;
      }
    } else if (c == '\'' && inside != '"') {
      open += c;
    } else if (c == '$' && i + 1 < text.size() && text[i + 1] == '(') {
      out += c;
      ++i;
      open += '(';
    } else if (c == '(' && inside == '(') {
      open += '(';
    } else if (c == ')' && inside == '(') {
      open.pop_back();
    }
    out += text[i];
  }
  while (out.ends_with(' ')) {
    out.pop_back();
  }
  return out;
}

std::vector<std::string> RunLayouts(std::string_view written, std::string_view one_line) {
  std::vector<std::string> out;
  if (written.find('\n') != std::string_view::npos) {
    std::string lines;
    std::string comments;
    for (std::string_view line : Split(written, '\n')) {
      line = TrimSpace(line);
      if (line.starts_with('#') && !lines.empty()) {
        comments += fmt::format("\n        {}", line);
        continue;
      }
      if (line.ends_with('\\')) {
        line = TrimSpace(line.substr(0, line.size() - 1));
      }
      if (!line.empty()) {
        lines += lines.empty() ? std::string(line) : fmt::format(" \\{}\n        {}", comments, line);
        comments.clear();
      }
    }
    out.push_back(std::move(lines));
  }
  out.emplace_back(one_line);
  return out;
}

std::string ReadCommand::Joined() const {
  return Join(words, " ");
}

std::optional<ReadCommand> ReadAsCommand(std::string_view keyword, std::string_view line) {
  source::SourceManager sources;
  const auto buffer = sources.AddText("Earthfile", fmt::format("VERSION 0.8\nt:\n    {} {}\n", keyword, line));
  if (!buffer) {
    return std::nullopt;
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const ast::earthfile::Earthfile file =
      ast::earthfile::BuildEarthfile(parse::ParseEarthfile(**buffer, emitter), emitter);
  if (emitter.has_errors() || file.targets.size() != 1 || file.targets[0].recipe.size() != 1 ||
      !file.base_recipe.empty()) {
    return std::nullopt;
  }
  const ast::earthfile::Statement& statement = file.targets[0].recipe[0];
  if (statement.kind != ast::earthfile::StatementKind::kCommand || statement.command->keyword.text != keyword) {
    return std::nullopt;
  }
  ReadCommand out;
  out.exec_form = statement.command->exec_mode;
  for (const ast::earthfile::Word& word : statement.command->args) {
    out.words.emplace_back(word.text);
  }
  return out;
}

}  // namespace loam::convert
