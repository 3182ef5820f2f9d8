// The typed tree of a Dockerfile, as written: words are neither expanded nor checked against other stages.
//
// All nodes, lists and texts live in the arena of the syntax tree that Dockerfile::tree keeps alive, or in the source
// buffer, which the SourceManager keeps alive; they are immutable and can be passed by pointer. Nodes are trivially
// copyable structs; an instruction is one of the structs below, told apart by `kind` (`As<Run>(instruction)`).
//
// What BuildKit's parser and instruction packages reject was reported as an error when the tree was built; such
// instructions are in the tree with `invalid` set, and nothing more than their header can be relied on. What upstream
// only finds out when it converts a stage (mount options, expansion, image names) is left to sema.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "compiler/source/source_range.h"

namespace loam::syntax {
class Tree;
}  // namespace loam::syntax

namespace loam::ast {

using source::LineSpan;
using source::SourceRange;

// Arrays in the arena.
template <class T>
using List = std::span<const T>;

// A piece of the logical line (continuations removed), quotes, escapes and variables kept. `range` is where it stands
// in the file; it may span several lines. Strings of JSON forms are decoded. An absent text is empty with an invalid
// range.
struct Text {
  std::string_view text;
  SourceRange range;
  [[nodiscard]] bool empty() const { return text.empty(); }
  [[nodiscard]] bool present() const { return range.valid(); }
};

enum class InstructionKind : std::uint8_t {
#define LOAM_INSTRUCTION(Name, KEYWORD) k##Name,
#include "compiler/syntax/instructions.def"
#undef LOAM_INSTRUCTION
  kUnknown,
};
// "FROM"; "" for kUnknown.
std::string_view KeywordOf(InstructionKind kind);

// `--name` or `--name=value` in front of the arguments.
struct Flag {
  Text name;               // without the dashes
  bool has_value = false;  // there was a `=`
  Text value;              // quotes and escapes removed, bytes above 0x7F read as Latin-1: as upstream reads flags
  SourceRange range;       // the whole flag
};

// `<<EOF`, `<<-EOF`, `3<<"EOF"`.
struct Heredoc {
  std::string_view name;  // the terminator, quotes removed
  bool expand = true;     // no part of the name was quoted
  bool chomp = false;     // `<<-`
  unsigned fd = 0;
  std::string_view
      content;  // the lines before the terminator, as written: with line ends, and with the leading tabs that
                // `<<-` drops (ChompHeredoc in heredoc.h)
  SourceRange word_range;  // the `<<EOF`
  SourceRange content_range;
  SourceRange terminator_range;
};

// What every instruction has.
struct Instruction {
  InstructionKind kind = InstructionKind::kUnknown;
  bool invalid = false;
  // A line inside the instruction was empty where a continuation was due (rule NoEmptyContinuation).
  bool has_empty_continuation = false;
  Text keyword;  // as written, any case
  // The logical line: from the keyword to the end, continuations, comments and heredoc bodies removed, leading blanks
  // removed, trailing blanks kept. What upstream calls `Original`.
  std::string_view original;
  SourceRange range;  // keyword to last byte (terminator of the last heredoc), without the line's end
  // Lines as upstream's parser reports them for source maps and warnings: with heredoc bodies, and with a continuation
  // line that stands alone in front of the keyword.
  LineSpan lines;
  // Last line without heredoc bodies: upstream reports NoEmptyContinuation there.
  std::uint32_t last_header_line = 0;
  List<Flag> flags;
  List<Heredoc> heredocs;
  // Comments above, without `#` and surrounding blanks, in the form and with the resets of upstream (an indented
  // comment keeps its `#`; an empty comment forgets those before it).
  List<Text> comments;

