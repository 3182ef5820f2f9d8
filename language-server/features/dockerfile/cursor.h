// Cursor: what stands at an offset of a Dockerfile, found in the text as it is, half typed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "language-server/features/dockerfile/logical.h"
#include "language-server/features/query.h"

namespace loam::lsp::dockerfile {

struct Cursor {
  enum class Place : std::uint8_t {
    kLineBegin,  // where an instruction may begin: `word` is what is typed of it
    kComment,    // also a directive
    kKeyword,    // in the keyword of an instruction, or of the trigger of ONBUILD
    kArguments,
    kHeredoc
  };
  Place place = Place::kLineBegin;
  // The instruction that the cursor is in; null at the begin of a line and in a comment between instructions.
  const ast::Instruction* instruction = nullptr;
  std::uint32_t index = 0;  // of the instruction; at kLineBegin, of the one that would be inserted there
  // Of the instruction, or of the trigger of ONBUILD.
  ast::InstructionKind kind = ast::InstructionKind::kUnknown;
  bool onbuild = false;
  // The instruction's header, at least up to the cursor.
  LogicalView view;
  std::size_t at = 0;         // the cursor in `view`
  std::size_t arguments = 0;  // where the arguments begin in `view`, behind the keyword

  struct Word {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::vector<Word> words;  // of the arguments, separated by blanks
  // The word that the cursor touches; words.size() if it is between words or behind them.
  std::size_t word = 0;
  // Words in front of the cursor, the touched one not counted.
  std::size_t words_before = 0;

  [[nodiscard]] std::string_view TextOf(Word part) const {
    return std::string_view(view.text).substr(part.begin, part.end - part.begin);
  }
  [[nodiscard]] bool in_word() const { return word < words.size(); }
  // What is typed of the touched word, up to the cursor.
  [[nodiscard]] std::string_view Typed() const {
    return in_word() ? std::string_view(view.text).substr(words[word].begin, at - words[word].begin)
                     : std::string_view();
  }
  // The first word that is no flag; words.size() if there is none.
  [[nodiscard]] std::size_t FirstArgument() const;
  // Whether the cursor may still be followed by flags: no argument stands in front of it.
  [[nodiscard]] bool AmongFlags() const { return FirstArgument() >= words_before; }
};

Cursor CursorAt(const Document& document, std::uint32_t offset);

// The instruction kind of a keyword in any case; kUnknown if there is none.
ast::InstructionKind KindOfKeyword(std::string_view keyword);

}  // namespace loam::lsp::dockerfile
