// Word expansion of Earthfiles: quotes, escapes, variables and shell-outs.
//
//   $X ${X} ${X:-w} ${X:+w} ${X:?w} ${X?w} ${X#w} ${X%w} $(command)
//
// `#` and `%` remove a literal prefix or suffix. HOME and PATH that are no variables are asked from the environment of
// the build. Undeclared names are empty.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/earthfile/failure.h"

namespace loam::sema::earthfile {

using NameSet = std::set<std::string, std::less<>>;

// Runs a command in the current environment of the build and gives its output (the caller removes one trailing
// newline). Failures carry their own place.
using ShellOut = std::function<Checked<std::string>(std::string_view command)>;
// The value of an active variable.
using VariableLookup = std::function<std::optional<std::string_view>(std::string_view name)>;

struct ExpandOptions {
  // Null: a word that needs it is a mistake of kind kShellOutNotAllowed; HOME and PATH are then empty.
  ShellOut shell_out;
  // References keep `\+`; in other words it becomes `+`.
  bool keep_plus_escapes = false;
  // The rules before VERSION 0.7 (feature shell-out-anywhere off): no shell-outs; a word that is wrong stays as it is.
  bool old_rules = false;
  // Names that were looked up, set or not, are added.
  NameSet* names_read = nullptr;
};

// Nesting of `${…:-${…}}` and `$(…)` beyond this is a mistake.
inline constexpr int kMaxWordDepth = 200;

// `range` is the place of the word, for mistakes.
Checked<std::string> ExpandWord(std::string_view word, source::SourceRange range, const VariableLookup& variables,
                                const ExpandOptions& options);

// True if expanding the word may run a command: it has `$(`, or names HOME or PATH. Wrong words count as well.
bool MayShellOut(std::string_view word);
// True if the word is its own expansion.
bool IsLiteral(std::string_view word);
// Names of variables that expansion would look up, without evaluating anything (both sides of `:-`; not those inside of
// `$(…)`, which the shell reads).
NameSet NamesIn(std::string_view word);
// The commands of `$(…)` at the outer level of the word, for static checks.
std::vector<std::string> ShellOutsIn(std::string_view word);

}  // namespace loam::sema::earthfile
