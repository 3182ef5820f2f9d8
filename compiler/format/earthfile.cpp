#include "compiler/format/earthfile.h"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/ast/earthfile/print.h"
#include "compiler/format/continued_lines.h"
#include "compiler/parse/earthfile.h"

namespace loam::format {
namespace {

using syntax::earthfile::Token;
using syntax::earthfile::TokenKind;
using syntax::earthfile::Tree;

constexpr int kIndent = 4;

bool IsHeader(TokenKind kind) {
  return kind == TokenKind::kTargetName || kind == TokenKind::kFunctionName;
}
bool OpensBlock(TokenKind kind) {
  return kind == TokenKind::kKeywordIf || kind == TokenKind::kKeywordFor || kind == TokenKind::kKeywordTry ||
         kind == TokenKind::kKeywordWait || kind == TokenKind::kKeywordWith;
}
bool IsClause(TokenKind kind) {
  return kind == TokenKind::kKeywordElseIf || kind == TokenKind::kKeywordElse || kind == TokenKind::kKeywordCatch ||
         kind == TokenKind::kKeywordFinally;
}
// Their words are shell text: blanks in front of a backslash may be there for the eye.
bool TakesShellText(TokenKind kind) {
  return kind == TokenKind::kKeywordRun || kind == TokenKind::kKeywordIf || kind == TokenKind::kKeywordElseIf ||
         kind == TokenKind::kKeywordFor || kind == TokenKind::kKeywordCmd || kind == TokenKind::kKeywordEntrypoint ||
         kind == TokenKind::kKeywordHealthcheck;
}
bool TakesValue(TokenKind kind) {
  return kind == TokenKind::kKeywordEnv || kind == TokenKind::kKeywordArg || kind == TokenKind::kKeywordSet ||
         kind == TokenKind::kKeywordLet || kind == TokenKind::kKeywordLabel;
}

// One line, or several by continuations: a header or statement, or a comment that stands alone.
struct Line {
  std::span<const Token> tokens;  // from the first to the last with bytes; a comment: itself
  bool is_comment = false;
  bool in_recipe = false;    // level of the recipe, by Indent and Dedent
  bool attached = false;     // nothing between this line and the one above: no blank line, no change of level
  std::uint32_t blanks = 0;  // blank lines above
  int column = 0;            // as written
  [[nodiscard]] TokenKind kind() const { return tokens.front().kind; }
};

class Formatter {
 public:
  explicit Formatter(const Tree& tree) : tree_(tree) {
    const std::string_view text = tree.buffer().text();
    const std::size_t lf = text.find('\n');
    line_end_ = lf != std::string_view::npos && lf > 0 && text[lf - 1] == '\r' ? "\r\n" : "\n";
  }

  std::string Run() {
    ReadLines();
    FindOwnersOfComments();
    bool in_recipe = false;  // behind a header
    int depth = 0;           // of blocks
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const Line& line = lines_[i];
      const TokenKind kind = line.kind();
      if (IsHeader(kind)) {
        in_recipe = true;
        depth = 0;
      }
      depth -= kind == TokenKind::kKeywordEnd && depth > 0 ? 1 : 0;
      const int body = (in_recipe ? kIndent : 0) + depth * kIndent;
      int indent = body;
      if (IsHeader(kind)) {
        indent = 0;
      } else if (IsClause(kind)) {
        indent = std::max(body - kIndent, 0);
      } else if (line.is_comment) {
        indent = IndentOfComment(i, body);
      }
      Between(i);
      out_.append(static_cast<std::size_t>(indent), ' ');
      if (line.is_comment) {
        out_ += TrimBlanks(tree_.SourceOf(line.tokens.front()));
      } else {
        Statement(line, indent);
        TrimEnd();
      }
      out_ += line_end_;
      depth += OpensBlock(kind) ? 1 : 0;
    }
    return std::move(out_);
  }

 private:
  // --- reading
  // --------------------------------------------------------------------------------------------------------

