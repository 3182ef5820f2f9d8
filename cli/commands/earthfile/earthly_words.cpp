#include "cli/commands/earthfile/earthly_words.h"

#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::cli {
namespace {

using diag::Kind;

constexpr std::string_view kPlaceholder = "{}";
// Codes of diagnostics of text and structure.
constexpr std::string_view kTextCodes = "LE00";

struct Words {
  Kind kind;
  std::string_view text;
};
constexpr std::array kWords = {
#define LOAM_EARTHLY_WORDS(kind, text) Words{Kind::k##kind, text},
#include "cli/commands/earthfile/earthly_words.def"
#undef LOAM_EARTHLY_WORDS
};

// What stands in a message for the placeholders of its format.
std::vector<std::string_view> ArgumentsOf(std::string_view format, std::string_view message) {
  std::vector<std::string_view> arguments;
  std::size_t at = format.find(kPlaceholder);
  message.remove_prefix(std::min(at, message.size()));
  while (at != std::string_view::npos) {
    const std::size_t begin = at + kPlaceholder.size();
    at = format.find(kPlaceholder, begin);
    const std::string_view between = format.substr(begin, at == std::string_view::npos ? at : at - begin);
    // The last argument reaches as far as it can.
    const std::size_t end = at == std::string_view::npos ? message.rfind(between) : message.find(between);
    arguments.push_back(message.substr(0, end));
    message.remove_prefix(std::min(end == std::string_view::npos ? end : end + between.size(), message.size()));
  }
  return arguments;
}

std::string Fill(std::string_view text, const std::vector<std::string_view>& arguments) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') {
      out += text[i];
      continue;
    }
    const bool plain = text[++i] == '-';
    i += plain ? 1 : 0;
    const auto index = static_cast<std::size_t>(text[i++] - '0');
    std::string_view argument = index < arguments.size() ? arguments[index] : std::string_view();
    if (plain) {
      argument.remove_prefix(std::min(argument.find_first_not_of('-'), argument.size()));
    }
    out.append(argument);
  }
  return out;
}

// earthly looks at the form of the last word of VERSION first, then at the number.
std::string BadVersionWords(std::string_view word) {
  const auto parts = SplitOnce(word, '.');
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return parts && is_number(parts->first) && is_number(parts->second)
             ? "Earthfile version is invalid, supported versions are 0.6, 0.7, or 0.8"
             : "unexpected VERSION arguments; should be VERSION [flags] <major-version>.<minor-version>";
}

std::string PlaceOf(source::SourceRange range, const source::SourceManager& sources) {
  const source::Buffer* const buffer = range.valid() ? sources.Find(range.file) : nullptr;
  if (buffer == nullptr) {
    return {};
  }
  const source::LineColumn place = buffer->lines().Utf16Column(buffer->text(), range.begin);
  return fmt::format("{}:{}:{} ", buffer->name(), place.line, place.column - 1);
}

}  // namespace

std::optional<std::string> EarthlyWords(const diag::Diagnostic& diagnostic) {
  const diag::KindInfo& info = diag::InfoOf(diagnostic.kind);
  if (diagnostic.kind == Kind::kEarthBadVersion) {
    return BadVersionWords(ArgumentsOf(info.format, diagnostic.message).front());
  }
  for (const Words& words : kWords) {
    if (words.kind != diagnostic.kind) {
      continue;
    }
    std::vector<std::string_view> arguments = ArgumentsOf(info.format, diagnostic.message);
    if (words.kind == Kind::kEarthFeatureOff && arguments.front() == "RUN --oidc") {
      arguments.front() = "RUN --aws-oidc";  // earthly calls the flag by its feature's name
    }
    std::string text = Fill(words.text, arguments);
    return info.code.starts_with(kTextCodes) ? "syntax error: " + text : text;
  }
  if (info.code.starts_with(kTextCodes)) {
    return "syntax error";
  }
  return std::nullopt;
}

std::string RenderEarthlyWords(std::span<const diag::Diagnostic> diagnostics, const source::SourceManager& sources) {
  std::string out;
  for (const diag::Diagnostic& diagnostic : diagnostics) {
    if (!diagnostic.is_error()) {
      continue;
    }
    const std::string words = EarthlyWords(diagnostic).value_or(diagnostic.message);
    out += fmt::format("Error: {}{}\n", PlaceOf(diagnostic.range, sources), words);
    for (const std::string& hint : diagnostic.hints) {
      out += fmt::format("Hint: {}\n", hint);
    }
  }
  return out;
}

}  // namespace loam::cli
