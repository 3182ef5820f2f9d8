#include <algorithm>

#include "compiler/sema/earthfile/builtin_args.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"

namespace loam::lsp::earthfile {
namespace {

using syntax::earthfile::Token;
using syntax::earthfile::TokenKind;

class Colorer {
 public:
  Colorer(const Query& query, Span span)
      : text_(query.document.text().bytes()), analysis_(EarthfileAnalysis::Of(query.document)), span_(span) {}

  std::vector<SemanticToken> Run() {
    ReadNames();
    TokenKind keyword = TokenKind::kEnd;
    bool only_flags = true;
    for (const Token& token : analysis_.file().tree->tokens) {
      const Span place{token.begin, token.end};
      if (token.kind == TokenKind::kEnd) {
        only_flags = true;
      }
      if (place.end < span_.begin || place.begin > span_.end || place.size() == 0) {
        if (syntax::earthfile::IsKeyword(token.kind)) {
          keyword = token.kind;
        }
        continue;
      }
      switch (token.kind) {
        case TokenKind::kComment:
          Comment(place);
          break;
        case TokenKind::kBlank:
          Continuation(place);
          break;
        case TokenKind::kTargetName:
          Put({place.begin, place.end - 1}, TokenType::kFunction, kDefinition);
          break;
        case TokenKind::kFunctionName:
          Put({place.begin, place.end - 1}, TokenType::kMacro, kDefinition);
          break;
        case TokenKind::kEquals:
          Put(place, TokenType::kOperator, 0);
          break;
        case TokenKind::kWord:
          only_flags = only_flags && text_[token.begin] == '-';
          Word(place, keyword, only_flags);
          break;
        default:
          if (syntax::earthfile::IsKeyword(token.kind)) {
            keyword = token.kind;
            only_flags = true;
            Put(place, TokenType::kKeyword, token.kind == TokenKind::kKeywordCommand ? kDeprecated : 0);
          }
      }
    }
    std::sort(out_.begin(), out_.end(),
              [](const SemanticToken& a, const SemanticToken& b) { return a.span.begin < b.span.begin; });
    return std::move(out_);
  }

 private:
  void Put(Span span, TokenType type, std::uint8_t modifiers) {
    if (span.end > span.begin && span.end >= span_.begin && span.begin <= span_.end) {
      out_.push_back({span, type, modifiers});
    }
  }

  // Parts of words that are known for something, in the order of the text.
  void ReadNames() {
    const auto& symbols = analysis_.symbols();
    const auto name = [&](source::SourceRange range, TokenType type, std::uint8_t modifiers = 0) {
      if (range.valid() && range.size() > 0) {
        names_.push_back({SpanOf(range), type, modifiers});
      }
    };
    for (const auto& use : symbols.references) {
      name(use.project, TokenType::kNamespace);
      const bool function = use.kind == sema::earthfile::ReferenceKind::kDo;
      name(use.name, function ? TokenType::kMacro : TokenType::kFunction);
      name(use.artifact, TokenType::kString);
      for (const auto& argument : use.arguments) {
        name(argument.name_range, TokenType::kParameter);
      }
    }
    for (const auto& variable : symbols.variables) {
      name(variable.name_range, TokenType::kVariable, kDeclaration);
    }
    for (const auto& use : symbols.uses) {
      name(use.range, TokenType::kVariable, sema::earthfile::IsBuiltinArg(use.name) ? kReadonly : 0);
    }
    for (const auto& import : symbols.imports) {
      if (import.has_as) {
        name(import.alias_range, TokenType::kNamespace, kDeclaration);
      }
    }
    std::stable_sort(names_.begin(), names_.end(), [](const SemanticToken& a, const SemanticToken& b) {
      return a.span.begin != b.span.begin ? a.span.begin < b.span.begin : a.span.end < b.span.end;
    });
  }

  void Comment(Span place) {
    while (place.begin < place.end && text_[place.begin] != '#') {
      ++place.begin;
    }
    Put(place, TokenType::kComment, 0);
  }

  // Comments between the lines of a command.
  void Continuation(Span place) {
    for (std::uint32_t at = place.begin; at < place.end; ++at) {
      if (text_[at] == '#') {
        std::uint32_t end = at;
        while (end < place.end && text_[end] != '\n' && text_[end] != '\r') {
          ++end;
        }
        Put({at, end}, TokenType::kComment, 0);
        at = end;
      }
    }
  }

  void Word(Span place, TokenKind keyword, bool is_flag) {
    const std::string_view word = text_.substr(place.begin, place.size());
    if (word == "AS" || word == "LOCAL" || (word == "IN" && keyword == TokenKind::kKeywordFor)) {
      Put(place, TokenType::kKeyword, 0);
      return;
    }
    // What is not part of a name.
    TokenType rest = TokenType::kString;
    std::uint32_t at = place.begin;
    if (is_flag && word.starts_with("--")) {
      const std::size_t equals = word.find('=');
      const std::uint32_t end =
          equals == std::string_view::npos ? place.end : place.begin + static_cast<std::uint32_t>(equals);
      Put({at, end}, TokenType::kParameter, 0);
      at = end;
      if (at < place.end) {
        Put({at, at + 1}, TokenType::kOperator, 0);
        ++at;
      }
    } else if (IsNumber(word)) {
      rest = TokenType::kNumber;
    } else if (IsOperator(word)) {
      rest = TokenType::kOperator;
    }
    auto name = std::lower_bound(names_.begin(), names_.end(), at, [](const SemanticToken& each, std::uint32_t offset) {
      return each.span.begin < offset;
    });
    for (; name != names_.end() && name->span.begin < place.end; ++name) {
      if (name->span.begin < at || name->span.end > place.end) {
        continue;
      }
      Put({at, name->span.begin}, rest, 0);
      Put(name->span, name->type, name->modifiers);
      at = name->span.end;
    }
    Put({at, place.end}, rest, 0);
  }

  static bool IsNumber(std::string_view word) {
    return !word.empty() && word.find_first_not_of("0123456789.") == std::string_view::npos;
  }
  static bool IsOperator(std::string_view word) {
    return word == "&&" || word == "||" || word == "|" || word == ";" || word == ">" || word == ">>" || word == "<" ||
           word == "&";
  }

  std::string_view text_;
  const EarthfileAnalysis& analysis_;
  Span span_;
  std::vector<SemanticToken> names_;
  std::vector<SemanticToken> out_;
};

}  // namespace

std::vector<SemanticToken> SemanticTokens(const Query& query, Span span) {
  return Colorer(query, span).Run();
}

}  // namespace loam::lsp::earthfile
