#include "cli/flags.h"

#include "base/strings.h"

// A comma is part of a value here (`-o type=docker,dest=-`), and regular expressions at start-up cost milliseconds.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#define CXXOPTS_NO_REGEX
#include <fmt/format.h>
#include <cxxopts.hpp>

namespace loam::cli {

namespace {

std::string SpecOf(const Flag& flag) {
  return flag.short_name != 0 ? fmt::format("{},{}", flag.short_name, flag.name) : std::string(flag.name);
}

bool IsTrue(std::string_view text) {
  return text == "true" || text == "1" || text == "t" || text == "T";
}
bool IsFalse(std::string_view text) {
  return text == "false" || text == "0" || text == "f" || text == "F";
}

// The flag that a word like "--taget=x" or "-z" meant, for the hint.
std::optional<std::string> Suggest(std::span<const Flag> table, std::string_view name) {
  std::vector<std::string> names;
  for (const Flag& flag : table) {
    names.emplace_back(flag.name);
  }
  return NearestWord(name, names);
}

// The line as cxxopts reads it: `-t=NAME` is `--tag=NAME`, and a `--` stands in front of words that are no flags. Names
// are checked here because its messages do not say what was near.
Result<std::vector<std::string>> Normalize(std::span<const Flag> table, const std::vector<std::string>& arguments,
                                           Flags::AfterFirst after_first) {
  std::vector<std::string> line;
  bool value_follows = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (value_follows) {
      value_follows = false;
      line.push_back(word);
      continue;
    }
    const bool is_flag = word.starts_with("-") && word != "-";
    if (word == "--" || (!is_flag && after_first == Flags::AfterFirst::kWords)) {
      if (word != "--") {
        line.emplace_back("--");
      }
      line.insert(line.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    line.push_back(word);
    if (!is_flag) {
      continue;
    }
    const bool is_long = word.starts_with("--");
    const std::string_view name = std::string_view(word).substr(is_long ? 2 : 1, word.find('=') - (is_long ? 2 : 1));
    const auto* const flag = std::find_if(table.data(), table.data() + table.size(), [&](const Flag& candidate) {
      return is_long ? candidate.name == name : candidate.short_name == name[0];
    });
    if (flag == table.data() + table.size()) {
      Error error(ErrorCode::kInvalidArgument, fmt::format("unknown flag `{}{}`", is_long ? "--" : "-", name));
      if (const auto near = Suggest(table, name); near && is_long) {
        return Unexpected(std::move(error).WithHint(fmt::format("did you mean `--{}`?", *near)));
      }
      return Unexpected(std::move(error).WithHint("`--help` lists the flags"));
    }
    if (!is_long && word.size() > 2 && word[2] == '=') {
      line.back() = fmt::format("--{}={}", flag->name, std::string_view(word).substr(3));
      continue;
    }
    const bool takes_word = flag->kind == FlagKind::kString || flag->kind == FlagKind::kList;
    const bool inline_value = is_long ? word.find('=') != std::string::npos : word.size() > 2;
    value_follows = takes_word && !inline_value;
    if (value_follows && &word == &arguments.back()) {
      return Unexpected(Error(ErrorCode::kInvalidArgument,
                              fmt::format("flag `{}` needs a value: `{} {}`", word, word, flag->value_name)));
    }
  }
  return line;
}

}  // namespace

Result<Flags> Flags::Parse(std::span<const Flag> table, const std::vector<std::string>& arguments,
                           AfterFirst after_first) {
  Flags flags;
  for (const std::string& word : arguments) {
    if (word == "--" || (after_first == AfterFirst::kWords && !word.starts_with('-'))) {
      break;
    }
    if (word == "--help" || word == "-h") {
      flags.help_ = true;
      return flags;
    }
  }
  const std::vector<std::string> line = LOAM_TRY(Normalize(table, arguments, after_first));

  try {
    cxxopts::Options options("loam");
    auto add = options.add_options();
    for (const Flag& flag : table) {
      switch (flag.kind) {
        case FlagKind::kBool:
        case FlagKind::kOptional:
          add(SpecOf(flag), "", cxxopts::value<std::vector<std::string>>()->implicit_value("true"));
          break;
        case FlagKind::kString:
        case FlagKind::kList:
          add(SpecOf(flag), "", cxxopts::value<std::vector<std::string>>());
          break;
      }
    }
    add("positional", "", cxxopts::value<std::vector<std::string>>());
    options.parse_positional("positional");

    std::vector<const char*> argv = {"loam"};
    for (const std::string& word : line) {
      argv.push_back(word.c_str());
    }
    const cxxopts::ParseResult result = options.parse(static_cast<int>(argv.size()), argv.data());
    for (const cxxopts::KeyValue& pair : result.arguments()) {
      if (pair.key() == "positional") {
        flags.positional_.push_back(pair.value());
      } else {
        flags.values_[pair.key()].push_back(pair.value());
      }
    }
  } catch (const cxxopts::exceptions::exception& failure) {
    return Unexpected(ErrorCode::kInvalidArgument, failure.what());
  }
  for (const Flag& flag : table) {
    if (flag.kind != FlagKind::kBool || !flags.Has(flag.name)) {
      continue;
    }
    const std::string value = flags.String(flag.name);
    if (!IsTrue(value) && !IsFalse(value)) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("flag `--{}` is `true` or `false`, not `{}`", flag.name, value));
    }
  }
  return flags;
}

bool Flags::Bool(std::string_view name) const {
  return IsTrue(String(name));
}

std::string Flags::String(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string() : found->second.back();
}

std::vector<std::string> Flags::List(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::string DescribeFlags(std::span<const Flag> table) {
  std::vector<std::pair<std::string, std::string_view>> rows;
  std::size_t width = 0;
  for (const Flag& flag : table) {
    std::string left = flag.short_name != 0 ? fmt::format("  -{}, ", flag.short_name) : std::string("      ");
    left += fmt::format("--{}", flag.name);
    if (flag.kind == FlagKind::kOptional) {
      left += fmt::format("[={}]", flag.value_name);
    } else if (!flag.value_name.empty()) {
      left += fmt::format(" {}", flag.value_name);
    }
    width = std::max(width, left.size());
    rows.emplace_back(std::move(left), flag.help);
  }
  std::string text;
  for (const auto& [left, help] : rows) {
    text += fmt::format("{:<{}}  {}\n", left, width, help);
  }
  return text;
}

}  // namespace loam::cli