  void ReadLines() {
    const std::span<const Token> tokens = tree_.tokens;
    bool level = false;
    bool attached = false;
    std::uint32_t blanks = 0;
    int column = 0;
    for (std::size_t i = 0; i < tokens.size();) {
      const Token& token = tokens[i];
      switch (token.kind) {
        case TokenKind::kIndent:
        case TokenKind::kDedent:
          level = token.kind == TokenKind::kIndent;
          attached = false;
          ++i;
          continue;
        case TokenKind::kBlank:
        case TokenKind::kValueBlank:
          column = WidthOf(tree_.SourceOf(token));
          ++i;
          continue;
        case TokenKind::kLineEnd:
          // The line end of a line was taken with it.
          ++blanks;
          attached = false;
          column = 0;
          ++i;
          continue;
        case TokenKind::kCommentEnd:
        case TokenKind::kEnd:
          column = 0;
          ++i;
          continue;
        case TokenKind::kComment: {
          const std::string_view text = tree_.SourceOf(token);
          const int width = WidthOf(text.substr(0, text.find('#')));
          lines_.push_back({tokens.subspan(i, 1), true, level, attached, blanks, width});
          ++i;
          blanks = 0;
          attached = true;
          // Its line end: a CommentEnd, or where the lexer only looked at it, a LineEnd.
          if (i < tokens.size() && tokens[i].kind == TokenKind::kLineEnd) {
            ++i;
          }
          continue;
        }
        default:
          break;
      }
      std::size_t end = i;
      std::size_t last = i;
      while (end < tokens.size() && tokens[end].kind != TokenKind::kEnd) {
        if (tokens[end].begin != tokens[end].end) {
          last = end;
        }
        ++end;
      }
      lines_.push_back({tokens.subspan(i, last + 1 - i), false, level, attached, blanks, column});
      blanks = 0;
      column = 0;
      attached = false;
      i = end;
      while (i < tokens.size() && tokens[i].kind == TokenKind::kEnd) {
        ++i;
      }
      if (i < tokens.size() && tokens[i].kind == TokenKind::kLineEnd) {
        ++i;
      }
    }
  }

  // owner_[i]: the first line from `i` on that is no comment.
  void FindOwnersOfComments() {
    owner_.assign(lines_.size(), std::nullopt);
    std::optional<std::size_t> next;
    for (std::size_t i = lines_.size(); i-- > 0;) {
      if (!lines_[i].is_comment) {
        next = i;
      }
      owner_[i] = next;
    }
  }

