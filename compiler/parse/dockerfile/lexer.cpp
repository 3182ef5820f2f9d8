#include "compiler/parse/dockerfile/lexer.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "base/utf8.h"
#include "compiler/parse/dockerfile/directive_line.h"
#include "compiler/parse/dockerfile/heredoc_words.h"
#include "compiler/parse/dockerfile/json_array.h"
#include "compiler/parse/dockerfile/keywords.h"
#include "compiler/parse/dockerfile/logical_line.h"
#include "compiler/parse/dockerfile/token_writer.h"
#include "compiler/parse/dockerfile/words.h"
#include "compiler/parse/parse.h"

namespace loam::parse {

namespace {

using syntax::TokenKind;

bool HasInvalidUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const Rune rune = DecodeRune(text.substr(i));
    if (rune.size == 1) {
      return true;
    }
    i += rune.size;
  }
  return false;
}

class Lexer {
 public:
  Lexer(syntax::Tree& tree, diag::Emitter& emitter)
      : tree_(tree), emitter_(emitter), text_(tree.buffer().text()), reader_(text_), writer_(tree) {}

  void Run() {
    tree_.tokens.reserve(text_.size() / 8 + 16);
    PhysicalLine line;
    while (Next(line)) {
      const std::uint32_t raw_begin = line.begin + (line.begin == 0 ? tree_.buffer().bom_size() : 0);
      std::string_view content = text_.substr(raw_begin, line.content_end - raw_begin);
      const std::string_view trimmed = TrimUnicodeSpaceLeft(content);
      const auto begin = static_cast<std::uint32_t>(trimmed.data() - text_.data());
      if (trimmed.empty()) {
        EndDirectives();
      } else if (trimmed.front() == '#') {
        if (!LexDirective(trimmed, begin)) {
          AddComment(content, raw_begin);
        }
      } else {
        EndDirectives();
        LexInstruction(trimmed, begin, line);
      }
    }
    if (tree_.logical_lines.empty()) {
      emitter_.Emit<diag::Kind::kNoInstructions>(Range(0, 0)).Hint("a Dockerfile starts with `FROM`");
    }
    writer_.SkipTo(static_cast<std::uint32_t>(text_.size()));
  }

 private:
  [[nodiscard]] source::SourceRange Range(std::size_t begin, std::size_t end) const {
    return tree_.buffer().Range(begin, end);
  }
  // The source of a part of the logical line.
  [[nodiscard]] source::SourceRange RangeOf(std::size_t begin, std::size_t end) const {
    return Range(logical_.Begin(begin), logical_.End(end));
  }

  bool Next(PhysicalLine& line) {
    if (!reader_.Next(line)) {
      return false;
    }
    const std::uint32_t size =
        line.next - line.begin - (line.next > line.begin && text_[line.next - 1] == '\n' ? 1 : 0);
    if (size > kMaxLineBytes) {
      emitter_.Emit<diag::Kind::kLineTooLong>(Range(line.begin, line.content_end), size, kMaxLineBytes)
          .Hint("break the line, or move its content into a file");
    }
    return true;
  }

  void EndDirectives() { directives_done_ = true; }

  bool LexDirective(std::string_view trimmed, std::uint32_t begin) {
    if (directives_done_) {
      return false;
    }
    const std::optional<DirectiveLine> line = ParseDirectiveLine(trimmed, "#");
    const std::optional<DirectiveKey> key = line ? KnownDirective(line->name) : std::nullopt;
    if (!key) {
      directives_done_ = true;
      return false;
    }
    const auto at = [&](std::string_view part) { return static_cast<std::uint32_t>(part.data() - text_.data()); };
    const auto add = [&](TokenKind kind, std::string_view part) {
      return writer_.Add(kind, at(part), at(part) + static_cast<std::uint32_t>(part.size()), part);
    };
    writer_.Add(TokenKind::kHash, begin, begin + 1, trimmed.substr(0, 1));
    const std::uint32_t name_token = add(TokenKind::kDirectiveName, line->name);
    add(TokenKind::kEquals, line->equals);
    const std::uint32_t value_token = add(TokenKind::kDirectiveValue, line->value);
    writer_.AddEmpty(TokenKind::kEnd);
    if (!seen_directives_.Add(*key)) {
      emitter_.Emit<diag::Kind::kDuplicateDirective>(tree_.RangeOf(tree_.tokens[name_token]), line->name)
          .Hint("keep one of them");
    } else if (*key == DirectiveKey::kEscape) {
      if (line->value == "`" || line->value == "\\") {
        tree_.escape = line->value.front();
      } else {
        emitter_.Emit<diag::Kind::kBadEscapeDirective>(tree_.RangeOf(tree_.tokens[value_token]), line->value)
            .Hint("it is \\ (the default) or ` (for paths of Windows)");
      }
    }
    return true;
  }

