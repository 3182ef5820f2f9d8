#include "language-server/features/dockerfile/cursor.h"

#include <algorithm>

#include "base/strings.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/name_collector.h"

namespace loam::lsp::dockerfile {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

void SplitWords(Cursor& cursor) {
  const std::string_view text = cursor.view.text;
  cursor.word = SIZE_MAX;
  for (std::size_t at = cursor.arguments; at < text.size();) {
    if (IsBlank(text[at]) || text[at] == '\n' || text[at] == '\r') {
      ++at;
      continue;
    }
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
    if (at <= cursor.at && cursor.at <= end && cursor.word == SIZE_MAX) {
      cursor.word = cursor.words.size();
    }
    if (end < cursor.at) {
      cursor.words_before = cursor.words.size() + 1;
    }
    cursor.words.push_back({at, end});
    at = end;
  }
  cursor.word = std::min(cursor.word, cursor.words.size());
}

// Where the keyword ends that begins at `begin`.
std::size_t KeywordEnd(std::string_view text, std::size_t begin) {
  return std::min(text.find_first_of(" \t\r\n", begin), text.size());
}

}  // namespace

ast::InstructionKind KindOfKeyword(std::string_view keyword) {
  using ast::InstructionKind;
  for (int i = 0; i < static_cast<int>(InstructionKind::kUnknown); ++i) {
    const auto kind = static_cast<InstructionKind>(i);
    if (EqualsIgnoreCase(ast::KeywordOf(kind), keyword)) {
      return kind;
    }
  }
  return InstructionKind::kUnknown;
}

std::size_t Cursor::FirstArgument() const {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!TextOf(words[i]).starts_with("--")) {
      return i;
    }
  }
  return words.size();
}

Cursor CursorAt(const Document& document, std::uint32_t offset) {
  const DockerfileAnalysis& analysis = DockerfileAnalysis::Of(document);
  const ast::Dockerfile& file = analysis.file();
  const Text& text = document.text();
  const std::string_view source = text.bytes();
  offset = std::min(offset, text.size());
  Cursor cursor;

  const auto after = std::upper_bound(file.instructions.begin(), file.instructions.end(), offset,
                                      [](std::uint32_t wanted, const ast::Instruction* instruction) {
                                        return wanted < instruction->keyword.range.begin;
                                      });
  cursor.index = static_cast<std::uint32_t>(after - file.instructions.begin());
  const ast::Instruction* instruction = after == file.instructions.begin() ? nullptr : *(after - 1);

  if (instruction != nullptr && !instruction->heredocs.empty()) {
    const Span header = HeaderSpan(analysis, *instruction);
    if (offset > header.end && offset <= std::max(instruction->range.end, header.end)) {
      cursor.place = Cursor::Place::kHeredoc;
      cursor.instruction = instruction;
      cursor.kind = instruction->kind;
      --cursor.index;
      return cursor;
    }
  }
  const std::uint32_t line_begin = text.LineBegin(text.LineAt(offset));
  const std::size_t first = source.find_first_not_of(" \t", line_begin);
  if (first != std::string_view::npos && first < offset && source[first] == '#') {
    const bool in_arguments = instruction != nullptr && instruction->keyword.range.begin < line_begin &&
                              SpanOf(instruction->range).end > first;
    // A `#` inside of an instruction is a comment only on a line of its own, which it is here.
    cursor.place = Cursor::Place::kComment;
    cursor.instruction = in_arguments ? instruction : nullptr;
    return cursor;
  }
  if (instruction != nullptr) {
    const std::uint32_t begin = instruction->keyword.range.begin;
    LogicalView before = MakeLogicalView(source, {begin, offset}, file.escape);
    // A line end that is no continuation ends the instruction.
    if (before.text.find_first_of("\r\n") == std::string::npos) {
      cursor.instruction = instruction;
      --cursor.index;
      const Span header = HeaderSpan(analysis, *instruction);
      cursor.view = MakeLogicalView(source, {begin, std::max(header.end, offset)}, file.escape);
      cursor.at = before.text.size();
      cursor.kind = instruction->kind;
      const std::size_t keyword_end = KeywordEnd(cursor.view.text, 0);
      if (cursor.at <= keyword_end) {
        cursor.place = Cursor::Place::kKeyword;
        cursor.words = {{0, keyword_end}};
        cursor.arguments = keyword_end;
        return cursor;
      }
      cursor.place = Cursor::Place::kArguments;
      cursor.arguments = keyword_end;
      if (cursor.kind == ast::InstructionKind::kOnbuild) {
        const std::string_view whole = cursor.view.text;
        const std::size_t trigger = std::min(whole.find_first_not_of(" \t", keyword_end), whole.size());
        const std::size_t trigger_end = KeywordEnd(whole, trigger);
        cursor.onbuild = true;
        cursor.kind = KindOfKeyword(whole.substr(trigger, trigger_end - trigger));
        if (cursor.at <= trigger_end) {
          cursor.place = Cursor::Place::kKeyword;
          const std::size_t from = std::max(trigger, std::min(cursor.at, trigger));
          cursor.words = {{cursor.at < trigger ? cursor.at : from, cursor.at < trigger ? cursor.at : trigger_end}};
          return cursor;
        }
        cursor.arguments = trigger_end;
      }
      SplitWords(cursor);
      return cursor;
    }
  }
  // The begin of a line, perhaps with some letters of no instruction (a lone escape character).
  cursor.place = Cursor::Place::kLineBegin;
  std::size_t typed = std::min<std::size_t>(first == std::string_view::npos ? offset : first, offset);
  constexpr std::string_view kBom = "\xEF\xBB\xBF";
  if (typed == 0 && offset >= kBom.size() && source.starts_with(kBom)) {
    typed = kBom.size();
  }
  cursor.view = MakeLogicalView(source, {static_cast<std::uint32_t>(typed), offset}, file.escape);
  cursor.at = cursor.view.text.size();
  cursor.words = {{0, cursor.at}};
  return cursor;
}

}  // namespace loam::lsp::dockerfile
