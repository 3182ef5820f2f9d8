// A modest reader of shell scripts: which commands a RUN starts, with which words. It knows quoting, lists, pipes,
// subshells, command substitutions, redirections, here-documents and the keywords of compound commands, and expands
// nothing. What it cannot read it skips; it never fails.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loam::lint::shell {

struct Word {
  std::string text;         // quotes and escapes removed, expansions kept as written
  std::uint32_t begin = 0;  // bytes of the script
  std::uint32_t end = 0;
};

// A simple command. Assignments in front of it and redirections are not among its words.
struct Command {
  std::vector<Word> assignments;  // `NAME=value`; all there is if `words` is empty
  std::vector<Word> words;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool nested = false;  // inside of a command substitution

  // "" if there are only assignments.
  [[nodiscard]] std::string_view name() const { return words.empty() ? std::string_view() : words.front().text; }
  // Words behind the name.
  [[nodiscard]] std::vector<std::string_view> Arguments() const;
  // Arguments that do not start with `-`. A `--` ends nothing.
  [[nodiscard]] std::vector<std::string_view> Operands() const;
  // The same, without the words that are values of these options (names without dashes: "t", "target-release").
  [[nodiscard]] std::vector<std::string_view> Operands(const std::vector<std::string_view>& options_with_value) const;
  // `-x` for a name of one letter, also in a cluster (`-yq`); `--name` or `--name=value` for a longer one.
  [[nodiscard]] bool HasOption(std::string_view name) const;
  // How often, for `-q -q` and `-qq`.
  [[nodiscard]] int CountOption(std::string_view name) const;
  // The value of `--name value`, `--name=value`, `-n value`, `-nvalue`; "" if there is none.
  [[nodiscard]] std::string_view OptionValue(std::string_view name) const;
  // Any of the arguments is this word.
  [[nodiscard]] bool HasArgument(std::string_view word) const;
};

struct Script {
  std::vector<Command> commands;  // in the order of their first bytes
  bool has_pipe = false;
};

// Nesting deeper than this is not looked into.
inline constexpr int kMaxNesting = 32;

// Linear in the script, nesting aside.
Script ReadScript(std::string_view text);
// The command of an exec form; a script given to `sh -c` and its kin is read as well. Words have no places.
Script ReadArguments(const std::vector<std::string>& words);

}  // namespace loam::lint::shell
