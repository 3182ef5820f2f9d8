#include "compiler/sema/earthfile/flags.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/strings.h"
#include "compiler/ast/dockerfile/go_values.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;

constexpr std::string_view kAlways = "Always";

// The VERSION flag of a feature by its name in the table; "" for Always.
constexpr std::string_view FeatureFlag(std::string_view name) {
  if (name == kAlways) {
    return {};
  }
#define LOAM_EARTH_FEATURE(feature, flag, since, meaning) \
  if (name == #feature) {                                 \
    return flag;                                          \
  }
#include "compiler/sema/earthfile/features.def"
#undef LOAM_EARTH_FEATURE
  LOAM_UNREACHABLE("a flag names a feature that is not in features.def");
}

// Where the value of a flag goes.
struct Slot {
  FlagInfo info;
  void* field;
};

struct Table {
  std::string_view command;
  std::span<const Slot> slots;
};

std::string Spelling(const FlagInfo& info) {
  return info.name.empty() ? fmt::format("-{}", info.letter) : fmt::format("--{}", info.name);
}

bool IsOption(std::string_view word) {
  return (word.size() > 1 && word[0] == '-' && word[1] != '-') ||
         (word.size() > 2 && word.starts_with("--") && word[2] != '-');
}

// strconv.Unquote of a value that starts with a double quote.
std::optional<std::string> Unquote(std::string_view text) {
  if (text.size() < 2 || text.back() != '"') {
    return std::nullopt;
  }
  text = text.substr(1, text.size() - 2);
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\n') {
      return std::nullopt;
    }
    if (c != '\\') {
      result += c;
      continue;
    }
    if (++i == text.size()) {
      return std::nullopt;
    }
    switch (text[i]) {
      case 'n':
        result += '\n';
        break;
      case 't':
        result += '\t';
        break;
      case 'r':
        result += '\r';
        break;
      case 'a':
        result += '\a';
        break;
      case 'b':
        result += '\b';
        break;
      case 'f':
        result += '\f';
        break;
      case 'v':
        result += '\v';
        break;
      case '\\':
      case '"':
        result += text[i];
        break;
      default:  // \x, \u and octal numbers: nobody writes them into flags
        return std::nullopt;
    }
  }
  return result;
}

class FlagReader {
 public:
  FlagReader(Table table, const FlagParsing& parsing, FlagsBase& base)
      : table_(table), parsing_(&parsing), base_(&base) {}

  Checked<std::vector<Word>> Read(std::span<const Word> words) {
    words_ = parsing_->already_joined ? std::vector<Word>(words.begin(), words.end()) : RejoinWords(words);
    while (next_ < words_.size()) {
      const Word& word = words_[next_];
      if (word.text == "--") {
        ++next_;
        break;
      }
      if (!IsOption(word.text)) {
        break;
      }
      ++next_;
      if (word.text.starts_with("--")) {
        LOAM_TRY(Long(word));
      } else {
        LOAM_TRY(Short(word));
      }
    }
    words_.erase(words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(next_));
    return std::move(words_);
  }

