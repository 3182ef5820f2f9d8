#include "compiler/driver/frontend/wire_message.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::driver {
namespace {

// What stands in backticks.
std::vector<std::string_view> Quoted(std::string_view text) {
  std::vector<std::string_view> found;
  while (true) {
    const std::size_t begin = text.find('`');
    const std::size_t end = begin == std::string_view::npos ? begin : text.find('`', begin + 1);
    if (end == std::string_view::npos) {
      return found;
    }
    found.push_back(text.substr(begin + 1, end - begin - 1));
    text.remove_prefix(end + 1);
  }
}

// The first part of a platform that is none.
std::string_view BadComponent(std::string_view platform) {
  for (const std::string_view part : Split(platform, '/')) {
    const bool good = !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '.' || c == '-';
    });
    if (!good) {
      return part;
    }
  }
  return platform;
}

std::string Reworded(const diag::Diagnostic& diagnostic, source::LineSpan lines) {
  const std::vector<std::string_view> words = Quoted(diagnostic.message);
  const auto word = [&](std::size_t index) { return index < words.size() ? words[index] : std::string_view(); };
  // Mistakes of a single instruction.
  const auto in_line = [&](std::string message) {
    return lines.first == 0 ? message : fmt::format("dockerfile parse error on line {}: {}", lines.first, message);
  };
  using diag::Kind;
  const auto is = [&](Kind kind) { return diagnostic.kind == kind; };
  const auto says = [&](std::string_view text) { return diagnostic.message.find(text) != std::string::npos; };
  if (is(Kind::kNoStages)) {
    return "dockerfile contains no stages to build";
  }
  if (is(Kind::kUnknownTarget)) {
    return fmt::format("target stage \"{}\" could not be found", word(0));
  }
  if (is(Kind::kStageUsedEarly)) {
    return fmt::format("cannot copy from stage \"{}\", it needs to be defined before current stage", word(0));
  }
  if (is(Kind::kCircularStages)) {
    return fmt::format("circular dependency detected on stage: {}", word(0));
  }
  if (is(Kind::kUnknownInstruction)) {
    return in_line(fmt::format("unknown instruction: {}", word(0)));
  }
  if (is(Kind::kUnknownFlag)) {
    return in_line(fmt::format("unknown flag: {}", word(1)));
  }
  if (is(Kind::kMountFromVariable)) {
    return in_line("'from' doesn't support variable expansion, define alias stage instead");
  }
  if (is(Kind::kBadPlatform) && says("is no platform")) {
    return fmt::format(
        "failed to parse platform {}: \"{}\" is an invalid component of \"{}\": platform specifier component "
        "must match \"^[A-Za-z0-9_.-]+$\": invalid argument",
        word(0), BadComponent(word(1)), word(1));
  }
  if (is(Kind::kBadMount) && says("there is no mount type")) {
    return in_line(fmt::format("unsupported mount type \"{}\"", word(0)));
  }
  if (is(Kind::kBadChmod)) {
    return fmt::format("invalid chmod parameter: '{}'. it should be octal string and between 0 and 07777", word(0));
  }
  if (is(Kind::kVariableInFrom)) {
    return "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope "
           "as a "
           "workaround";
  }
  if (is(Kind::kCheckViolation)) {
    return fmt::format("lint violation found for rules: {}",
                       std::string_view(diagnostic.message).substr(diagnostic.message.find(": ") + 2));
  }
  if (is(Kind::kBadEpoch)) {
    return says("its stage")
               ? fmt::format("SOURCE_DATE_EPOCH stage does not meet source-only requirements: {}", word(0))
               : fmt::format("invalid SOURCE_DATE_EPOCH: {}", word(0));
  }
  if (is(Kind::kBadPlatform) && says("blank after expansion")) {
    return fmt::format("empty platform value from expression {}", word(0));
  }
  if (is(Kind::kBadMount) && says("unknown key")) {
    return in_line(fmt::format("unexpected key '{}' in a mount", word(0)));
  }
  return diagnostic.message;
}

}  // namespace

std::string WireMessage(const diag::Diagnostic& diagnostic, source::LineSpan lines) {
  std::string message = Reworded(diagnostic, lines);
  constexpr std::string_view kDidYouMean = "did you mean `";
  for (const std::string& hint : diagnostic.hints) {
    const std::size_t place = hint.find(kDidYouMean);
    if (place != std::string::npos) {
      std::string_view near = Quoted(std::string_view(hint).substr(place)).front();
      while (near.starts_with('-')) {
        near.remove_prefix(1);
      }
      message += fmt::format(" (did you mean {}?)", near);
    }
  }
  return message;
}

}  // namespace loam::driver
