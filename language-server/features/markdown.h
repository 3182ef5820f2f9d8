// Text as Markdown.
#pragma once

#include <string>
#include <string_view>

namespace loam::lsp {

// `text` in backticks, as many as it needs; "empty" for nothing.
inline std::string InlineCode(std::string_view text) {
  if (text.empty()) {
    return "*empty*";
  }
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = longest < run ? run : longest;
  }
  const std::string ticks(longest + 1, '`');
  const std::string_view pad = longest > 0 ? " " : "";
  return ticks + std::string(pad) + std::string(text) + std::string(pad) + ticks;
}

}  // namespace loam::lsp
