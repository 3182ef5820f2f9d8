// The typed tree of an Earthfile, as written: words are neither expanded nor told apart from flags, references are not
// resolved, flags are not checked.
//
// All nodes, lists and texts live in the arena of the syntax tree that Earthfile::tree keeps alive, or in the source
// buffer, which the SourceManager keeps alive; they are immutable and can be passed by pointer.
//
// What the reference's parser and validator reject was reported as an error when the tree was built; the tree then
// holds what could be read, with `invalid` set on the statements and recipes that are not complete.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "compiler/source/source_range.h"

namespace loam::syntax::earthfile {
class Tree;
}  // namespace loam::syntax::earthfile

namespace loam::ast::earthfile {

using source::SourceRange;

// Arrays in the arena.
template <class T>
using List = std::span<const T>;

// A word as written, line continuations removed; quotes, escapes, variables and `$(...)` kept. Strings of an exec form
// are decoded. Keys and values of ENV, ARG, LET, SET and LABEL keep their line continuations. An absent word is empty
// with an invalid range.
struct Word {
  std::string_view text;
  SourceRange range;
  [[nodiscard]] bool present() const { return range.valid(); }
};

enum class CommandKind : std::uint8_t {
#define LOAM_EARTH_COMMAND(Name, KEYWORD) k##Name,
#include "compiler/syntax/earth_commands.def"
#undef LOAM_EARTH_COMMAND
  kDocker,  // of WITH DOCKER
};
// "FROM DOCKERFILE", "DOCKER".
std::string_view KeywordOf(CommandKind kind);

// Where something stands.
struct Location {
  SourceRange range;  // first byte to last byte
  // Where the last token starts: the end in the reference's source maps. For a target it may lie outside `range`.
  std::uint32_t last_token = 0;
};

// `key=value` of ENV, ARG, LET, SET (one) and LABEL (any number).
struct KeyValue {
  Word key;
  bool has_equals = false;  // `ARG k=` against `ARG k`
  Word value;               // absent if there is none; `ARG k=` has none. Inner blanks kept
};

struct Command {
  CommandKind kind{};
  bool invalid = false;
  Word keyword;
  // Text of the comment block directly above: marker and the first line's leading blanks removed, each line ends with
  // LF. "" without one.
  std::string_view docs;
  // All words, flags in front. For ENV, ARG, LET, SET and LABEL: flags, then `key`, or `key`, `=`, `value` for each
  // pair.
  List<Word> args;
  // RUN, CMD, ENTRYPOINT, VOLUME: the words were a JSON array of strings; `args` are the strings.
  bool exec_mode = false;
  // Exec mode by the word `null`, which the reference decodes to no array.
  bool null_args = false;
  // ENV, ARG, LET, SET: the words in front of the key. Else empty.
  List<Word> flags;
  List<KeyValue> pairs;
  Location location;
};

struct Statement;
// Statements in order. `present`: it had at least one statement.
using Block = List<Statement>;

// WITH DOCKER ... END
struct With {
  Command command;  // kDocker
  Block body;
  SourceRange end;  // the END; invalid if it is missing
};

// Words of IF and ELSE IF; decoded if in exec mode.
struct Condition {
  List<Word> words;
  bool exec_mode = false;
  bool null_words = false;  // as Command::null_args
};

struct ElseIf {
  Condition condition;
  Block body;
  SourceRange keyword;
  Location location;
};

struct If {
  Condition condition;
  Block body;
  List<ElseIf> else_ifs;
  bool has_else = false;  // an ELSE is written; its block may be empty
  Block else_body;
  SourceRange else_keyword;
  SourceRange end;
};

struct Try {
  Block body;
  bool has_catch = false;
  Block catch_body;
  SourceRange catch_keyword;
  bool has_finally = false;
  Block finally_body;
  SourceRange finally_keyword;
  SourceRange end;
};

struct For {
  List<Word> args;  // flags, variable, IN, words
  Block body;
  SourceRange end;
};

struct Wait {
  bool has_args = false;
  List<Word> args;
  Block body;
  SourceRange end;
};

enum class StatementKind : std::uint8_t { kCommand, kWith, kIf, kTry, kFor, kWait };

// Exactly one of the pointers is set: that of `kind`.
struct Statement {
  StatementKind kind{};
  bool invalid = false;
  SourceRange keyword;  // `RUN`, `IF`, `WITH`
  Location location;
  const Command* command = nullptr;
  const With* with = nullptr;
  const If* if_ = nullptr;
  const Try* try_ = nullptr;
  const For* for_ = nullptr;
  const Wait* wait = nullptr;
};

struct Target {
  std::string_view name;
  std::string_view docs;  // as Command::docs
  Block recipe;
  SourceRange name_range;  // without the colon
  Location location;
};

struct Function {
  std::string_view name;
  std::string_view docs;
  Block recipe;  // the first statement is FUNCTION or COMMAND if the function is well-formed; that is not checked here
  SourceRange name_range;
  Location location;
};

// VERSION, as the reference's line scanner reads it.
struct Version {
  List<Word> args;    // flags, then the number
  SourceRange range;  // VERSION to the last argument
  std::uint32_t first_line = 0, last_line = 0;
  std::uint32_t last_line_width = 0;  // in bytes
};

struct Earthfile {
  std::shared_ptr<const syntax::earthfile::Tree> tree;
  source::FileId file;
  const Version* version = nullptr;  // null without a VERSION
  Block base_recipe;
  List<Target> targets;
  List<Function> functions;

  // Null if there is none of this name. `base` is not a target.
  [[nodiscard]] const Target* FindTarget(std::string_view name) const;
  [[nodiscard]] const Function* FindFunction(std::string_view name) const;
};

}  // namespace loam::ast::earthfile