  // As upstream: the first byte of the line goes, also if it is a blank in front of the `#`.
  void AddComment(std::string_view content, std::uint32_t begin) {
    const std::string_view comment = TrimUnicodeSpace(content.substr(1));
    if (comment.empty()) {
      first_comment_ = static_cast<std::uint32_t>(tree_.comments.size());
      return;
    }
    const std::size_t at = begin + static_cast<std::size_t>(comment.data() - content.data());
    tree_.comments.push_back({comment, Range(at, at + comment.size())});
  }

  void LexInstruction(std::string_view content, std::uint32_t begin, PhysicalLine line) {
    syntax::LogicalLine info;
    info.lines.first = reader_.line_number();
    logical_.Clear();
    bool continues = TrimContinuation(content, tree_.escape);
    logical_.Append(content, begin);
    while (continues && Next(line)) {
      content = reader_.Content(line);
      const std::string_view trimmed = TrimUnicodeSpaceLeft(content);
      if (trimmed.empty()) {
        info.has_empty_continuation = true;
        continue;
      }
      if (trimmed.front() == '#') {
        continue;
      }
      continues = TrimContinuation(content, tree_.escape);
      if (!content.empty()) {
        logical_.Append(content, line.begin);
      }
    }
    info.last_header_line = reader_.line_number();
    const std::uint32_t header_end = reader_.offset();
    // Views into it are kept.
    line_ = logical_.is_joined() ? tree_.arena().Copy(logical_.text()) : logical_.text();
    info.text = line_;
    info.first_comment = first_comment_;
    info.end_comment = first_comment_ = static_cast<std::uint32_t>(tree_.comments.size());
    info.first_heredoc = static_cast<std::uint32_t>(tree_.heredocs.size());
    heredocs_allowed_ = false;
    info.keyword_token = LexBody(0, line_.size(), false);
    if (heredocs_allowed_ && line_.find("<<") != std::string_view::npos) {
      LexHeredocs(header_end);
    }
    writer_.AddEmpty(TokenKind::kEnd);
    info.end_heredoc = static_cast<std::uint32_t>(tree_.heredocs.size());
    info.lines.last = reader_.line_number();
    tree_.logical_lines.push_back(info);
  }

  // Bytes [begin, end) of the logical line without white space at both ends.
  void Trim(std::size_t& begin, std::size_t& end) const {
    const std::string_view trimmed = TrimUnicodeSpace(line_.substr(begin, end - begin));
    if (trimmed.empty()) {
      end = begin;
      return;
    }
    begin = static_cast<std::size_t>(trimmed.data() - line_.data());
    end = begin + trimmed.size();
  }

  std::uint32_t Add(TokenKind kind, std::size_t begin, std::size_t end) {
    return Add(kind, begin, end, line_.substr(begin, end - begin));
  }
  std::uint32_t Add(TokenKind kind, std::size_t begin, std::size_t end, std::string_view meaning) {
    if (begin == end) {
      const std::uint32_t at = std::max(writer_.cursor(), logical_.Begin(begin));
      return writer_.Add(kind, at, at, meaning);
    }
    return writer_.Add(kind, logical_.Begin(begin), logical_.End(end), meaning);
  }
  // A word of which bytes that are not UTF-8 become the replacement rune.
  void AddRunes(TokenKind kind, std::size_t begin, std::size_t end) {
    const std::string_view word = line_.substr(begin, end - begin);
    if (!HasInvalidUtf8(word)) {
      Add(kind, begin, end);
      return;
    }
    std::string runes;
    for (std::string_view rest = word; !rest.empty();) {
      const Rune rune = DecodeRune(rest);
      AppendRune(runes, rune.value);
      rest.remove_prefix(rune.size);
    }
    Add(kind, begin, end, tree_.arena().Copy(runes));
  }

