// What words say before they are expanded.
#include <algorithm>
#include <optional>

#include "compiler/sema/earthfile/check_recipe.h"

namespace loam::sema::earthfile::check {

namespace {

constexpr bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
constexpr bool IsNamePart(char c) {
  return IsNameStart(c) || (c >= '0' && c <= '9');
}

// An operand of a test that the shell takes as it stands.
std::optional<std::string> Operand(std::string_view text) {
  if (text.find_first_of("$`\\*?[~;&|<>()#") != std::string_view::npos) {
    return std::nullopt;
  }
  return LiteralText(text);
}

}  // namespace

std::optional<std::string> LiteralText(std::string_view text) {
  std::string out;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '$' && quote != '\'') {
      return std::nullopt;
    }
    if (c == '\\') {
      if (i + 1 == text.size() || text[i + 1] != '+' || quote != 0) {
        return std::nullopt;
      }
      out += "\\+";
      ++i;
    } else if (quote != 0 ? c == quote : c == '"' || c == '\'') {
      quote = quote == 0 ? c : '\0';
    } else {
      out.push_back(c);
    }
  }
  return quote == 0 ? std::optional(std::move(out)) : std::nullopt;
}

std::vector<std::string_view> NamesIn(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t i = text.find('$'); i != std::string_view::npos; i = text.find('$', i)) {
    ++i;
    const std::size_t begin = i + (i < text.size() && text[i] == '{' ? 1 : 0);
    std::size_t end = begin;
    while (end < text.size() && (end == begin ? IsNameStart(text[end]) : IsNamePart(text[end]))) {
      ++end;
    }
    if (end > begin) {
      out.push_back(text.substr(begin, end - begin));
    }
    i = std::max(i, end);
  }
  return out;
}

std::optional<bool> ConstantCondition(std::span<const Word> words) {
  if (words.size() == 1 && (words[0].text == "true" || words[0].text == "false")) {
    return words[0].text == "true";
  }
  if (words.size() < 2 || words.front().text != "[" || words.back().text != "]") {
    return std::nullopt;
  }
  const std::span<const Word> test = words.subspan(1, words.size() - 2);
  if (test.size() == 2 && (test[0].text == "-z" || test[0].text == "-n")) {
    const auto operand = Operand(test[1].text);
    return operand ? std::optional(operand->empty() == (test[0].text == "-z")) : std::nullopt;
  }
  if (test.size() == 3 && (test[1].text == "=" || test[1].text == "==" || test[1].text == "!=")) {
    const auto left = Operand(test[0].text);
    const auto right = Operand(test[2].text);
    // An operand may look like an operator: shells disagree on that.
    if (left && right && !left->starts_with("-") && !right->starts_with("-") && !left->starts_with("!")) {
      return (*left == *right) == (test[1].text != "!=");
    }
  }
  return std::nullopt;
}

}  // namespace loam::sema::earthfile::check