 private:
  Checked<> Long(const Word& word) {
    std::string_view name = std::string_view(word.text).substr(2);
    std::optional<std::string> value;
    if (const std::size_t equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    const Slot* slot = Find(name, '\0');
    if (slot == nullptr) {
      return Unknown(word, fmt::format("--{}", name), name);
    }
    return Take(*slot, word, std::move(value), true);
  }

  Checked<> Short(const Word& word) {
    std::string_view letters = std::string_view(word.text).substr(1);
    std::optional<std::string> value;
    if (letters.size() > 1 && letters[1] == '=') {
      value = letters.substr(2);
      letters = letters.substr(0, 1);
    } else if (const Slot* slot = Find("", letters[0]);
               slot != nullptr && slot->info.type != FlagType::kBool && letters.size() > 1) {
      value = letters.substr(1);
      letters = letters.substr(0, 1);
    }
    for (std::size_t i = 0; i < letters.size(); ++i) {
      const Slot* slot = Find("", letters[i]);
      if (slot == nullptr) {
        // `-push` is more often `--push` than four letters.
        return Unknown(word, fmt::format("-{}", letters.substr(i, 1)), letters.size() > 1 ? letters : "");
      }
      LOAM_TRY(Take(*slot, word, value, i + 1 == letters.size()));
    }
    return {};
  }

  [[nodiscard]] const Slot* Find(std::string_view name, char letter) const {
    for (const Slot& slot : table_.slots) {
      if (letter == '\0' ? !name.empty() && slot.info.name == name : slot.info.letter == letter) {
        return &slot;
      }
    }
    return nullptr;
  }

  Failure Unknown(const Word& word, const std::string& spelling, std::string_view name) const {
    Failure failure = Fail<Kind::kEarthUnknownFlag>(word.range, table_.command, spelling);
    std::vector<std::string> names;
    for (const Slot& slot : table_.slots) {
      if (!slot.info.name.empty()) {
        names.emplace_back(slot.info.name);
      }
    }
    if (const auto near = NearestWord(name, names)) {
      return std::move(failure).Hint(fmt::format("did you mean `--{}`?", *near));
    }
    if (names.empty()) {
      return std::move(failure).Hint(fmt::format("{} has no flags", table_.command));
    }
    return std::move(failure).Hint(fmt::format("{} has --{}", table_.command, Join(names, ", --")));
  }

  Checked<> Take(const Slot& slot, const Word& word, std::optional<std::string> value, bool may_take_next) {
    if (parsing_->features != nullptr && !slot.info.feature.empty() &&
        !parsing_->features->Has(*FeatureWithFlag(slot.info.feature))) {
      return Fail<Kind::kEarthFeatureOff>(word.range, fmt::format("{} {}", table_.command, Spelling(slot.info)),
                                          slot.info.feature)
          .Hint(FeatureHint(*FeatureWithFlag(slot.info.feature)));
    }
    source::SourceRange range = word.range;
    if (slot.info.type != FlagType::kBool) {
      if (!value) {
        if (!may_take_next || next_ == words_.size() || words_[next_].text == "--" ||
            (IsOption(words_[next_].text) && !IsNegativeNumber(slot, words_[next_].text))) {
          return Fail<Kind::kEarthFlagWithoutValue>(word.range, Spelling(slot.info))
              .Hint(fmt::format("write `{}=value`", Spelling(slot.info)));
        }
        range = source::Cover(range, words_[next_].range);
        value = words_[next_++].text;
      }
      if (value->starts_with('"')) {
        std::optional<std::string> unquoted = Unquote(*value);
        if (!unquoted) {
          return BadValue(slot, range, *value, "the quotes are wrong");
        }
        value = std::move(unquoted);
      }
    } else if (value && parsing_->expand) {
      value = LOAM_TRY(parsing_->expand(Word{*value, word.range}));
    }
    base_->given.push_back({slot.info.name, value.value_or(""), range});
    return Store(slot, range, value);
  }

  Checked<> Store(const Slot& slot, source::SourceRange range, const std::optional<std::string>& value) {
    switch (slot.info.type) {
      case FlagType::kBool: {
        const std::optional<bool> truth = !value || value->empty() ? std::optional<bool>(true) : ast::ParseBool(*value);
        if (!truth) {
          return BadValue(slot, range, *value, "expected bool, true or false");
        }
        *static_cast<bool*>(slot.field) = *truth;
        return {};
      }
      case FlagType::kText:
        *static_cast<std::string*>(slot.field) = *value;
        return {};
      case FlagType::kList:
        static_cast<std::vector<std::string>*>(slot.field)->push_back(*value);
        return {};
      case FlagType::kDuration: {
        const std::optional<std::int64_t> duration = ast::ParseDuration(*value);
        if (!duration) {
          return BadValue(slot, range, *value, "a duration is written as `30s`, `1m30s` or `500ms`");
        }
        *static_cast<FlagDuration*>(slot.field) = FlagDuration(*duration);
        return {};
      }
      case FlagType::kNumber: {
        const std::optional<std::int32_t> number = ast::ParseInt32(*value);
        if (!number) {
          return BadValue(slot, range, *value, "it must be a whole number");
        }
        *static_cast<std::int64_t*>(slot.field) = *number;
        return {};
      }
    }
    LOAM_UNREACHABLE("flag type");
  }

  static bool IsNegativeNumber(const Slot& slot, std::string_view text) {
    return (slot.info.type == FlagType::kNumber || slot.info.type == FlagType::kDuration) && text.size() > 1 &&
           text[0] == '-' && text[1] >= '0' && text[1] <= '9';
  }

  static Failure BadValue(const Slot& slot, source::SourceRange range, std::string_view value, std::string_view why) {
    return Fail<Kind::kEarthBadFlagValue>(range, value, Spelling(slot.info), why);
  }

  Table table_;
  const FlagParsing* parsing_;
  FlagsBase* base_;
  std::vector<Word> words_;
  std::size_t next_ = 0;
};

Checked<std::vector<Word>> Read(std::string_view command, std::span<const Slot> slots, std::span<const Word> words,
                                const FlagParsing& parsing, FlagsBase& flags) {
  return FlagReader(Table{command, slots}, parsing, flags).Read(words);
}

Checked<Assignment> ParseAssignment(std::string_view command, std::vector<Word> words, const Features& features,
                                    source::SourceRange range) {
  if (!features.Has(Feature::kArgScopeAndSet)) {
    return Fail<Kind::kEarthFeatureOff>(range, command, InfoOf(Feature::kArgScopeAndSet).flag)
        .Hint(FeatureHint(Feature::kArgScopeAndSet));
  }
  if (words.size() != 3 || words[1].text != "=") {
    return Fail<Kind::kEarthBadArguments>(range, command, "a name and a value are needed")
        .Hint(fmt::format("write `{} name = value`", command));
  }
  return Assignment{std::move(words[0].text), std::move(words[2])};
}

}  // namespace

bool FlagsBase::IsGiven(std::string_view name) const {
  return std::any_of(given.begin(), given.end(), [&](const GivenFlag& flag) { return flag.name == name; });
}