  // Keyword, flags and arguments in [begin, end) of the logical line; returns the keyword's token.
  std::uint32_t LexBody(std::size_t begin, std::size_t end, bool is_trigger) {
    Trim(begin, end);
    std::size_t keyword_end = begin;
    while (keyword_end < end && !IsBlank(line_[keyword_end])) {
      ++keyword_end;
    }
    const TokenKind keyword =
        begin == end ? TokenKind::kKeywordUnknown : KeywordKind(line_.substr(begin, keyword_end - begin));
    const std::uint32_t token = Add(keyword, begin, keyword_end);
    std::size_t args = keyword_end;
    while (args < end && IsBlank(line_[args])) {
      ++args;
    }
    const std::size_t flags_begin = args;
    args += SplitFlags(line_.substr(args, end - args), tree_.escape, flags_);
    for (const FlagWord& flag : flags_) {
      const std::string_view meaning =
          flag.value ? tree_.arena().Copy(*flag.value) : line_.substr(flags_begin + flag.begin, flag.end - flag.begin);
      Add(TokenKind::kFlag, flags_begin + flag.begin, flags_begin + flag.end, meaning);
    }
    Trim(args, end);
    LexArguments(keyword, args, end, is_trigger);
    return token;
  }

  void LexArguments(TokenKind keyword, std::size_t begin, std::size_t end, bool is_trigger) {
    switch (keyword) {
      case TokenKind::kKeywordFrom:
        LexWords(begin, end, true);
        return;
      case TokenKind::kKeywordExpose:
        LexWords(begin, end, false);
        return;
      case TokenKind::kKeywordAdd:
      case TokenKind::kKeywordCopy:
      case TokenKind::kKeywordVolume:
        if (!LexJson(begin, end)) {
          heredocs_allowed_ = keyword != TokenKind::kKeywordVolume;
          LexWords(begin, end, false);
        }
        return;
      case TokenKind::kKeywordRun:
      case TokenKind::kKeywordCmd:
      case TokenKind::kKeywordEntrypoint:
      case TokenKind::kKeywordShell:
        if (!LexJson(begin, end)) {
          heredocs_allowed_ = keyword == TokenKind::kKeywordRun;
          LexText(begin, end);
        }
        return;
      case TokenKind::kKeywordArg:
        LexPairs(begin, end);
        return;
      case TokenKind::kKeywordEnv:
      case TokenKind::kKeywordLabel:
        LexPairsOrOldForm(begin, end);
        return;
      case TokenKind::kKeywordHealthcheck:
        LexHealthcheck(begin, end);
        return;
      case TokenKind::kKeywordOnbuild:
        if (is_trigger) {
          LexText(begin, end);
        } else if (begin < end) {
          LexBody(begin, end, true);
        }
        return;
      default:
        LexText(begin, end);
    }
  }

  void LexText(std::size_t begin, std::size_t end) {
    if (begin < end) {
      Add(TokenKind::kText, begin, end);
    }
  }

