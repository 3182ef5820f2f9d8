#include <algorithm>

#include "base/strings.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/cursor.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/name_collector.h"

namespace loam::lsp::dockerfile {
namespace {

using ast::InstructionKind;

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class TokenWriter {
 public:
  TokenWriter(const DockerfileAnalysis& analysis, const Text& text, std::vector<SemanticToken>& tokens)
      : analysis_(analysis), text_(text), file_(analysis.file()), tokens_(tokens) {}

  void Directive(const ast::Directive& directive) {
    Add(SpanOf(directive.name.range), TokenType::kProperty);
    const std::string_view between = text_.Of({directive.name.range.end, directive.value.range.begin});
    if (const std::size_t equals = between.find('='); equals != std::string_view::npos) {
      const auto at = static_cast<std::uint32_t>(directive.name.range.end + equals);
      Add({at, at + 1}, TokenType::kOperator);
    }
    Add(SpanOf(directive.value.range), TokenType::kParameter);
  }

  void Comments() {
    for (std::uint32_t line = 0; line < text_.line_count(); ++line) {
      const Span span = text_.LineSpan(line);
      const std::string_view bytes = text_.Of(span);
      const std::size_t first = bytes.find_first_not_of(" \t");
      if (first != std::string_view::npos && bytes[first] == '#') {
        Add({static_cast<std::uint32_t>(span.begin + first), span.end}, TokenType::kComment);
      }
    }
  }

  void Instruction(const ast::Instruction& instruction) {
    const Span header = HeaderSpan(analysis_, instruction);
    view_ = MakeLogicalView(text_.bytes(), header, file_.escape);
    Continuations(header);
    const std::string_view text = view_.text;
    std::size_t at = WordEnd(0);
    kind_ = instruction.kind;
    Put(0, at, TokenType::kKeyword, kind_ == InstructionKind::kMaintainer ? kDeprecated : 0);
    at = SkipBlanks(at);
    if (kind_ == InstructionKind::kOnbuild && at < text.size()) {
      const std::size_t end = WordEnd(at);
      kind_ = KindOfKeyword(text.substr(at, end - at));
      Put(at, end, TokenType::kKeyword);
      at = SkipBlanks(end);
    }
    while (at < text.size() && text.substr(at, 2) == "--") {
      at = SkipBlanks(Flag(at));
    }
    Arguments(at);
    Heredocs(instruction);
  }

 private:
  void Add(Span span, TokenType type, std::uint8_t modifiers = 0) {
    if (span.size() > 0) {
      tokens_.push_back({span, type, modifiers});
    }
  }
  // Of bytes of the view; where a continuation cuts it, each part is a token.
  void Put(std::size_t begin, std::size_t end, TokenType type, std::uint8_t modifiers = 0) {
    while (begin < end) {
      std::size_t stop = begin + 1;
      while (stop < end && view_.offsets[stop] == view_.offsets[stop - 1] + 1) {
        ++stop;
      }
      Add(view_.SpanOf(begin, stop), type, modifiers);
      begin = stop;
    }
  }
  [[nodiscard]] std::size_t SkipBlanks(std::size_t at) const {
    return std::min(view_.text.find_first_not_of(" \t\r\n", at), view_.text.size());
  }
  [[nodiscard]] std::size_t WordEnd(std::size_t at) const {
    return std::min(view_.text.find_first_of(" \t\r\n", at), view_.text.size());
  }

  // The escape characters that continue lines.
  void Continuations(Span header) {
    const std::string_view source = text_.bytes();
    for (std::size_t at = header.begin; at < header.end; ++at) {
      if (source[at] != file_.escape || (at > header.begin && source[at - 1] == file_.escape)) {
        continue;
      }
      if (const std::size_t end = ContinuationEnd(source, at, header.end); end != 0) {
        Add({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + 1)}, TokenType::kMacro);
        at = end - 1;
      }
    }
    // Those behind which the instruction does not go on.
    for (std::size_t at = source.find_first_not_of(" \t", header.end);
         at != std::string_view::npos && source[at] == file_.escape;) {
      const std::size_t end = ContinuationEnd(source, at, source.size());
      if (end == 0) {
        break;
      }
      Add({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + 1)}, TokenType::kMacro);
      at = source.find_first_not_of(" \t", end);
    }
  }

  std::size_t Flag(std::size_t at) {
    const std::size_t end = WordEnd(at);
    const std::size_t equals = std::min(view_.text.find('=', at), end);
    Put(at, equals, TokenType::kParameter);
    if (equals < end) {
      Put(equals, equals + 1, TokenType::kOperator);
      Word(equals + 1, end, TokenType::kProperty);
    }
    return end;
  }

