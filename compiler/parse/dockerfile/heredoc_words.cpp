#include "compiler/parse/dockerfile/heredoc_words.h"

#include "compiler/syntax/heredoc_word.h"

namespace loam::parse {

std::vector<HeredocWordText> FindHeredocs(std::string_view line, std::optional<HeredocWordText>& bad_word) {
  std::vector<HeredocWordText> found;
  const auto words = syntax::SplitShellWords(line, {.keep_quotes = true, .keep_escapes = true});
  if (!words) {
    return found;
  }
  for (const syntax::ShellWord& word : *words) {
    syntax::HeredocWordError error = syntax::HeredocWordError::kNone;
    auto parsed = syntax::ParseHeredocWord(word.text, &error);
    const auto begin = static_cast<std::uint32_t>(word.begin);
    const auto end = static_cast<std::uint32_t>(word.end);
    if (parsed) {
      found.push_back({std::move(parsed->name), parsed->expand, parsed->chomp, parsed->fd, begin, end});
    } else if (error == syntax::HeredocWordError::kBadQuoting && !bad_word) {
      bad_word = HeredocWordText{word.text, true, false, 0, begin, end};
    }
  }
  return found;
}

}  // namespace loam::parse