  void LexWords(std::size_t begin, std::size_t end, bool has_as) {
    SplitBlanks(line_.substr(begin, end - begin), words_);
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const std::size_t from = begin + words_[i].begin;
      const std::size_t to = begin + words_[i].end;
      const bool is_as = has_as && i == 1 && EqualsIgnoreCase(line_.substr(from, to - from), "as");
      Add(is_as ? TokenKind::kAs : TokenKind::kWord, from, to);
    }
  }

  void LexPairs(std::size_t begin, std::size_t end) {
    SplitQuoted(line_.substr(begin, end - begin), tree_.escape, words_);
    for (const Word& word : words_) {
      const bool has_equals =
          line_.substr(begin + word.begin, word.end - word.begin).find('=') != std::string_view::npos;
      AddRunes(has_equals ? TokenKind::kPair : TokenKind::kWord, begin + word.begin, begin + word.end);
    }
  }

  // `name value` if the first word has no `=`. The name ends at the first blank then, whatever the quotes.
  void LexPairsOrOldForm(std::size_t begin, std::size_t end) {
    const std::string_view rest = line_.substr(begin, end - begin);
    SplitQuoted(rest, tree_.escape, words_);
    if (words_.empty() || rest.substr(words_.front().begin, words_.front().end - words_.front().begin).find('=') !=
                              std::string_view::npos) {
      LexPairs(begin, end);
      return;
    }
    std::size_t name_end = begin;
    while (name_end < end && !IsBlank(line_[name_end])) {
      ++name_end;
    }
    Add(TokenKind::kName, begin, name_end);
    while (name_end < end && IsBlank(line_[name_end])) {
      ++name_end;
    }
    LexText(name_end, end);
  }

  bool LexJson(std::size_t begin, std::size_t end) {
    if (begin == end || line_[begin] != '[' ||
        !ScanJsonArray(line_.substr(begin, end - begin), kMaxJsonDepth, tree_.arena(), json_)) {
      return false;
    }
    for (const JsonToken& token : json_) {
      const std::string_view written = line_.substr(begin + token.begin, token.end - token.begin);
      Add(token.kind, begin + token.begin, begin + token.end,
          token.kind == TokenKind::kJsonString ? token.value : written);
    }
    return true;
  }

  void LexHealthcheck(std::size_t begin, std::size_t end) {
    const auto is_space = [&](std::size_t i) {
      return IsUnicodeSpace(static_cast<unsigned char>(line_[i]));  // bytes, as in Latin-1
    };
    std::size_t type_end = begin;
    while (type_end < end && !is_space(type_end)) {
      ++type_end;
    }
    if (type_end == begin) {
      return;
    }
    const std::string_view type = line_.substr(begin, type_end - begin);
    Add(EqualsIgnoreCase(type, "NONE")  ? TokenKind::kHealthNone
        : EqualsIgnoreCase(type, "CMD") ? TokenKind::kHealthCmd
                                        : TokenKind::kWord,
        begin, type_end);
    std::size_t rest = type_end;
    while (rest < end && is_space(rest)) {
      ++rest;
    }
    if (!LexJson(rest, end)) {
      LexText(rest, end);
    }
  }

  void LexHeredocs(std::uint32_t header_end) {
    const std::vector<HeredocWordText> words = FindHeredocs(line_);
    std::uint32_t body_begin = header_end;
    for (const HeredocWordText& word : words) {
      tree_.heredocs.push_back(
          {tree_.arena().Copy(word.name), word.expand, word.chomp, word.fd, RangeOf(word.begin, word.end)});
      body_begin = LexHeredocBody(word, body_begin);
    }
  }

  // Returns where the next body begins.
  std::uint32_t LexHeredocBody(const HeredocWordText& word, std::uint32_t begin) {
    PhysicalLine line;
    while (Next(line)) {
      std::string_view content = reader_.Content(line);
      if (word.chomp) {
        content.remove_prefix(std::min(content.find_first_not_of('\t'), content.size()));
      }
      if (content == word.name) {
        writer_.Add(TokenKind::kHeredocBody, begin, line.begin, text_.substr(begin, line.begin - begin));
        writer_.Add(TokenKind::kHeredocEnd, line.begin, line.content_end, content);
        return line.next;
      }
    }
    const auto end = static_cast<std::uint32_t>(text_.size());
    emitter_.Emit<diag::Kind::kUnterminatedHeredoc>(RangeOf(word.begin, word.end), word.name)
        .Label(Range(end, end), "the file ends here")
        .Hint(fmt::format("end it with a line that holds `{}` and nothing else", word.name));
    writer_.Add(TokenKind::kHeredocBody, begin, end, text_.substr(begin));
    writer_.AddEmpty(TokenKind::kHeredocEnd);
    return end;
  }

  syntax::Tree& tree_;
  diag::Emitter& emitter_;
  std::string_view text_;
  LineReader reader_;
  TokenWriter writer_;

  bool directives_done_ = false;
  DirectiveSet seen_directives_;
  // Comments from here on belong to the next instruction.
  std::uint32_t first_comment_ = 0;

  // Of the instruction at hand.
  LogicalText logical_;
  std::string_view line_;
  bool heredocs_allowed_ = false;

  // Kept to save allocations.
  std::vector<FlagWord> flags_;
  std::vector<Word> words_;
  std::vector<JsonToken> json_;
};

}  // namespace

void Lex(syntax::Tree& tree, diag::Emitter& emitter) {
  Lexer(tree, emitter).Run();
}

}  // namespace loam::parse
