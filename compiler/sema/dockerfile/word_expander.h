// Word expansion of Dockerfiles: quotes, escapes and variables, as BuildKit's shell package does it.
//
//   $X ${X} ${X:-d} ${X-d} ${X:+a} ${X+a} ${X:?e} ${X?e} ${X#p} ${X##p} ${X%p} ${X%%p} ${X/a/b} ${X//a/b}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/dockerfile/environment.h"

namespace loam::sema {

struct ExpansionOptions {
  char escape = '\\';
  bool raw_quotes = false;   // keep quote characters
  bool raw_escapes = false;  // keep escape characters
  bool skip_quotes = false;  // quotes are ordinary characters
  bool skip_unset = false;   // leave references to unset variables as they are
};

// Nesting of ${…:-${…}} beyond this is an error, so that depth bounds the stack and the work.
inline constexpr int kMaxExpansionDepth = 200;
// A word that gets longer than this is an error: ENV A=$A$A doubles. BuildKit's messages are not longer either.
inline constexpr std::size_t kMaxExpandedBytes = 16U << 20U;

class WordExpander {
 public:
  WordExpander(const Variables& variables, const ExpansionOptions& options)
      : variables_(&variables), options_(options) {}

  // Whether expansion can change the word at all; if not, the word is its own expansion.
  static bool NeedsExpansion(std::string_view word, char escape);

  // Replaces `out` by the expansion. False if the word is wrong; error() says why.
  bool Expand(std::string_view word, std::string& out);
  // The expansion split at white space that is neither quoted nor escaped, each word trimmed.
  bool ExpandToWords(std::string_view word, std::vector<std::string>& words);

  [[nodiscard]] const std::string& error() const { return error_; }
  // Variables that the last word named, and that were set or not; in order, possibly twice.
  [[nodiscard]] const std::vector<std::string>& matched() const { return matched_; }
  [[nodiscard]] const std::vector<std::string>& unmatched() const { return unmatched_; }

 private:
  struct Words;

  static constexpr int kEnd = -1;
  [[nodiscard]] int Peek() const { return pos_ < word_.size() ? static_cast<unsigned char>(word_[pos_]) : kEnd; }
  // The whole code point at the position, as bytes; empty at the end.
  std::string_view Next();

  bool Run(std::string_view word, std::string& out, Words* words);
  bool UntilStop(int stop, bool raw_escapes, std::string& out, Words* words);
  bool SingleQuote(std::string& out);
  bool DoubleQuote(std::string& out);
  bool Dollar(std::string& out);
  bool Braces(std::string& out);
  bool DefaultOrTrim(std::string_view name, std::string modifier, int operation, bool null_is_unset, std::string& out);
  bool Replace(std::string_view name, std::string& out);
  void Heredoc(std::string& out);
  std::string_view Name();
  std::optional<std::string_view> Lookup(std::string_view name);
  bool Fail(std::string message);
  // Adds the value of a variable; false if the word gets too long.
  bool Append(std::string_view value, std::string& out);

  const Variables* variables_;
  ExpansionOptions options_;
  std::string_view word_;
  std::size_t pos_ = 0;
  int depth_ = 0;
  bool raw_escapes_ = false;
  Words* words_ = nullptr;
  std::string sanitized_;
  std::string error_;
  std::vector<std::string> matched_;
  std::vector<std::string> unmatched_;
};

}  // namespace loam::sema
