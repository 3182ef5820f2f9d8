#include "compiler/sema/dockerfile/shell_pattern.h"

#include <vector>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/utf8.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
namespace {

Result<std::string> ToRegex(std::string_view pattern, bool greedy, bool anchored) {
  std::string out = anchored ? "^" : "";
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*') {
      out += greedy ? ".*" : ".*?";
    } else if (c == '?') {
      out += '.';
    } else if (c == '\\') {
      const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
      // `\}` and `\/` only kept the expansion from ending.
      if (next == '}' || next == '/') {
        continue;
      }
      if (next != '*' && next != '?' && next != '\\') {
        const std::string_view rest = pattern.substr(i + 1);
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("invalid escape '\\{}'", rest.substr(0, DecodeRune(rest).size)));
      }
      out += '\\';
      out += next;
      ++i;
    } else {
      if (std::string_view("[]{}.+()|^$").find(c) != std::string_view::npos) {
        out += '\\';
      }
      out += c;
    }
  }
  return out;
}

struct Match {
  std::size_t begin;
  std::size_t end;
};

class Pattern {
 public:
  explicit Pattern(const std::string& regex) : re_(regex, Options()) {}
  [[nodiscard]] bool ok() const { return re_.ok(); }
  [[nodiscard]] bool Find(std::string_view value, std::size_t from, Match& match) const {
    re2::StringPiece found;
    if (!re_.Match(re2::StringPiece(value.data(), value.size()), from, value.size(), RE2::UNANCHORED, &found, 1)) {
      return false;
    }
    match.begin = static_cast<std::size_t>(found.data() - value.data());
    match.end = match.begin + found.size();
    return true;
  }

 private:
  static RE2::Options Options() {
    RE2::Options options;
    options.set_log_errors(false);
    return options;
  }
  RE2 re_;
};

std::string Encode(const std::u32string& runes) {
  std::string text;
  for (const char32_t rune : runes) {
    AppendRune(text, rune);
  }
  return text;
}

std::string Reversed(std::string_view text) {
  const std::u32string runes = DecodeRunes(text);
  return Encode(std::u32string(runes.rbegin(), runes.rend()));
}

// An escape stays in front of what it escapes: `a\*c` becomes `c\*a`.
std::string ReversedPattern(std::string_view pattern) {
  const std::u32string runes = DecodeRunes(pattern);
  std::vector<std::u32string> parts;
  for (std::size_t i = 0; i < runes.size(); ++i) {
    const std::size_t size = runes[i] == '\\' && i + 1 < runes.size() ? 2 : 1;
    parts.push_back(runes.substr(i, size));
    i += size - 1;
  }
  std::u32string reversed;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    reversed += *part;
  }
  return Encode(reversed);
}

// The replacement is a template of Go's regexp package: `$name` and `${name}` are groups, and there are none but 0.
void AppendTemplate(std::string& out, std::string_view replacement, std::string_view whole) {
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '$' || i + 1 == replacement.size()) {
      out += replacement[i];
      continue;
    }
    if (replacement[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    const bool brace = replacement[i + 1] == '{';
    const std::size_t start = i + (brace ? 2 : 1);
    std::size_t end = start;
    while (end < replacement.size()) {
      const auto [rune, length] = DecodeRune(replacement.substr(end));
      if (!IsLetterRune(rune) && !(rune >= '0' && rune <= '9') && rune != '_') {
        break;
      }
      end += length;
    }
    if (end == start || (brace && (end == replacement.size() || replacement[end] != '}'))) {
      out += '$';
      continue;
    }
    if (replacement.substr(start, end - start) == "0") {
      out += whole;
    }
    i = brace ? end : end - 1;
  }
}

}  // namespace

Result<std::string> TrimMatchingPrefix(std::string_view pattern, std::string_view value, bool greedy) {
  const Pattern compiled(LOAM_TRY(ToRegex(pattern, greedy, true)));
  Match match{};
  if (compiled.ok() && compiled.Find(value, 0, match)) {
    value.remove_prefix(match.end);
  }
  return std::string(value);
}

Result<std::string> TrimMatchingSuffix(std::string_view pattern, std::string_view value, bool greedy) {
  // The shortest match at the end is the shortest one at the start of the reversed text.
  return Reversed(LOAM_TRY(TrimMatchingPrefix(ReversedPattern(pattern), Reversed(value), greedy)));
}

Result<std::string> ReplaceMatches(std::string_view pattern, std::string_view value, std::string_view replacement,
                                   bool all, std::size_t limit) {
  const Pattern compiled(LOAM_TRY(ToRegex(pattern, true, false)));
  Match match{};
  if (!compiled.ok()) {
    return std::string(value);
  }
  if (!all) {
    if (!compiled.Find(value, 0, match)) {
      return std::string(value);
    }
    return std::string(value.substr(0, match.begin)).append(replacement).append(value.substr(match.end));
  }
  std::string out;
  std::size_t last = 0;
  for (std::size_t search = 0; search <= value.size() && out.size() <= limit && compiled.Find(value, search, match);) {
    out += value.substr(last, match.begin - last);
    // No empty match right behind another match.
    if (match.end > last || match.begin == 0) {
      AppendTemplate(out, replacement, value.substr(match.begin, match.end - match.begin));
    }
    last = match.end;
    const std::size_t width = search < value.size() ? DecodeRune(value.substr(search)).size : 0;
    search = std::max(match.end, search + std::max<std::size_t>(width, 1));
  }
  return out.append(value.substr(last));
}

}  // namespace loam::sema
