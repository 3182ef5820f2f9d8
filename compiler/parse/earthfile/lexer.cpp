#include "compiler/parse/earthfile/lexer.h"

#include <optional>
#include <string>

#include "base/strings.h"
#include "compiler/parse/earthfile.h"
#include "compiler/parse/earthfile/keywords.h"
#include "compiler/parse/earthfile/word_matcher.h"

namespace loam::parse::earthfile {

namespace {

using diag::Kind;
using source::SourceRange;
using syntax::earthfile::Token;
using syntax::earthfile::TokenKind;
using syntax::earthfile::Tree;

// What the text means at the moment; modes are stacked.
enum class Mode : std::uint8_t {
  kBase,       // outside recipes
  kRecipe,     // after the first header
  kBlock,      // in IF, FOR, WAIT, TRY, WITH
  kArguments,  // behind a keyword
  kKey,        // behind ENV, ARG, LET, SET
  kValue,      // behind their `=`
  kLabel,      // behind LABEL
};

constexpr bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}
constexpr bool IsLineEnd(char c) {
  return c == '\n' || c == '\r';
}

constexpr bool OpensBlock(TokenKind keyword) {
  return keyword == TokenKind::kKeywordIf || keyword == TokenKind::kKeywordFor || keyword == TokenKind::kKeywordTry ||
         keyword == TokenKind::kKeywordWait || keyword == TokenKind::kKeywordDocker;
}

// A token before indentation is considered. `kEnd` stands for the end of the text.
struct Piece {
  TokenKind kind{};
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

class Lexer {
 public:
  Lexer(Tree& tree, diag::Emitter& emitter)
      : tree_(tree), emitter_(emitter), text_(tree.buffer().text()), words_(text_) {
    modes_.push_back(Mode::kBase);
    tree_.tokens.reserve(text_.size() / 4 + 16);
  }

  void Run();

 private:
  // --- pieces -------------------------------------------------------------------------------------------------------
  Piece Next();
  Piece NextOfLine();
  Piece NextArgument();
  Piece NextUnknown();
  [[nodiscard]] std::uint32_t SkipBlanks(std::uint32_t pos) const;
  [[nodiscard]] std::uint32_t LineEndBehind(std::uint32_t pos) const;  // of the line end at `pos`
  [[nodiscard]] std::uint32_t EndOfLine(std::uint32_t pos) const;      // where the line's text ends
  [[nodiscard]] std::uint32_t ContinuationEnd(std::uint32_t pos) const;
  [[nodiscard]] std::uint32_t BlankEnd(std::uint32_t pos) const;
  [[nodiscard]] bool InArguments() const { return mode() >= Mode::kArguments; }
  [[nodiscard]] Mode mode() const { return modes_.back(); }
  void EnterModesOf(TokenKind keyword, bool in_block);

  // --- lines and indentation ----------------------------------------------------------------------------------------
  void ConsiderIndentation(const Piece& piece);
  void ChangeLevel(const Piece& piece);
  bool CommentTakesLevel(const Piece& comment);
  void LeaveRecipe();
  void Push(const Piece& piece);
  void EndLine(std::uint32_t pos);
  void PushRest();

  SourceRange Range(std::uint32_t begin, std::uint32_t end) const { return tree_.buffer().Range(begin, end); }

  Tree& tree_;
  diag::Emitter& emitter_;
  std::string_view text_;
  WordMatcher words_;

  std::uint32_t pos_ = 0;
  // No line end is between; so that the words of a long line do not search it each.
  struct LinePart {
    std::uint32_t begin;
    std::uint32_t end;
  };
  mutable LinePart line_{1, 0};
  std::vector<Mode> modes_;
  unsigned depth_ = 0;  // of blocks
  // A piece reached the end of the text, perhaps one that was only looked at: the next one is the end. What lies
  // between is never read; the reference has it so.
  bool at_end_ = false;

