#include "compiler/parse/dockerfile/heredoc_words.h"

#include "compiler/syntax/heredoc_word.h"

namespace loam::parse {

std::vector<HeredocWordText> FindHeredocs(std::string_view line) {
  std::vector<HeredocWordText> found;
  const auto words = syntax::SplitShellWords(line, {.keep_quotes = true, .keep_escapes = true});
  if (!words) {
    return found;
  }
  for (const syntax::ShellWord& word : *words) {
    if (auto parsed = syntax::ParseHeredocWord(word.text)) {
      found.push_back({std::move(parsed->name), parsed->expand, parsed->chomp, parsed->fd,
                       static_cast<std::uint32_t>(word.begin), static_cast<std::uint32_t>(word.end)});
    }
  }
  return found;
}

}  // namespace loam::parse