  // The comment at `i` and all lines up to the next one that is none are attached to it.
  [[nodiscard]] bool BelongsToHeader(std::size_t i) const {
    if (!owner_[i] || !IsHeader(lines_[*owner_[i]].kind())) {
      return false;
    }
    for (std::size_t next = i + 1; next <= *owner_[i]; ++next) {
      if (!lines_[next].attached) {
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] int IndentOfComment(std::size_t i, int body) const {
    const Line& line = lines_[i];
    if (!owner_[i] || IsHeader(lines_[*owner_[i]].kind())) {
      // At the end of a recipe it stays on its side.
      return BelongsToHeader(i) || line.column == 0 ? 0 : body;
    }
    const Line& owner = lines_[*owner_[i]];
    if (IsClause(owner.kind()) || owner.kind() == TokenKind::kKeywordEnd) {
      // It may speak of the clause or of what stands above.
      return line.column == owner.column ? std::max(body - kIndent, 0) : body;
    }
    // In front of the first line of a recipe: if it is not indented, the recipe begins behind it.
    return owner.in_recipe && !line.in_recipe && line.column == 0 ? 0 : body;
  }

  // --- writing
  // --------------------------------------------------------------------------------------------------------

  void Between(std::size_t i) {
    if (i == 0) {
      return;
    }
    const Line& line = lines_[i];
    const Line& above = lines_[i - 1];
    const bool begins_target = (IsHeader(line.kind()) || (line.is_comment && BelongsToHeader(i))) &&
                               !(above.is_comment && line.attached && BelongsToHeader(i - 1));
    if (begins_target) {
      out_ += line_end_;
      return;
    }
    const bool at_edge =
        (!above.is_comment && (IsHeader(above.kind()) || OpensBlock(above.kind()) || IsClause(above.kind()))) ||
        IsClause(line.kind()) || line.kind() == TokenKind::kKeywordEnd;
    if (line.blanks > 0 && !at_edge) {
      out_ += line_end_;
    }
  }

  void Statement(const Line& line, int indent) {
    const TokenKind keyword = line.kind();
    const ContinuedLines layout(LeastIndent(line), indent + kIndent, line_end_, TakesShellText(keyword));
    bool only_flags = true;  // nothing but the keyword and flags so far
    bool in_value = false;
    for (std::size_t i = 0; i < line.tokens.size(); ++i) {
      const Token& token = line.tokens[i];
      const std::string_view source = tree_.SourceOf(token);
      switch (token.kind) {
        case TokenKind::kBlank:
          if (IsContinued(source)) {
            out_ += layout.Gap(source);
          } else if (only_flags) {
            out_ += ' ';
          } else {
            out_ += source;
          }
          break;
        case TokenKind::kComment:
          out_ += TrimBlanksRight(source);
          break;
        case TokenKind::kWord:
          only_flags = only_flags && source.starts_with("-");
          out_ += in_value || TakesValue(keyword) ? std::string(source) : layout.Word(source);
          break;
        case TokenKind::kEquals:
          in_value = true;
          only_flags = false;
          out_ += source;
          break;
        default:
          out_ += source;
      }
    }
  }

  // A continuation at the file's end has nothing behind it.
  void TrimEnd() {
    while (!out_.empty() && (out_.back() == ' ' || out_.back() == '\t' || out_.back() == '\n' || out_.back() == '\r')) {
      out_.pop_back();
    }
  }

  // Of the lines that continue the statement; nullopt if it is on one line.
  [[nodiscard]] std::optional<int> LeastIndent(const Line& line) const {
    std::optional<int> least;
    const bool has_value = TakesValue(line.kind());
    for (std::size_t i = 0; i < line.tokens.size(); ++i) {
      const Token& token = line.tokens[i];
      if (token.kind != TokenKind::kBlank && (token.kind != TokenKind::kWord || has_value)) {
        continue;
      }
      if (const auto indent = ContinuedIndent(tree_.SourceOf(token)); indent && (!least || *indent < *least)) {
        least = indent;
      }
    }
    return least;
  }

  const Tree& tree_;
  std::string_view line_end_;
  std::vector<Line> lines_;
  std::vector<std::optional<std::size_t>> owner_;
  std::string out_;
};

// What must stay: the typed tree and the comments.
struct Meaning {
  std::string tree;
  std::vector<std::string> comments;
  friend bool operator==(const Meaning&, const Meaning&) = default;
};

Meaning MeaningOf(const std::shared_ptr<Tree>& tree, diag::Emitter& emitter) {
  Meaning meaning;
  const ast::earthfile::Earthfile file = ast::earthfile::BuildEarthfile(tree, emitter);
  meaning.tree = ast::earthfile::PrintJson(file, tree->buffer());
  for (const Token& token : tree->tokens) {
    if (token.kind == TokenKind::kComment) {
      meaning.comments.emplace_back(TrimBlanks(tree->SourceOf(token)));
    } else if (token.kind == TokenKind::kBlank || token.kind == TokenKind::kWord) {
      AppendContinuedComments(tree->SourceOf(token), meaning.comments);
    }
  }
  return meaning;
}

}  // namespace

Result<std::string> FormatEarthfile(const source::Buffer& buffer, diag::Emitter& emitter) {
  diag::CollectingConsumer found;
  diag::Emitter parse_emitter(found);
  const std::shared_ptr<Tree> before = parse::ParseEarthfile(buffer, parse_emitter);
  bool lost = false;
  for (diag::Diagnostic& diagnostic : found.Take()) {
    lost = lost || diagnostic.kind == diag::Kind::kEarthLostText;
    diag::Emitter::Builder(emitter, std::move(diagnostic));
  }
  const Meaning wanted = MeaningOf(before, emitter);
  if (emitter.has_errors()) {
    return Unexpected(Error(ErrorCode::kFailedPrecondition, "`" + buffer.name() + "` has syntax errors")
                          .WithHint("correct them first: only a file that parses is formatted"));
  }
  if (lost) {
    return Unexpected(Error(ErrorCode::kFailedPrecondition, "the end of `" + buffer.name() + "` is not read")
                          .WithHint("end its last line with a line feed, or remove it"));
  }
  std::string text = Formatter(*before).Run();
  source::SourceManager sources;
  const source::Buffer* formatted = LOAM_TRY(sources.AddText(buffer.name(), text));
  diag::CollectingConsumer consumer;
  diag::Emitter quiet(consumer);
  const Meaning got = MeaningOf(parse::ParseEarthfile(*formatted, quiet), quiet);
  if (quiet.has_errors() || wanted != got) {
    return Unexpected(ErrorCode::kInternal, "formatting `" + buffer.name() + "` would change what it means");
  }
  return text;
}

}  // namespace loam::format
