// Conditions that can be decided without running them.
#include <charconv>

#include "compiler/sema/earthfile/auto_skip.h"

namespace loam::sema::earthfile {
namespace {

std::optional<long> Number(std::string_view text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(value)
                                                                                   : std::nullopt;
}

std::optional<bool> Compare(std::string_view operation, long a, long b) {
  if (operation == "-eq") {
    return a == b;
  }
  if (operation == "-ne") {
    return a != b;
  }
  if (operation == "-lt") {
    return a < b;
  }
  if (operation == "-le") {
    return a <= b;
  }
  if (operation == "-gt") {
    return a > b;
  }
  if (operation == "-ge") {
    return a >= b;
  }
  return std::nullopt;
}

// What stands between `[` and `]`.
std::optional<bool> DecideTest(std::vector<std::string> words) {
  if (!words.empty() && words.front() == "!") {
    words.erase(words.begin());
    const auto inner = DecideTest(std::move(words));
    return inner ? std::optional(!*inner) : std::nullopt;
  }
  switch (words.size()) {
    case 0:
      return false;
    case 1:
      return !words[0].empty();
    case 2:
      if (words[0] == "-n") {
        return !words[1].empty();
      }
      if (words[0] == "-z") {
        return words[1].empty();
      }
      return std::nullopt;
    case 3: {
      if (words[1] == "=" || words[1] == "==") {
        return words[0] == words[2];
      }
      if (words[1] == "!=") {
        return words[0] != words[2];
      }
      const auto a = Number(words[0]);
      const auto b = Number(words[2]);
      return a && b ? Compare(words[1], *a, *b) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

// The shell runs `a && b || c` from left to right, both operators alike.
std::optional<bool> DecideCondition(std::span<const std::string> words) {
  bool result = true;
  std::string_view joint = "&&";
  std::size_t i = 0;
  while (true) {
    bool negate = false;
    while (i < words.size() && words[i] == "!") {
      negate = !negate;
      ++i;
    }
    if (i == words.size()) {
      return std::nullopt;
    }
    std::optional<bool> test;
    if (words[i] == "true" || words[i] == "false") {
      test = words[i] == "true";
      ++i;
    } else if (words[i] == "[") {
      std::vector<std::string> inner;
      for (++i; i < words.size() && words[i] != "]"; ++i) {
        inner.push_back(words[i]);
      }
      if (i++ == words.size()) {
        return std::nullopt;
      }
      test = DecideTest(std::move(inner));
    }
    if (!test) {
      return std::nullopt;
    }
    const bool value = *test != negate;
    result = joint == "&&" ? result && value : result || value;
    if (i == words.size()) {
      return result;
    }
    joint = words[i++];
    if (joint != "&&" && joint != "||") {
      return std::nullopt;
    }
  }
}

}  // namespace loam::sema::earthfile
