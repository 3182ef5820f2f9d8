#include "language-server/features/earthfile/cursor.h"

#include <algorithm>

#include "compiler/sema/earthfile/flags.h"
#include "language-server/features/earthfile/language.h"

namespace loam::lsp::earthfile {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

bool EndsInContinuation(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t");
  if (last == std::string_view::npos) {
    return false;
  }
  if (line[last] == '\\') {
    return true;
  }
  // `\ # comment`
  const std::size_t hash = line.find('#');
  return hash != std::string_view::npos && hash > 0 && EndsInContinuation(line.substr(0, hash)) &&
         line.substr(0, hash).find('\\') != std::string_view::npos;
}

bool IsComment(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first != std::string_view::npos && line[first] == '#';
}

bool TakesValue(std::string_view keyword, std::string_view flag) {
  for (const auto& info : sema::earthfile::FlagsOf(keyword)) {
    if (info.name == flag) {
      return info.type != sema::earthfile::FlagType::kBool;
    }
  }
  return false;
}

// Words up to the end; the last one is what the cursor is in, perhaps empty.
std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words(1);
  char quote = '\0';
  int parentheses = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size() && quote != '\'') {
      words.back() += c;
      words.back() += text[++i];
      continue;
    }
    if (quote != '\0') {
      quote = c == quote ? '\0' : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '(' && i > 0 && text[i - 1] == '$') {
      ++parentheses;
    } else if (c == ')' && parentheses > 0) {
      --parentheses;
    } else if ((IsBlank(c) || c == '\n') && parentheses == 0) {
      if (!words.back().empty()) {
        words.emplace_back();
      }
      continue;
    }
    words.back() += c;
  }
  return words;
}

}  // namespace

std::string_view KeywordOf(std::string_view text) {
  std::string_view longest;
  const auto fits = [&](std::string_view keyword) {
    return text.starts_with(keyword) &&
           (text.size() == keyword.size() || IsBlank(text[keyword.size()]) || text[keyword.size()] == '\n');
  };
  for (const CommandInfo& info : Commands()) {
    if (info.keyword.size() > longest.size() && fits(info.keyword)) {
      longest = info.keyword;
    }
  }
  for (const std::string_view half : {"WITH", "SAVE", "GIT"}) {
    if (longest.empty() && fits(half)) {
      longest = half;
    }
  }
  return longest;
}

Cursor CursorAt(const Document& document, std::uint32_t offset) {
  Cursor cursor;
  const Text& text = document.text();
  const std::uint32_t line = text.LineAt(offset);
  // Up to the line that begins the command.
  std::uint32_t first = line;
  while (first > 0) {
    std::uint32_t above = first - 1;
    while (above > 0 && (IsComment(text.LineText(above)) ||
                         text.LineText(above).find_first_not_of(" \t") == std::string_view::npos)) {
      --above;
    }
    if (!EndsInContinuation(text.LineText(above)) || IsComment(text.LineText(above))) {
      break;
    }
    first = above;
  }
  std::string front;
  for (std::uint32_t at = first; at <= line; ++at) {
    const Span span = text.LineSpan(at);
    std::string_view part = text.Of({span.begin, std::min(span.end, offset)});
    if (IsComment(part)) {
      cursor.in_comment = at == line;
      continue;
    }
    if (at < line) {
      const std::size_t backslash = part.rfind('\\');
      part = part.substr(0, backslash == std::string_view::npos ? part.size() : backslash);
    }
    front += part;
    front += at < line ? "\n" : "";
  }
  const std::size_t indent = std::min(front.find_first_not_of(" \t\n"), front.size());
  cursor.begin = text.LineBegin(first) + static_cast<std::uint32_t>(indent);
  cursor.line_indent = indent;
  const std::string_view rest = std::string_view(front).substr(indent);
  const std::string_view keyword = KeywordOf(rest);
  if (keyword.empty() || rest.size() == keyword.size()) {
    cursor.typed_line = rest;
    return cursor;
  }
  cursor.keyword = keyword;
  cursor.words = Words(rest.substr(keyword.size()));
  cursor.typed = cursor.words.back();
  cursor.words.pop_back();
  std::erase(cursor.words, "");
  bool value = false;  // the next word is a flag's value
  for (const std::string& word : cursor.words) {
    if (cursor.among_flags && word.starts_with("-")) {
      value = word.find('=') == std::string::npos && word.size() > 2 && TakesValue(keyword, word.substr(2));
    } else if (value) {
      value = false;
    } else {
      cursor.among_flags = false;
      ++cursor.words_before;
    }
  }
  if (!cursor.words.empty()) {
    cursor.last_word = cursor.words.back();
    // A value that is still to come.
    cursor.words_before = std::max<std::size_t>(cursor.words_before, value ? 1 : 0);
  }
  cursor.followed_by_brace = offset < text.size() && text.bytes()[offset] == '}';
  // A ` #` begins a comment.
  cursor.in_comment = cursor.in_comment || std::any_of(cursor.words.begin(), cursor.words.end(),
                                                       [](const std::string& word) { return word.starts_with('#'); });
  return cursor;
}

}  // namespace loam::lsp::earthfile