source::SourceRange FlagsBase::RangeOf(std::string_view name, source::SourceRange otherwise) const {
  for (auto flag = given.rbegin(); flag != given.rend(); ++flag) {
    if (flag->name == name) {
      return flag->range;
    }
  }
  return otherwise;
}

// clang-format off
#define LOAM_EARTH_COMMAND_BEGIN(name, command)                                                           \
  Checked<std::vector<Word>> ParseFlags(std::span<const Word> words, const FlagParsing& parsing,          \
                                        name##Flags& flags) {                                             \
    static constexpr std::string_view kCommand = command;                                                 \
    const std::vector<Slot> slots = {
#define LOAM_EARTH_BOOL(field, flag, feature) \
      {{flag, '\0', FlagType::kBool, "false", FeatureFlag(#feature)}, &flags.field},
#define LOAM_EARTH_TEXT(field, flag, letter, otherwise, feature) \
      {{flag, letter, FlagType::kText, otherwise, FeatureFlag(#feature)}, &flags.field},
#define LOAM_EARTH_LIST(field, flag, feature) \
      {{flag, '\0', FlagType::kList, "", FeatureFlag(#feature)}, &flags.field},
#define LOAM_EARTH_DURATION(field, flag, otherwise, feature) \
      {{flag, '\0', FlagType::kDuration, #otherwise "s", FeatureFlag(#feature)}, &flags.field},
#define LOAM_EARTH_NUMBER(field, flag, otherwise, feature) \
      {{flag, '\0', FlagType::kNumber, #otherwise, FeatureFlag(#feature)}, &flags.field},
#define LOAM_EARTH_COMMAND_END(name)                                                                      \
    };                                                                                                    \
    return Read(kCommand, slots, words, parsing, flags);                                                  \
  }
#include "compiler/sema/earthfile/flag_tables.def"

namespace {
struct CommandFlags {
  std::string_view command;
  std::vector<FlagInfo> flags;
};
}  // namespace

std::span<const FlagInfo> FlagsOf(std::string_view command) {
  static const std::vector<CommandFlags> kTables = {
#define LOAM_EARTH_COMMAND_BEGIN(name, command) {command, {
#define LOAM_EARTH_BOOL(field, flag, feature) {flag, '\0', FlagType::kBool, "false", FeatureFlag(#feature)},
#define LOAM_EARTH_TEXT(field, flag, letter, otherwise, feature) \
      {flag, letter, FlagType::kText, otherwise, FeatureFlag(#feature)},
#define LOAM_EARTH_LIST(field, flag, feature) {flag, '\0', FlagType::kList, "", FeatureFlag(#feature)},
#define LOAM_EARTH_DURATION(field, flag, otherwise, feature) \
      {flag, '\0', FlagType::kDuration, #otherwise "s", FeatureFlag(#feature)},
#define LOAM_EARTH_NUMBER(field, flag, otherwise, feature) \
      {flag, '\0', FlagType::kNumber, #otherwise, FeatureFlag(#feature)},
#define LOAM_EARTH_COMMAND_END(name) }},
#include "compiler/sema/earthfile/flag_tables.def"
  };
  for (const CommandFlags& table : kTables) {
    if (table.command == command) {
      return table.flags;
    }
  }
  return {};
}
// clang-format on

Checked<ArgDeclaration> ParseArg(std::span<const Word> words, const Features& features, bool in_base,
                                 source::SourceRange range) {
  ArgFlags flags;
  std::vector<Word> rest = LOAM_TRY(ParseFlags(words, {.features = &features, .expand = {}}, flags));
  const bool has_value = rest.size() == 3 && rest[1].text == "=";
  // `ARG name=` is one word in the tree.
  if (!has_value && rest.size() != 1) {
    return Fail<Kind::kEarthBadArguments>(range, "ARG", "a name and perhaps a default are needed")
        .Hint("write `ARG name` or `ARG name = default`");
  }
  if (flags.global && !in_base) {
    return Fail<Kind::kEarthGlobalNotInBase>(flags.RangeOf("global", range))
        .Hint("move it in front of the first target, or leave out --global");
  }
  ArgDeclaration arg{.name = std::move(rest[0].text),
                     .value = {},
                     .required = flags.required,
                     .global = features.Has(Feature::kExplicitGlobal) ? flags.global : in_base};
  if (has_value) {
    if (flags.required) {
      return Fail<Kind::kEarthRequiredDefault>(rest[2].range, arg.name).Hint("leave out --required or the default");
    }
    arg.value = std::move(rest[2]);
  }
  return arg;
}

Checked<Assignment> ParseLet(std::span<const Word> words, const Features& features, source::SourceRange range) {
  LetFlags flags;
  return ParseAssignment("LET", LOAM_TRY(ParseFlags(words, {.features = &features, .expand = {}}, flags)), features,
                         range);
}

Checked<Assignment> ParseSet(std::span<const Word> words, const Features& features, source::SourceRange range) {
  SetFlags flags;
  return ParseAssignment("SET", LOAM_TRY(ParseFlags(words, {.features = &features, .expand = {}}, flags)), features,
                         range);
}

}  // namespace loam::sema::earthfile
