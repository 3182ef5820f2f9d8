#include "compiler/format/dockerfile.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/strings.h"
#include "compiler/parse/parse.h"
#include "compiler/syntax/tree.h"

namespace loam::format {
namespace {

using syntax::Token;
using syntax::TokenKind;
using syntax::Tree;

constexpr std::string_view kIndent = "    ";

bool IsKnownKeyword(TokenKind kind) {
  return syntax::IsKeyword(kind) && kind != TokenKind::kKeywordUnknown;
}

bool IsInCapitals(TokenKind kind) {
  return IsKnownKeyword(kind) || kind == TokenKind::kAs || kind == TokenKind::kHealthCmd ||
         kind == TokenKind::kHealthNone;
}

std::string_view TrimBlanksRight(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

bool Contains(std::span<const Token> tokens, TokenKind kind) {
  return std::any_of(tokens.begin(), tokens.end(), [&](const Token& token) { return token.kind == kind; });
}

class Formatter {
 public:
  explicit Formatter(const Tree& tree) : tree_(tree) {
    const std::string_view text = tree.buffer().text();
    const std::size_t lf = text.find('\n');
    line_end_ = lf != std::string_view::npos && lf > 0 && text[lf - 1] == '\r' ? "\r\n" : "\n";
  }

  std::string Run() {
    const std::span<const Token> tokens = tree_.tokens;
    for (std::size_t i = 0; i < tokens.size();) {
      std::size_t end = i;
      while (end < tokens.size() && syntax::IsTrivia(tokens[end].kind)) {
        ++end;
      }
      Gap(tokens.subspan(i, end - i), end == tokens.size() ? nullptr : &tokens[end]);
      if (end < tokens.size()) {
        Significant(tokens[end]);
        ++end;
        if (end == tokens.size()) {
          Gap({}, nullptr);
        }
      }
      i = end;
    }
    return std::move(out_);
  }

 private:
  void Verbatim(std::span<const Token> tokens) {
    for (const Token& token : tokens) {
      out_ += tree_.SourceOf(token);
    }
  }

  void Significant(const Token& token) {
    const std::string_view source = tree_.SourceOf(token);
    // A keyword that is continued on the next line, or of a trigger, stays.
    if (IsInCapitals(token.kind) && source == token.text() && !in_trigger_) {
      std::transform(source.begin(), source.end(), std::back_inserter(out_),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    } else {
      out_ += source;
    }
    if (token.kind == TokenKind::kEnd) {
      kept_end_ = in_trigger_;
      outside_ = true;
      in_trigger_ = false;
      return;
    }
    if (syntax::IsKeyword(token.kind)) {
      seen_instruction_ = true;
      in_from_ = token.kind == TokenKind::kKeywordFrom;
    }
    outside_ = false;
    in_directive_ = token.kind == TokenKind::kHash || (in_directive_ && !syntax::IsKeyword(token.kind));
    in_trigger_ = in_trigger_ || last_ == TokenKind::kKeywordOnbuild;
    last_ = token.kind;
  }

  void Gap(std::span<const Token> gap, const Token* next) {
    if (outside_) {
      Between(gap, next);
    } else if (gap.empty() || next == nullptr || next->kind == TokenKind::kEnd || in_directive_ || in_trigger_ ||
               next->kind == TokenKind::kHeredocBody || next->kind == TokenKind::kHeredocEnd ||
               last_ == TokenKind::kKeywordUnknown || next->begin == next->end || Contains(gap, TokenKind::kSkipped)) {
      Verbatim(gap);
    } else if (!Contains(gap, TokenKind::kContinuation)) {
      // The text of a step is its name; that of FROM is none.
      const bool one_blank = in_from_ || IsKnownKeyword(last_) || last_ == TokenKind::kFlag;
      if (one_blank && gap.size() == 1 && gap[0].kind == TokenKind::kBlank) {
        out_ += ' ';
      } else {
        Verbatim(gap);
      }
    } else {
      out_ += ' ';
      out_ += tree_.escape;
      out_ += line_end_;
      for (const Token& token : gap) {
        if (token.kind == TokenKind::kComment) {
          out_ += kIndent;
          out_ += TrimBlanksRight(tree_.SourceOf(token));
          out_ += line_end_;
        }
      }
      out_ += kIndent;
    }
  }

  // Lines between instructions.
  void Between(std::span<const Token> gap, const Token* next) {
    // What ends in a continuation has lines without meaning behind it.
    if (kept_end_ || Contains(gap, TokenKind::kContinuation) || Contains(gap, TokenKind::kSkipped)) {
      Verbatim(gap);
      kept_end_ = false;
      return;
    }
    if (!gap.empty() && gap.front().kind == TokenKind::kBom) {
      out_ += tree_.SourceOf(gap.front());
      gap = gap.subspan(1);
    }
    bool at_start = out_.empty() || out_ == "\xEF\xBB\xBF";
    int line_ends = 0;
    std::string_view indent;
    const auto begin_line = [&](bool is_comment) {
      if (at_start) {
        // Behind a blank line a comment is no parser directive: one stays.
        out_ += line_ends > 0 && is_comment ? line_end_ : "";
      } else {
        for (int i = 0; i < std::min(line_ends, 2); ++i) {
          out_ += line_end_;
        }
      }
      at_start = false;
      line_ends = 0;
    };
    for (const Token& token : gap) {
      switch (token.kind) {
        case TokenKind::kBlank:
          indent = tree_.SourceOf(token);
          break;
        case TokenKind::kLineEnd:
          ++line_ends;
          indent = {};
          break;
        default:  // a comment
          begin_line(true);
          // An indented comment in front of the first instruction is not read as a parser directive by everyone.
          out_ += seen_instruction_ ? std::string_view() : indent;
          out_ += TrimBlanksRight(tree_.SourceOf(token));
          indent = {};
      }
    }
    if (next != nullptr) {
      begin_line(next->kind == TokenKind::kHash);
      out_ += next->kind == TokenKind::kHash ? indent : std::string_view();
    } else if (!at_start) {
      out_ += line_end_;
    }
  }

  const Tree& tree_;
  std::string_view line_end_;
  std::string out_;
  TokenKind last_ = TokenKind::kEnd;
  bool outside_ = true;
  bool kept_end_ = false;
  bool in_directive_ = false;
  bool in_from_ = false;
  bool in_trigger_ = false;
  bool seen_instruction_ = false;
};

struct Meaning {
  std::vector<std::pair<TokenKind, std::string_view>> tokens;
  std::vector<std::string_view> comments;

  explicit Meaning(const Tree& tree) {
    for (const Token& token : tree.tokens) {
      if (token.kind == TokenKind::kComment) {
        comments.push_back(TrimBlanksRight(tree.SourceOf(token)));
      } else if (!syntax::IsTrivia(token.kind)) {
        tokens.emplace_back(token.kind, IsInCapitals(token.kind) ? std::string_view() : token.text());
      }
    }
  }
  friend bool operator==(const Meaning&, const Meaning&) = default;
};

}  // namespace

Result<std::string> FormatDockerfile(const source::Buffer& buffer, diag::Emitter& emitter) {
  diag::CollectingConsumer consumer;
  diag::Emitter quiet(consumer);
  const parse::ParseResult before = parse::ParseDockerfile(buffer, emitter);
  if (emitter.has_errors()) {
    return Unexpected(Error(ErrorCode::kFailedPrecondition, "`" + buffer.name() + "` has syntax errors")
                          .WithHint("correct them first: only a file that parses is formatted"));
  }
  std::string text = Formatter(*before.tree).Run();
  source::SourceManager sources;
  const source::Buffer* formatted = LOAM_TRY(sources.AddText(buffer.name(), text));
  const parse::ParseResult after = parse::ParseDockerfile(*formatted, quiet);
  if (quiet.has_errors() || Meaning(*before.tree) != Meaning(*after.tree)) {
    return Unexpected(ErrorCode::kInternal, "formatting `" + buffer.name() + "` would change what it means");
  }
  return text;
}

}  // namespace loam::format
