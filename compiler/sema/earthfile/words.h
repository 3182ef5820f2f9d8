// Words of a command: the raw text as the AST has it, with its place. Quotes are part of the text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "compiler/ast/earthfile/ast.h"
#include "compiler/source/source_range.h"

namespace loam::sema::earthfile {

struct Word {
  std::string text;
  source::SourceRange range;
};
// A copy of the AST's words.
std::vector<Word> ToWords(std::span<const ast::earthfile::Word> words);
// Texts alone.
std::vector<std::string> TextsOf(std::span<const Word> words);

// Words whose quote or parenthesis is closed in a later word become one, joined by one blank: `--load=(+t`, `--A=b)`.
// An opening that is never closed takes all the words that follow it. Quotes do not nest in parentheses here.
std::vector<Word> RejoinWords(std::span<const Word> words);

// `(+target --flag=x)` or `"(…)"`.
bool IsInParentheses(std::string_view text);
// What is inside, split at blanks outside double quotes; at least one word. kInvalidArgument says what is wrong.
Result<std::vector<std::string>> SplitParentheses(std::string_view text);

// `--load` of WITH DOCKER: "name=+t", "+t", "name=(+t --A=b)".
struct LoadWord {
  std::string image;  // "" if the target's own SAVE IMAGE names it
  std::string target;
  std::vector<std::string> args;
};
Result<LoadWord> ParseLoadWord(std::string_view text);

// "key=value"; `\=` and `\\` escape in the key only. nullopt as value: there is no `=`.
struct KeyValue {
  std::string key;
  std::optional<std::string> value;
};
KeyValue ParseKeyValue(std::string_view text);

// Reference args after a reference, expanded: `--k=v`, `--k v`, `-k=v` -> {k, v}, in order, repeated keys kept.
// kInvalidArgument: a word that is no flag, a flag without value, more than two dashes (with the spelling that is
// meant).
Result<std::vector<std::pair<std::string, std::string>>> ParseReferenceArgs(std::span<const std::string> words);

// The matrix of BUILD: the cross product of the values of each key, first key outermost, each combination in order of
// the keys' first appearance. One empty combination if there are no args. A value-less `--build-arg k` stays without.
std::vector<std::vector<KeyValue>> ExpandMatrix(std::span<const KeyValue> args);

// `\+` -> `+`, for values that are no references.
std::string UnescapePlus(std::string_view text);

}  // namespace loam::sema::earthfile
