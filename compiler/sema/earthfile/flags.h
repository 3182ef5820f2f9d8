// Flags of commands, by the rules of the parser that the reference uses (go-flags): `--flag=value` or `--flag value`,
// parsing stops at the first word that is no flag and at `--`; booleans take a value only with `=`; text flags given
// twice keep the last value. flag_tables.def has the flags; each command has a struct of that name:
//
//   RunFlags flags;
//   std::vector<Word> rest = LOAM_TRY(ParseFlags(words, {.features = &features, .expand = expand}, flags));
//   if (flags.push) …
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/earthfile/failure.h"
#include "compiler/sema/earthfile/features.h"
#include "compiler/sema/earthfile/words.h"

namespace loam::sema::earthfile {

// A flag as it was given.
struct GivenFlag {
  std::string_view name;  // of the table
  std::string value;      // after `=` or of the next word; "" for a bare boolean
  source::SourceRange range;
};

// What every <Command>Flags has.
struct FlagsBase {
  std::vector<GivenFlag> given;
  [[nodiscard]] bool IsGiven(std::string_view name) const;
  // Place of the last use of the flag `name`; `otherwise` if it was not given.
  [[nodiscard]] source::SourceRange RangeOf(std::string_view name, source::SourceRange otherwise = {}) const;
};

using FlagDuration = std::chrono::nanoseconds;

// clang-format off
#define LOAM_EARTH_COMMAND_BEGIN(name, command) struct name##Flags : FlagsBase {
#define LOAM_EARTH_BOOL(field, flag, feature) bool field = false;
#define LOAM_EARTH_TEXT(field, flag, letter, otherwise, feature) std::string field = otherwise;
#define LOAM_EARTH_LIST(field, flag, feature) std::vector<std::string> field;
#define LOAM_EARTH_DURATION(field, flag, otherwise, feature) FlagDuration field = std::chrono::seconds(otherwise);
#define LOAM_EARTH_NUMBER(field, flag, otherwise, feature) std::int64_t field = otherwise;
#define LOAM_EARTH_COMMAND_END(name) };
#include "compiler/sema/earthfile/flag_tables.def"
// clang-format on

struct FlagParsing {
  // Flags whose feature is off are mistakes that name the VERSION flag. Null: every flag is allowed.
  const Features* features = nullptr;
  // Expands the value of a boolean flag before it is read (RUN: `--privileged=$X`). Null: values are taken as they are.
  std::function<Checked<std::string>(const Word& value)> expand;
  // The words as they are: quotes and parentheses are not re-joined first (RUN's flags inside of an exec form).
  bool already_joined = false;
};

// Reads the flags at the front of `words` and gives the other words, re-joined. Mistakes: unknown flags with
// did-you-mean, missing values, values that do not fit.
#define LOAM_EARTH_COMMAND_BEGIN(name, command) \
  Checked<std::vector<Word>> ParseFlags(std::span<const Word> words, const FlagParsing& parsing, name##Flags& flags);
#include "compiler/sema/earthfile/flag_tables.def"

// The table as data, for completion, hover and documentation.
enum class FlagType : std::uint8_t { kBool, kText, kList, kDuration, kNumber };
struct FlagInfo {
  std::string_view name;  // without dashes; "" if it has only a letter
  char letter;            // '\0' if none
  FlagType type;
  std::string_view otherwise;  // the default, as text
  std::string_view feature;    // the VERSION flag that must be on; "" if none
};
// `command` as in the Earthfile: "SAVE IMAGE". Empty if the command has no flags or does not exist.
std::span<const FlagInfo> FlagsOf(std::string_view command);

// `ARG [--required] [--global] name [= default]` from its words [name, "=", value] after flags.
struct ArgDeclaration {
  std::string name;
  std::optional<Word> value;  // raw
  bool required = false;
  bool global = false;
};
// `in_base`: the command is in the base recipe.
Checked<ArgDeclaration> ParseArg(std::span<const Word> words, const Features& features, bool in_base,
                                 source::SourceRange range);
// LET and SET: the name and the raw value.
struct Assignment {
  std::string name;
  Word value;
};
Checked<Assignment> ParseLet(std::span<const Word> words, const Features& features, source::SourceRange range);
Checked<Assignment> ParseSet(std::span<const Word> words, const Features& features, source::SourceRange range);

}  // namespace loam::sema::earthfile
