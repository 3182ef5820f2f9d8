// Words that Dockerfiles and Earthfiles read alike, and texts of commands as the two languages write them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loam::convert {

// Whether both languages expand the word to the same text: plain characters, quotes, escapes, `$name`, `${name}` and
// `${name:-…}`, `${name:+…}`. Not `$(…)`, which Earthfiles run, and none of the rarer operators; not $HOME, which
// Earthfiles ask the shell for.
bool IsPortableWord(std::string_view word);
// Names of the variables in a portable word.
std::vector<std::string> VariablesIn(std::string_view word);
// Such a word as one word of a command line: with blanks in quotes. nullopt if there is no way to write it.
std::optional<std::string> OneWord(std::string_view word);

// A text as one word that is not expanded.
std::string QuoteLiteral(std::string_view text);
// `["a", "b"]`
std::string ExecForm(std::span<const std::string_view> words);

// Runs of blanks between the words of a shell's text become one blank; quotes and `$(…)` are read as a shell reads
// them.
std::string CollapseBlanks(std::string_view shell_text);

// The shell's text as it may stand in a file behind `RUN `: on the lines on which it was written, with its comments,
// and on one line.
std::vector<std::string> RunLayouts(std::string_view written, std::string_view one_line);

// What an Earthfile's recipe reads of `line` behind `keyword`: continuations and comments removed, quotes kept.
struct ReadCommand {
  bool exec_form = false;
  std::vector<std::string> words;
  [[nodiscard]] std::string Joined() const;
};
// nullopt if the line is not exactly one command of that name.
std::optional<ReadCommand> ReadAsCommand(std::string_view keyword, std::string_view line);

}  // namespace loam::convert