  void Arguments(std::size_t at) {
    if (kind_ == InstructionKind::kFrom) {
      FromArguments(at);
      return;
    }
    const bool json = at < view_.text.size() && view_.text[at] == '[';
    const bool pairs =
        kind_ == InstructionKind::kArg || kind_ == InstructionKind::kEnv || kind_ == InstructionKind::kLabel;
    bool first = true;
    while (at < view_.text.size()) {
      std::size_t end = EndOfWord(at);
      if (json) {
        end = JsonPart(at);
      } else if (pairs) {
        Pair(at, end, first);
      } else if (first && kind_ == InstructionKind::kHealthcheck) {
        Put(at, end, TokenType::kKeyword);
      } else {
        Word(at, end, TokenType::kParameter);
      }
      first = false;
      at = SkipBlanks(end);
    }
  }

  std::size_t JsonPart(std::size_t at) {
    const std::string_view text = view_.text;
    if (text[at] == '[' || text[at] == ']' || text[at] == ',') {
      Put(at, at + 1, TokenType::kOperator);
      return at + 1;
    }
    std::size_t end = at + 1;
    if (text[at] == '"') {
      while (end < text.size() && text[end] != '"') {
        end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
      }
      end = std::min(end + 1, text.size());
      Word(at, end, TokenType::kString);
      return end;
    }
    end = std::min(text.find_first_of(" \t,]\"", at + 1), text.size());
    Word(at, end, TokenType::kParameter);
    return end;
  }

  void Pair(std::size_t at, std::size_t end, bool first) {
    std::size_t key_end = at;
    while (key_end < end && view_.text[key_end] != '=') {
      ++key_end;
    }
    if (key_end < end) {
      Put(at, key_end, kind_ == InstructionKind::kLabel ? TokenType::kProperty : TokenType::kVariable, kDeclaration);
      Put(key_end, key_end + 1, TokenType::kOperator);
      Word(key_end + 1, end, TokenType::kParameter);
    } else if (first) {
      Put(at, end, kind_ == InstructionKind::kLabel ? TokenType::kProperty : TokenType::kVariable, kDeclaration);
    } else {
      Word(at, end, TokenType::kParameter);
    }
  }

  void FromArguments(std::size_t at) {
    int index = 0;
    while (at < view_.text.size()) {
      const std::size_t end = WordEnd(at);
      const std::string_view word = std::string_view(view_.text).substr(at, end - at);
      if (index == 0 && word.find('$') == std::string_view::npos) {
        const std::size_t digest = word.find('@');
        const std::string_view name = word.substr(0, digest);
        const std::size_t slash = name.rfind('/');
        const std::size_t tag = name.find(':', slash == std::string_view::npos ? 0 : slash);
        const std::size_t name_end = std::min(tag, name.size());
        Put(at, at + name_end, TokenType::kClass);
        if (digest != std::string_view::npos) {
          if (tag != std::string_view::npos) {
            Put(at + tag + 1, at + digest, TokenType::kProperty);
          }
          Put(at + digest + 1, end, TokenType::kProperty);
        } else if (tag != std::string_view::npos) {
          Put(at + tag + 1, end, TokenType::kProperty);
        }
      } else if (index == 1 && EqualsIgnoreCase(word, "as")) {
        Put(at, end, TokenType::kKeyword);
      } else if (index == 2) {
        Put(at, end, TokenType::kNamespace, kDefinition);
      } else {
        Word(at, end, index == 0 ? TokenType::kClass : TokenType::kParameter);
      }
      ++index;
      at = SkipBlanks(end);
    }
  }

  // Quotes hold blanks together.
  [[nodiscard]] std::size_t EndOfWord(std::size_t at) const {
    const std::string_view text = view_.text;
    char quote = 0;
    for (; at < text.size(); ++at) {
      const char c = text[at];
      if (c == file_.escape && at + 1 < text.size() && quote != '\'') {
        ++at;
      } else if (quote != 0) {
        quote = c == quote ? '\0' : quote;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        break;
      }
    }
    return at;
  }

