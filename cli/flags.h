// Command-line flags: one table a verb, from which parsing, --help and the shell completions are made.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::cli {

enum class FlagKind : std::uint8_t {
  kBool,      // --flag, --flag=false
  kString,    // --flag VALUE, --flag=VALUE; the last one counts
  kList,      // may be given several times
  kOptional,  // --flag or --flag=VALUE (never a separate word)
};

struct Flag {
  std::string_view name;  // without dashes
  char short_name;        // 0: none
  FlagKind kind;
  std::string_view value_name;  // shown in --help: "PATH", "KEY=VALUE"; empty for kBool
  std::string_view help;
  // What a shell completes the value with: "file", "dir", "target" or "a|b|c"; empty: nothing.
  std::string_view completion = {};
};

// The outcome of parsing. Values keep the order of the command line.
class Flags {
 public:
  // kInvalidArgument with a did-you-mean hint for an unknown flag or a missing value. `--help` and `-h` are always
  // known and end in help() being true, whatever else is on the line.
  // `after_first`: what flags behind the first word that is none are; kWords: words of a command that is passed on.
  enum class AfterFirst : std::uint8_t { kFlags, kWords };
  static Result<Flags> Parse(std::span<const Flag> table, const std::vector<std::string>& arguments,
                             AfterFirst after_first = AfterFirst::kFlags);

  [[nodiscard]] bool help() const { return help_; }
  [[nodiscard]] bool Has(std::string_view name) const { return values_.contains(std::string(name)); }
  [[nodiscard]] bool Bool(std::string_view name) const;
  // The last value, "" if there is none.
  [[nodiscard]] std::string String(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> List(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& positional() const { return positional_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> positional_;
  bool help_ = false;
};

// The flag part of a verb's --help.
std::string DescribeFlags(std::span<const Flag> table);

}  // namespace loam::cli