  // `original` without white space at both ends: history entries and vertex names use it.
  [[nodiscard]] std::string_view code() const;
  // The last flag of this name; null if there is none.
  [[nodiscard]] const Flag* FindFlag(std::string_view name) const;
};

// The arguments of RUN, CMD, ENTRYPOINT, SHELL and HEALTHCHECK CMD.
struct CommandLine {
  bool json = false;  // exec form
  // Exec form: the strings. Shell form: one text, the rest of the line; empty list if there is no text.
  List<Text> args;
};

struct From : Instruction {
  Text base;                     // may hold variables
  Text as_keyword;               // the `AS` as written; absent if there is no name
  Text stage_name;               // as written
  std::string_view stage_id;     // the name in lower case, "" without one
  Text platform;                 // value of --platform; absent if not given
  std::string_view doc_comment;  // of the comment line above that starts with the name
};

struct ArgItem {
  Text item;  // `NAME=value` or `NAME`
  Text key;
  bool has_value = false;
  Text value;  // valid if has_value
  std::string_view doc_comment;
};
struct Arg : Instruction {
  List<ArgItem> items;
};

struct KeyValue {
  Text key;
  Text value;
  bool legacy = false;  // `ENV key value` without `=`
};
struct Env : Instruction {
  List<KeyValue> pairs;
};
struct Label : Instruction {
  List<KeyValue> pairs;
};

// One field of a comma separated flag value.
struct CsvField {
  Text field;            // csv quotes removed
  std::string_view key;  // lower case
  bool has_value = false;
  Text value;  // valid if has_value; may hold variables
};
// `--mount=...`: options are evaluated by sema after expansion. Only malformed csv and a variable in `from` were
// rejected.
struct Mount {
  const Flag* flag = nullptr;
  List<CsvField> fields;
};
struct Device {
  const Flag* flag = nullptr;
  std::string_view name;
  bool required = false;
};
struct Run : Instruction {
  CommandLine command;
  // Set if the command is nothing but one heredoc word (`RUN <<EOF`): its content is the script.
  const Heredoc* script = nullptr;
  List<Mount> mounts;
  List<Device> devices;
  std::string_view network = "default";   // default, none or host
  std::string_view security = "sandbox";  // sandbox or insecure
};

// A source of COPY or ADD: a path, or the content of a heredoc under its name.
struct FileSource {
  Text path;  // as written; `<<EOF` for a heredoc
  // Set for a heredoc source. Its content is that of the last heredoc of this name, "" if a JSON form names one.
  const Heredoc* heredoc = nullptr;
};
struct FileTransfer : Instruction {
  bool json = false;
  List<FileSource> sources;  // in the written order
  Text destination;
  Text chown;  // absent if not given
  Text chmod;
  bool link = false;
  List<Text> excludes;
};
struct Copy : FileTransfer {
  Text from;  // absent if not given
  bool parents = false;
};
struct Add : FileTransfer {
  Text checksum;  // absent if not given
  std::optional<bool> keep_git_dir;
  std::optional<bool> unpack;
};

struct Workdir : Instruction {
  Text path;
};
struct User : Instruction {
  Text user;
};
struct StopSignal : Instruction {
  Text signal;
};
struct Maintainer : Instruction {
  Text name;
};
struct Volume : Instruction {
  bool json = false;
  List<Text> paths;  // white space at both ends removed
};
struct Expose : Instruction {
  List<Text> ports;  // in the written order; upstream sorts the unexpanded texts bytewise
};
struct Cmd : Instruction {
  CommandLine command;
};
struct Entrypoint : Instruction {
  CommandLine command;
};
struct Shell : Instruction {
  CommandLine command;  // json, at least one argument
};
struct Healthcheck : Instruction {
  bool none = false;  // HEALTHCHECK NONE
  Text type;          // `CMD` or `NONE` as written
  CommandLine command;
  // Nanoseconds; 0 if not given.
  std::int64_t interval = 0;
  std::int64_t timeout = 0;
  std::int64_t start_period = 0;
  std::int64_t start_interval = 0;
  std::int32_t retries = 0;
};
struct Onbuild : Instruction {
  // The trigger as it goes into the image config: the text after ONBUILD, with heredoc bodies.
  std::string_view expression;
  // The trigger's own tree, of its kind or kUnknown; upstream does not check its arguments at this point, so it may be
  // `invalid` without an error having been reported (a warning was). Its lines and heredocs are those of the ONBUILD.
  const Instruction* trigger = nullptr;
};
struct Unknown : Instruction {
  Text arguments;
};

// A stage: a FROM and what follows it.
struct Stage {
  const From* from = nullptr;
  List<const Instruction*> instructions;
};

struct Directive {
  Text name;  // as written
  Text value;
  std::uint32_t line = 0;
};

struct Dockerfile {
  std::shared_ptr<const syntax::Tree> tree;
  source::FileId file;
  char escape = '\\';
  List<Directive> directives;             // syntax, escape, check that took effect, in order
  List<const Instruction*> instructions;  // all of them, in order
  List<const Arg*> global_args;           // before the first FROM
  List<Stage> stages;

  // The directive of this (lower-case) name; null if there is none. Does not see the forms that only the detection of
  // `syntax` knows (compiler/parse/dockerfile/directives.h).
  [[nodiscard]] const Directive* FindDirective(std::string_view name) const;
};

template <class T>
struct KindOf;
#define LOAM_INSTRUCTION(Name, KEYWORD)                                \
  template <>                                                          \
  struct KindOf<Name> {                                                \
    static constexpr InstructionKind kKind = InstructionKind::k##Name; \
  };
#include "compiler/syntax/instructions.def"
#undef LOAM_INSTRUCTION
template <>
struct KindOf<Unknown> {
  static constexpr InstructionKind kKind = InstructionKind::kUnknown;
};

// The instruction as a T; null if it is of another kind.
template <class T>
const T* As(const Instruction* instruction) {
  return instruction != nullptr && instruction->kind == KindOf<T>::kKind ? static_cast<const T*>(instruction) : nullptr;
}

}  // namespace loam::ast
