// Cursor: what stands in front of an offset of an Earthfile, found in the text as it is, half typed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "language-server/workspace/document.h"

namespace loam::lsp::earthfile {

struct Cursor {
  std::uint32_t begin = 0;  // of the command, which may have begun lines above
  std::size_t line_indent = 0;
  bool in_comment = false;
  // The command whose arguments the cursor is in; "" at the begin of a line, where `typed_line` is what is typed of it.
  std::string keyword;
  std::string typed_line;
  // What is typed of the word that the cursor is in; words in front of it.
  std::string typed;
  std::vector<std::string> words;
  std::size_t words_before = 0;  // that are no flags
  std::string last_word;         // in front of the typed one
  bool among_flags = true;       // no argument stands in front of the cursor
  bool followed_by_brace = false;
};

Cursor CursorAt(const Document& document, std::uint32_t offset);

// The longest keyword of a command that the text begins with, followed by a blank or nothing; "" if there is none.
std::string_view KeywordOf(std::string_view text);

}  // namespace loam::lsp::earthfile
