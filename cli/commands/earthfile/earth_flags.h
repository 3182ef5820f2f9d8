// The flags of Earthfile builds, spelled as earthly spells them, with the EARTHLY_* (and EARTH_*) variables that stand
// for them. `loam build +target`, `loam +target` and `loam earthly` share the table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/commands/common.h"

namespace loam::cli {

// All flags; those that earthly hides, and those that mean nothing to this program, are accepted too.
std::span<const Flag> EarthFlags();
bool IsEarthFlag(std::string_view name);
// Not shown by --help unless EARTHLY_SHOW_HIDDEN is set.
bool IsHiddenEarthFlag(std::string_view name);
// Accepted without effect: the daemon and the cloud that they configure do not exist here.
bool IsIgnoredEarthFlag(std::string_view name);
// "EARTHLY_NO_CACHE" for "no-cache"; "" if no variable stands for the flag.
std::string EarthVariable(std::string_view flag);
// Names of all these variables.
std::vector<std::string> EarthVariables();

// The words of a command line: flags come first, then (from the first word that is none) a reference or a verb with its
// own words. `-name` is taken as `--name`, as Go's flags do.
struct EarthWords {
  Flags flags;
  std::vector<std::string> rest;
};
Result<EarthWords> ParseEarthWords(std::span<const Flag> table, const std::vector<std::string>& arguments);

// A flag's value wherever it comes from: the command line, the environment, a `.env` file.
class EarthSettings {
 public:
  EarthSettings(const Context& context, Flags flags) : context_(&context), flags_(std::move(flags)) {}

  // What `.env` says, weaker than the environment.
  void set_file_values(std::map<std::string, std::string> values) { file_values_ = std::move(values); }

  [[nodiscard]] bool Has(std::string_view flag) const;
  // On the command line or in the environment, not in `.env`.
  [[nodiscard]] bool IsSet(std::string_view flag) const;
  [[nodiscard]] bool Bool(std::string_view flag) const;
  [[nodiscard]] std::string String(std::string_view flag, std::string_view fallback = {}) const;
  // Variables hold several values with commas between them.
  [[nodiscard]] std::vector<std::string> List(std::string_view flag) const;
  [[nodiscard]] const Flags& flags() const { return flags_; }

 private:
  [[nodiscard]] std::string FromEnvironment(std::string_view flag) const;

  const Context* context_;
  Flags flags_;
  std::map<std::string, std::string> file_values_;
};

// True for "true", "1", "t", "yes".
bool IsTrueText(std::string_view text);
// True for "false", "0", "f", "no".
bool IsFalseText(std::string_view text);

}  // namespace loam::cli
