// One word of the form `<<EOF`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::syntax {

struct ParsedHeredocWord {
  std::string name;    // quotes removed
  bool expand = true;  // nothing in it was quoted
  bool chomp = false;  // `<<-`
  unsigned fd = 0;     // digits in front
};

// Nullopt if `word` is no heredoc word, or its quotes are not closed.
std::optional<ParsedHeredocWord> ParseHeredocWord(std::string_view word);

// A shell word and the bytes of the text it came from.
struct ShellWord {
  std::string text;
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct ShellSplitOptions {
  bool keep_quotes = false;
  bool keep_escapes = false;
};

// Splits `text` into shell words with no variable set and unset ones kept as written; the escape character is the
// backslash. Nullopt if quotes or braces are not closed, or a substitution is malformed. Braces nest at most
// kMaxSubstitutionDepth deep.
inline constexpr int kMaxSubstitutionDepth = 256;
std::optional<std::vector<ShellWord>> SplitShellWords(std::string_view text, const ShellSplitOptions& options);

}  // namespace loam::syntax
