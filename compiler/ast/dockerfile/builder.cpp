#include "compiler/ast/dockerfile/builder.h"

#include <algorithm>

#include "base/strings.h"

namespace loam::ast {

using syntax::Token;
using syntax::TokenKind;

Text InstructionBuilder::First(TokenKind kind) const {
  for (const Token* token : tokens_) {
    if (token->kind == kind) {
      return TextOf(*token);
    }
  }
  return {};
}

std::vector<Text> InstructionBuilder::All(TokenKind kind) const {
  std::vector<Text> texts;
  for (const Token* token : tokens_) {
    if (token->kind == kind) {
      texts.push_back(TextOf(*token));
    }
  }
  return texts;
}

bool InstructionBuilder::Has(TokenKind kind) const {
  return std::any_of(tokens_.begin(), tokens_.end(), [&](const Token* token) { return token->kind == kind; });
}

std::vector<Text> InstructionBuilder::WordsOrStrings(bool& json) const {
  json = Has(TokenKind::kLeftBracket);
  return All(json ? TokenKind::kJsonString : TokenKind::kWord);
}

CommandLine InstructionBuilder::Command() {
  const bool json = Has(TokenKind::kLeftBracket);
  return {json, arena().Copy(All(json ? TokenKind::kJsonString : TokenKind::kText))};
}

Text InstructionBuilder::Part(const Text& whole, std::size_t begin, std::size_t end) const {
  Text part{whole.text.substr(begin, end - begin), whole.range};
  if (tree_.buffer().TextOf(whole.range) == whole.text) {
    part.range.begin = whole.range.begin + static_cast<std::uint32_t>(begin);
    part.range.end = whole.range.begin + static_cast<std::uint32_t>(end);
  }
  return part;
}

std::optional<std::pair<Text, Text>> InstructionBuilder::SplitEquals(const Text& whole) const {
  const std::size_t equals = whole.text.find('=');
  if (equals == std::string_view::npos) {
    return std::nullopt;
  }
  std::pair<Text, Text> parts{Part(whole, 0, equals), Part(whole, equals + 1, whole.text.size())};
  const std::string_view source = tree_.buffer().TextOf(whole.range);
  // Quotes or continuations inside: both sides of the `=` in the source are good enough.
  if (const std::size_t at = source.find('='); source != whole.text && at != std::string_view::npos) {
    parts.first.range.end = whole.range.begin + static_cast<std::uint32_t>(at);
    parts.second.range.begin = parts.first.range.end + 1;
  }
  return parts;
}

Text InstructionBuilder::FlagValue(std::string_view name) const {
  const Flag* flag = instruction_.FindFlag(name);
  return flag == nullptr ? Text{} : flag->value;
}

bool InstructionBuilder::FlagIsTrue(std::string_view name) const {
  return OptionalFlag(name).value_or(false);
}

std::optional<bool> InstructionBuilder::OptionalFlag(std::string_view name) const {
  const Flag* flag = instruction_.FindFlag(name);
  if (flag == nullptr) {
    return std::nullopt;
  }
  return !flag->has_value || EqualsIgnoreCase(flag->value.text, "true");
}

std::string_view DocComment(List<Text> comments, std::string_view name) {
  if (name.empty()) {
    return {};
  }
  for (const Text& comment : comments) {
    if (comment.text.starts_with(name) && comment.text.substr(name.size()).starts_with(' ')) {
      return comment.text.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace loam::ast