  bool indented_ = false;  // level of the line that is read
  bool level_ = false;     // level of the last line that counted
  bool after_line_end_ = false;
  bool after_lone_comment_ = false;
  std::uint32_t last_blank_ = 0;  // where the last blank started that was considered
  // Answer of CommentTakesLevel for the comments up to here that are indented alike.
  struct {
    std::uint32_t until = 0;
    bool indented = false;
    bool takes = false;
    std::optional<TokenKind> keyword;  // what follows the comments, if it is a command
  } ahead_;

  bool line_is_open_ = false;              // a significant token since the last End
  bool line_is_unknown_ = false;           // it started with no keyword
  TokenKind last_kind_ = TokenKind::kEnd;  // the last significant token
  bool header_is_last_ = false;            // nothing but line ends since the last header
  SourceRange last_long_word_;             // the last word that spans lines
};

// --- pieces
// -----------------------------------------------------------------------------------------------------------

std::uint32_t Lexer::SkipBlanks(std::uint32_t pos) const {
  while (pos < text_.size() && IsBlank(text_[pos])) {
    ++pos;
  }
  return pos;
}

std::uint32_t Lexer::LineEndBehind(std::uint32_t pos) const {
  return pos + (text_[pos] == '\r' && pos + 1 < text_.size() && text_[pos + 1] == '\n' ? 2 : 1);
}

std::uint32_t Lexer::EndOfLine(std::uint32_t pos) const {
  if (pos < line_.begin || pos > line_.end) {
    const std::size_t end = text_.find_first_of("\r\n", pos);
    line_ = {pos, static_cast<std::uint32_t>(end == std::string_view::npos ? text_.size() : end)};
  }
  return line_.end;
}

// Of the line continuation whose backslash is at `pos`: blanks, a comment, the line end, and the blank lines and
// comments behind it. `pos` if it continues nothing.
std::uint32_t Lexer::ContinuationEnd(std::uint32_t pos) const {
  std::uint32_t end = pos;
  for (std::uint32_t next = pos + 1; next <= text_.size();) {
    next = SkipBlanks(next);
    if (next == text_.size()) {
      break;
    }
    if (IsLineEnd(text_[next])) {
      next = LineEndBehind(next);
    } else if (text_[next] == '#') {
      next = EndOfLine(next);
    } else {
      break;
    }
    end = next;
  }
  return end;
}

// Of blanks and line continuations; there is a blank at `pos`.
std::uint32_t Lexer::BlankEnd(std::uint32_t pos) const {
  for (;;) {
    pos = SkipBlanks(pos);
    if (pos == text_.size() || text_[pos] != '\\') {
      return pos;
    }
    const std::uint32_t end = ContinuationEnd(pos);
    if (end == pos) {
      return pos;
    }
    pos = end;
  }
}

Piece Lexer::Next() {
  if (at_end_) {
    return {TokenKind::kEnd, pos_, pos_};
  }
  Piece piece;
  const std::uint32_t begin = pos_;
  const std::uint32_t text_begin = SkipBlanks(begin);
  if (text_begin == text_.size()) {
    piece = {TokenKind::kLineEnd, begin, text_begin};
  } else if (IsLineEnd(text_[text_begin])) {
    piece = {TokenKind::kLineEnd, begin, LineEndBehind(text_begin)};
  } else if (text_[text_begin] == '#' && (text_begin != begin || !InArguments())) {
    piece = {TokenKind::kComment, begin, EndOfLine(text_begin)};
  } else if (text_begin != begin) {
    piece = {mode() == Mode::kValue ? TokenKind::kValueBlank : TokenKind::kBlank, begin, BlankEnd(begin)};
  } else {
    piece = InArguments() ? NextArgument() : NextOfLine();
  }
  if (piece.kind == TokenKind::kLineEnd && InArguments()) {
    modes_.pop_back();
  }
  pos_ = piece.end;
  at_end_ = pos_ == text_.size();
  return piece;
}

// What starts a line, or stands behind WITH.
Piece Lexer::NextOfLine() {
  const std::string_view rest = text_.substr(pos_);
  const KeywordPlace place = mode() == Mode::kBase     ? KeywordPlace::kBase
                             : mode() == Mode::kRecipe ? KeywordPlace::kRecipe
                                                       : KeywordPlace::kBlock;
  const Keyword keyword = MatchKeyword(rest, place);
  if (mode() != Mode::kBlock) {
    if (const std::size_t size = MatchHeader(rest); size > keyword.text.size() && !line_is_open_) {
      if (mode() == Mode::kBase) {
        modes_.push_back(Mode::kRecipe);
      }
      return {rest.front() >= 'a' ? TokenKind::kTargetName : TokenKind::kFunctionName, pos_,
              pos_ + static_cast<std::uint32_t>(size)};
    }
  }
  const bool behind_with = line_is_open_ && last_kind_ == TokenKind::kKeywordWith;
  if (keyword.text.empty() || line_is_open_ != (keyword.kind == TokenKind::kKeywordDocker && behind_with)) {
    return NextUnknown();
  }
  if (keyword.kind == TokenKind::kKeywordDocker && !behind_with) {
    return NextUnknown();
  }
  const Piece piece{keyword.kind, pos_, pos_ + static_cast<std::uint32_t>(keyword.text.size())};
  const bool opens_block = OpensBlock(keyword.kind);
  if (opens_block && depth_ == kMaxEarthfileDepth) {
    emitter_.Emit<Kind::kEarthNesting>(Range(piece.begin, piece.end), kMaxEarthfileDepth)
        .Hint("move the inner blocks to a function");
    modes_.push_back(Mode::kArguments);
    return {TokenKind::kUnknown, piece.begin, piece.end};
  }
  depth_ += opens_block ? 1 : 0;
  if (keyword.kind == TokenKind::kKeywordEnd) {
    modes_.pop_back();
    depth_ -= depth_ > 0 ? 1 : 0;
  }
  EnterModesOf(keyword.kind, mode() == Mode::kBlock);
  return piece;
}

void Lexer::EnterModesOf(TokenKind keyword, bool in_block) {
  if (OpensBlock(keyword)) {
    modes_.push_back(Mode::kBlock);
    // A WAIT in a block has no arguments.
    if (keyword == TokenKind::kKeywordWait && in_block) {
      return;
    }
  }
  switch (keyword) {
    case TokenKind::kKeywordWith:
      return;
    case TokenKind::kKeywordEnv:
    case TokenKind::kKeywordArg:
    case TokenKind::kKeywordSet:
    case TokenKind::kKeywordLet:
      modes_.push_back(Mode::kKey);
      return;
    case TokenKind::kKeywordLabel:
      modes_.push_back(Mode::kLabel);
      return;
    default:
      modes_.push_back(Mode::kArguments);
      return;
  }
}

// A line that starts with no keyword, or the middle of a line where a keyword is due; the parser reports the latter.
Piece Lexer::NextUnknown() {
  const std::uint32_t begin = pos_;
  const std::uint32_t line_end = EndOfLine(begin);
  std::uint32_t end = begin;
  while (end < line_end && !IsBlank(text_[end])) {
    ++end;
  }
  const std::string_view word = text_.substr(begin, end - begin);
  const SourceRange range = Range(begin, end);
  if (line_is_open_) {
    modes_.push_back(Mode::kArguments);
    return {TokenKind::kUnknown, begin, end};
  }
  if (begin == 0 && word.starts_with("\xEF\xBB\xBF")) {
    emitter_.Emit<Kind::kEarthByteOrderMark>(Range(0, 3))
        .Hint("save the file as UTF-8 without it")
        .Fix("remove it", Range(0, 3), "");
    return {TokenKind::kSkipped, 0, 3};
  }
  const bool starts_line = begin == 0 || IsLineEnd(text_[begin - 1]);
  if (mode() == Mode::kBlock && starts_line) {
    if (const std::size_t size = MatchHeader(text_.substr(begin)); size != 0) {
      // The END of the blocks around is missing; the parser reports it at the header, if it knows of the blocks.
      if (depth_ == 0) {
        emitter_.Emit<Kind::kEarthNotIndented>(range, word)
            .Hint("indent the command above, or remove the comment there");
      }
      while (modes_.back() != Mode::kRecipe && modes_.size() > 1) {
        modes_.pop_back();
      }
      depth_ = 0;
      if (level_) {
        level_ = false;
        tree_.tokens.push_back({begin, begin, TokenKind::kDedent});
      }
      if (modes_.back() == Mode::kBase) {
        modes_.push_back(Mode::kRecipe);
      }
      return {word.front() >= 'a' && word.front() <= 'z' ? TokenKind::kTargetName : TokenKind::kFunctionName, begin,
              begin + static_cast<std::uint32_t>(size)};
    }
  }
  if (starts_line && word.size() > 1 && word.back() == ':' && mode() != Mode::kBlock) {
    emitter_.Emit<Kind::kEarthUnknownCommand>(range, word)
        .Hint(
            "a target's name starts with a lower-case letter and has letters, digits, `-` and `.`; a function's has "
            "upper-case letters, digits, `_` and `.`");
    if (mode() == Mode::kBase) {
      modes_.push_back(Mode::kRecipe);
    }
    return {TokenKind::kTargetName, begin, end};
  }
  modes_.push_back(Mode::kArguments);
  if (word.starts_with("\\")) {
    emitter_.Emit<Kind::kEarthUnknownCommand>(range, word)
        .Hint("a line continuation stands behind a word, or behind a blank");
    return {TokenKind::kUnknown, begin, end};
  }
  const Keyword anywhere = MatchKeyword(word, KeywordPlace::kBase);
  if (anywhere.kind == TokenKind::kKeywordVersion && anywhere.text == word) {
    emitter_.Emit<Kind::kEarthMisplacedVersion>(range).Hint("move it to the first line");
  } else if (anywhere.kind == TokenKind::kKeywordProject && anywhere.text == word) {
    emitter_.Emit<Kind::kEarthUnknownCommand>(range, word).Hint("`PROJECT` stands in front of the first target");
  } else if (word == "DOCKER") {
    emitter_.Emit<Kind::kEarthMisplacedClause>(range, word, "`WITH` in front").Hint("write `WITH DOCKER`");
  } else if (word == "END" || word == "ELSE" || word == "CATCH" || word == "FINALLY") {
    emitter_.Emit<Kind::kEarthMisplacedClause>(range, word, "a block that it belongs to")
        .Hint(word == "END" ? "remove it, or the `END` that closed the block before" : "the block was closed before");
  } else {
    auto report = emitter_.Emit<Kind::kEarthUnknownCommand>(range, word);
    const std::string upper = ToUpperAscii(word);
    if (word == "SAVE") {
      report.Hint("there are `SAVE ARTIFACT` and `SAVE IMAGE`, with one blank between the words");
    } else if (word == "GIT") {
      report.Hint("the command is `GIT CLONE`, with one blank between the words");
    } else if (const Keyword exact = MatchKeyword(upper, KeywordPlace::kBlock); exact.text == upper && word != upper) {
      report.Hint("commands are written in capital letters").Fix("write `" + upper + "`", range, upper);
    } else if (const auto near = NearestWord(upper, LineKeywords()); near) {
      report.Hint("did you mean `" + *near + "`?").Fix("write `" + *near + "`", range, *near);
    } else {
      report.Hint(!level_ ? "a line starts with a command, or with the name of a target and a colon"
                          : "a line starts with a command; a command that goes on ends with a backslash");
    }
  }
  return {TokenKind::kUnknown, begin, end};
}

Piece Lexer::NextArgument() {
  const std::uint32_t begin = pos_;
  const char first = text_[begin];
  const bool is_key = mode() == Mode::kKey || mode() == Mode::kLabel;
  if (is_key && first == '=') {
    if (mode() == Mode::kKey) {
      modes_.back() = Mode::kValue;
    }
    return {TokenKind::kEquals, begin, begin + 1};
  }
  const std::uint32_t end = words_.Match(begin, is_key ? WordPlace::kKey : WordPlace::kArgument);
  const std::uint32_t line_end = EndOfLine(begin);
  if (first == '#' && line_end > end) {
    return {TokenKind::kComment, begin, line_end};
  }
  if (end > line_end) {
    last_long_word_ = Range(begin, line_end);
  }
  if (end != begin) {
    return {TokenKind::kWord, begin, end};
  }
  if (first == '\\') {
    emitter_.Emit<Kind::kEarthLoneBackslash>(Range(begin, begin + 1)).Fix("remove it", Range(begin, begin + 1), "");
    return {TokenKind::kWord, begin, begin + 1};
  }
  // In the words of an unknown command quotes mean nothing.
  if (!line_is_unknown_) {
    auto report = emitter_.Emit<Kind::kEarthUnclosedQuote>(Range(begin, begin + 1), first);
    report.Hint(first == '"' ? "close it, or write `\\\"` for the character"
                             : "close it, or write `\\'` for the character");
    if (last_long_word_.valid()) {
      report.Label(last_long_word_, "a quote that spans lines starts in this word");
    }
  }
  return {TokenKind::kWord, begin, line_end};
}

// --- lines and indentation
// --------------------------------------------------------------------------------------------

void Lexer::Run() {
  for (bool is_end = false; !is_end;) {
    Mode mode_before = mode();
    Piece piece = Next();
    if (after_lone_comment_) {
      // The line end of a comment that stands alone belongs to it, so that comments above something are told from those
      // further up.
      if (piece.kind == TokenKind::kLineEnd) {
        ConsiderIndentation(piece);
        tree_.tokens.push_back({piece.begin, piece.end, TokenKind::kCommentEnd});
        piece = Next();
      }
      after_lone_comment_ = false;
    }
    is_end = piece.kind == TokenKind::kEnd;
    if (is_end) {
      // As if a line end came first.
      EndLine(piece.begin);
      if (header_is_last_) {
        tree_.recipe_stops.back() = piece.begin;
      }
      after_line_end_ = true;
      indented_ = false;
      mode_before = Mode::kBase;
      modes_.push_back(Mode::kBase);
    }
    if (mode_before == Mode::kBase || mode_before == Mode::kRecipe) {
      ConsiderIndentation(piece);
    } else {
      indented_ = false;
      after_lone_comment_ = after_lone_comment_ || (after_line_end_ && piece.kind == TokenKind::kComment);
      after_line_end_ = piece.kind == TokenKind::kLineEnd;
    }
    if (!is_end) {
      Push(piece);
    }
  }
  PushRest();
}

void Lexer::ConsiderIndentation(const Piece& piece) {
  switch (piece.kind) {
    case TokenKind::kBlank:
      indented_ = indented_ || after_line_end_;
      last_blank_ = piece.begin;
      return;
    case TokenKind::kLineEnd:
      indented_ = false;
      after_line_end_ = true;
      return;
    case TokenKind::kComment:
      if (after_line_end_) {
        after_lone_comment_ = true;
        if (CommentTakesLevel(piece)) {
          ChangeLevel(piece);
        }
      }
      return;
    default:
      ChangeLevel(piece);
      return;
  }
}

void Lexer::ChangeLevel(const Piece& piece) {
  if (!after_line_end_) {
    return;
  }
  after_line_end_ = false;
  if (level_ == indented_) {
    return;
  }
  level_ = indented_;
  if (level_) {
    tree_.tokens.push_back({piece.begin, piece.begin, TokenKind::kIndent});
    header_is_last_ = false;
    return;
  }
  tree_.tokens.push_back({piece.begin, piece.begin, TokenKind::kDedent});
  if (!tree_.recipe_stops.empty()) {
    tree_.recipe_stops.back() = last_blank_;
  }
  if (piece.kind != TokenKind::kTargetName && piece.kind != TokenKind::kFunctionName) {
    LeaveRecipe();
  }
}

// A comment begins or ends a recipe if it is indented like the command or header that follows and no comment in between
// is indented otherwise: it may be documentation of that.
bool Lexer::CommentTakesLevel(const Piece& comment) {
  if (mode() != Mode::kRecipe) {
    return false;
  }
  const bool indented = IsBlank(text_[comment.begin]);
  if (comment.end > ahead_.until || indented != ahead_.indented) {
    ahead_ = {0, indented, false, std::nullopt};
    std::uint32_t pos = comment.end;
    for (bool decided = false; !decided;) {
      const std::uint32_t text_begin = SkipBlanks(pos);
      std::uint32_t end = text_begin;
      if (text_begin == text_.size()) {
        decided = true;
        ahead_.takes = !indented;
      } else if (IsLineEnd(text_[text_begin])) {
        end = LineEndBehind(text_begin);
      } else if (text_[text_begin] == '#') {
        end = EndOfLine(text_begin);
        decided = indented != (text_begin != pos);
      } else {
        decided = true;
        const bool is_blank = text_begin != pos;
        ahead_.takes = indented == is_blank;
        if (is_blank) {
          end = BlankEnd(pos);
        } else {
          const std::string_view rest = text_.substr(text_begin);
          const std::size_t header = MatchHeader(rest);
          const Keyword keyword = MatchKeyword(rest, KeywordPlace::kRecipe);
          if (keyword.text.size() > header) {
            ahead_.keyword = keyword.kind;
          }
          end += static_cast<std::uint32_t>(std::max(header, keyword.text.size()));
        }
      }
      if (end == text_.size()) {
        at_end_ = true;
      }
      ahead_.until = pos;
      pos = end;
    }
  }
  // In the reference, to look at a command is to expect its arguments, from here on: the line end of this comment ends
  // them. So the line that follows is not asked for its indentation, and a command that is not indented may belong to
  // the recipe.
  if (ahead_.keyword) {
    EnterModesOf(*ahead_.keyword, false);
  }
  if (ahead_.takes) {
    indented_ = indented;
  }
  return ahead_.takes;
}

void Lexer::LeaveRecipe() {
  for (std::size_t i = modes_.size(); i-- > 1;) {
    if (modes_[i] == Mode::kRecipe) {
      modes_.erase(modes_.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
  }
}

void Lexer::EndLine(std::uint32_t pos) {
  if (line_is_open_) {
    tree_.tokens.push_back({pos, pos, TokenKind::kEnd});
    line_is_open_ = false;
  }
}

void Lexer::Push(const Piece& piece) {
  if (piece.kind == TokenKind::kLineEnd) {
    EndLine(piece.begin);
    if (header_is_last_) {
      tree_.recipe_stops.back() = piece.begin;
    }
  } else if (!IsTrivia(piece.kind)) {
    if (!line_is_open_) {
      line_is_open_ = true;
      line_is_unknown_ = piece.kind == TokenKind::kUnknown;
    }
    last_kind_ = piece.kind;
    header_is_last_ = piece.kind == TokenKind::kTargetName || piece.kind == TokenKind::kFunctionName;
    if (header_is_last_) {
      tree_.recipe_stops.push_back(piece.begin);
    }
  }
  if (piece.begin != piece.end) {
    tree_.tokens.push_back({piece.begin, piece.end, piece.kind});
  }
}

// What was only looked at.
void Lexer::PushRest() {
  while (pos_ < text_.size()) {
    const std::uint32_t text_begin = SkipBlanks(pos_);
    Token token{pos_, 0, TokenKind::kLineEnd};
    if (text_begin == text_.size()) {
      token.end = text_begin;
    } else if (IsLineEnd(text_[text_begin])) {
      token.end = LineEndBehind(text_begin);
    } else {
      token.end = EndOfLine(text_begin);
      token.kind = text_[text_begin] == '#' ? TokenKind::kComment : TokenKind::kSkipped;
    }
    if (token.kind == TokenKind::kSkipped) {
      emitter_
          .Emit<Kind::kEarthLostText>(Range(text_begin, token.end), text_.substr(text_begin, token.end - text_begin))
          .Hint("end the last line with a line feed");
    }
    tree_.tokens.push_back(token);
    pos_ = token.end;
  }
}

}  // namespace

void Lex(Tree& tree, diag::Emitter& emitter) {
  Lexer(tree, emitter).Run();
}

}  // namespace loam::parse::earthfile
