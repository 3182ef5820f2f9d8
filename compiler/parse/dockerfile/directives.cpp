#include "compiler/parse/dockerfile/directives.h"

#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "base/utf8.h"
#include "compiler/parse/dockerfile/directive_line.h"
#include "compiler/parse/dockerfile/logical_line.h"

namespace loam::parse {

namespace {

std::string_view TrimAsciiSpaceRight(std::string_view text) {
  while (!text.empty() && IsDirectiveSpace(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::optional<DetectedDirective> FindWithMark(std::string_view text, std::uint32_t lines_before, std::string_view mark,
                                              std::string_view key) {
  DirectiveSet seen;
  LineReader reader(text);
  PhysicalLine line;
  while (reader.Next(line)) {
    // No CR is dropped but the last one, and white space at both ends of the value is no part of it.
    const std::optional<DirectiveLine> directive = ParseDirectiveLine(reader.Content(line), mark);
    const std::optional<DirectiveKey> known = directive ? KnownDirective(directive->name) : std::nullopt;
    if (!known || !seen.Add(*known)) {
      return std::nullopt;
    }
    if (EqualsIgnoreCase(directive->name, key)) {
      return DetectedDirective{std::string(directive->value.substr(0, directive->value.find(' '))),
                               std::string(directive->value), lines_before + reader.line_number()};
    }
  }
  return std::nullopt;
}

struct Start {
  std::string_view text;
  std::uint32_t lines = 0;
};

Start SkipBomAndShebang(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
  }
  if (!text.starts_with("#!")) {
    return {text, 0};
  }
  const std::size_t lf = text.find('\n');
  return {lf == std::string_view::npos ? std::string_view() : text.substr(lf + 1), 1};
}

}  // namespace

bool IsDirectiveSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

std::optional<DirectiveKey> KnownDirective(std::string_view name) {
  if (EqualsIgnoreCase(name, "syntax")) {
    return DirectiveKey::kSyntax;
  }
  if (EqualsIgnoreCase(name, "escape")) {
    return DirectiveKey::kEscape;
  }
  if (EqualsIgnoreCase(name, "check")) {
    return DirectiveKey::kCheck;
  }
  return std::nullopt;
}

std::optional<DirectiveLine> ParseDirectiveLine(std::string_view line, std::string_view mark) {
  if (!line.starts_with(mark)) {
    return std::nullopt;
  }
  const std::string_view rest = TrimUnicodeSpaceLeft(line.substr(mark.size()));
  std::size_t end = 0;
  while (end < rest.size() && (IsLetter(rest[end]) || (end > 0 && rest[end] >= '0' && rest[end] <= '9'))) {
    ++end;
  }
  const std::string_view name = rest.substr(0, end);
  while (end < rest.size() && IsDirectiveSpace(rest[end])) {
    ++end;
  }
  if (name.empty() || end == rest.size() || rest[end] != '=') {
    return std::nullopt;
  }
  const std::string_view equals = rest.substr(end, 1);
  ++end;
  while (end < rest.size() && IsDirectiveSpace(rest[end])) {
    ++end;
  }
  const std::string_view value = TrimAsciiSpaceRight(rest.substr(end));
  // A value needs one character at least, and it has no line feed.
  if (value.empty() || value.find('\n') != std::string_view::npos) {
    return std::nullopt;
  }
  return DirectiveLine{name, equals, value};
}

std::optional<DetectedDirective> FindDirective(std::string_view text, std::string_view key) {
  const Start start = SkipBomAndShebang(text);
  return FindWithMark(start.text, start.lines, "#", key);
}

std::optional<DetectedDirective> DetectSyntax(std::string_view text) {
  const Start start = SkipBomAndShebang(text);
  for (const std::string_view mark : {"#", "//"}) {
    if (auto found = FindWithMark(start.text, start.lines, mark, "syntax")) {
      return found;
    }
  }
  const std::string_view trimmed = TrimSpace(start.text);
  if (!trimmed.starts_with('{')) {
    return std::nullopt;
  }
  // Without exceptions; a document that is no JSON is "discarded".
  const nlohmann::json json = nlohmann::json::parse(trimmed, nullptr, false);
  if (!json.is_object()) {
    return std::nullopt;
  }
  const auto member = json.find("syntax");
  if (member == json.end() || !member->is_string()) {
    return std::nullopt;
  }
  const auto value = member->get<std::string>();
  return DetectedDirective{value, value, start.lines};
}

}  // namespace loam::parse