  // `$x`, `${x}`; of `${x:-word}` the operator and the quoted parts of the word apart.
  void Variable(std::size_t begin, std::size_t end) {
    const std::string_view text = view_.text;
    std::size_t at = begin + 2;
    while (at < end && IsNameByte(text[at])) {
      ++at;
    }
    if (text[begin + 1] != '{' || at >= end || text[at] != ':') {
      Put(begin, end, TokenType::kVariable);
      return;
    }
    const auto is_quote = [&](std::size_t place) { return text[place] == '"' || text[place] == '\''; };
    Put(begin, at, TokenType::kVariable);
    Put(at, at + 1, TokenType::kOperator);
    ++at;
    if (at < end && text[at] != '}' && !is_quote(at)) {
      Put(at, at + 1, TokenType::kOperator);
      ++at;
    }
    while (at < end) {
      std::size_t stop = at;
      if (is_quote(at)) {
        stop = std::min(text.find(text[at], at + 1), end - 1) + 1;
        Put(at, stop, TokenType::kString);
      } else {
        while (stop < end && !is_quote(stop)) {
          ++stop;
        }
        Put(at, stop, TokenType::kVariable);
      }
      at = stop;
    }
  }

  // A word, its variables and quoted parts.
  void Word(std::size_t begin, std::size_t end, TokenType type) {
    const std::string_view text = view_.text;
    std::size_t from = begin;
    char quote = 0;
    const auto flush = [&](std::size_t to) {
      Put(from, to, quote != 0 ? TokenType::kString : type);
      from = to;
    };
    for (std::size_t at = begin; at < end; ++at) {
      const char c = text[at];
      if (c == file_.escape && at + 1 < end) {
        ++at;
      } else if (c == '$' && at + 1 < end && (IsNameByte(text[at + 1]) || text[at + 1] == '{')) {
        flush(at);
        std::size_t stop = at + 1;
        if (text[stop] == '{') {
          stop = std::min(text.find('}', at), end - 1) + 1;
        } else {
          while (stop < end && IsNameByte(text[stop])) {
            ++stop;
          }
        }
        Variable(at, stop);
        from = stop;
        at = stop - 1;
      } else if (quote == 0 && (c == '"' || c == '\'') && type != TokenType::kString) {
        flush(at);
        quote = c;
      } else if (quote != 0 && c == quote) {
        flush(at + 1);
        quote = 0;
      }
    }
    flush(end);
  }

  void Heredocs(const ast::Instruction& instruction) {
    for (const ast::Heredoc& heredoc : instruction.heredocs) {
      if (heredoc.terminator_range.valid()) {
        Add(SpanOf(heredoc.terminator_range), TokenType::kMacro);
      }
    }
  }

  const DockerfileAnalysis& analysis_;
  const Text& text_;
  const ast::Dockerfile& file_;
  std::vector<SemanticToken>& tokens_;
  LogicalView view_;
  InstructionKind kind_ = InstructionKind::kUnknown;
};

// Comment lines inside of heredocs are text of the heredoc, directives are no comments.
bool Hides(const ast::Dockerfile& file, Span token) {
  for (const ast::Directive& directive : file.directives) {
    if (token.Contains(SpanOf(directive.name.range))) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<SemanticToken> SemanticTokens(const Query& query, Span span) {
  const DockerfileAnalysis& analysis = DockerfileAnalysis::Of(query.document);
  const ast::Dockerfile& file = analysis.file();
  std::vector<SemanticToken> tokens;
  TokenWriter writer(analysis, query.document.text(), tokens);
  writer.Comments();
  std::vector<Span> bodies;
  for (const ast::Instruction* instruction : file.instructions) {
    for (const ast::Heredoc& heredoc : instruction->heredocs) {
      if (heredoc.content_range.valid()) {
        bodies.push_back(SpanOf(heredoc.content_range));
      }
    }
  }
  std::erase_if(tokens, [&](const SemanticToken& token) {
    const auto body = std::upper_bound(bodies.begin(), bodies.end(), token.span.begin,
                                       [](std::uint32_t at, Span b) { return at < b.begin; });
    const bool in_body = body != bodies.begin() && token.span.begin < (body - 1)->end;
    return in_body || Hides(file, token.span);
  });
  for (const ast::Directive& directive : file.directives) {
    writer.Directive(directive);
  }
  for (const ast::Instruction* instruction : file.instructions) {
    if (SpanOf(instruction->range).end >= span.begin && instruction->keyword.range.begin <= span.end) {
      writer.Instruction(*instruction);
    }
  }
  std::stable_sort(tokens.begin(), tokens.end(),
                   [](const SemanticToken& a, const SemanticToken& b) { return a.span.begin < b.span.begin; });
  std::erase_if(tokens,
                [&](const SemanticToken& token) { return token.span.end < span.begin || token.span.begin > span.end; });
  return tokens;
}

}  // namespace loam::lsp::dockerfile
