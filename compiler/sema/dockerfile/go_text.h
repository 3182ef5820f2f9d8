// Text functions whose results end up in digests and image configs, so they have to agree with Go's to the byte: path,
// strconv.Quote, time.Duration (encoding/json: base/go_json.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/pattern_matcher.h"

namespace loam::sema {

// path.Join and path.Base: by text only, with '/' as separator (path.Clean is CleanPath of base/pattern_matcher.h).
std::string JoinPath(std::string_view a, std::string_view b);
std::string_view BasePath(std::string_view path);
inline bool IsAbsPath(std::string_view path) {
  return path.starts_with('/');
}

// strconv.Quote.
void AppendQuoted(std::string& out, std::string_view text);
std::string Quoted(std::string_view text);
// fmt's %q and %v of a []string: ["a" "b"], [a b].
std::string QuotedList(std::span<const std::string_view> items);
std::string PlainList(std::span<const std::string_view> items);

// time.Duration's String(): "1h2m3.5s", "0s".
std::string FormatDuration(std::int64_t nanoseconds);
// strconv.ParseBool.
std::optional<bool> ParseBool(std::string_view text);
// strconv.ParseInt(text, base, bits): optional sign, digits only.
std::optional<std::int64_t> ParseInt(std::string_view text, int base, int bits);
std::optional<std::uint64_t> ParseUint(std::string_view text, int base, int bits);

// The text with every byte that is not UTF-8 replaced by U+FFFD, as Go's text scanner reads it.
bool IsUtf8(std::string_view text);
std::string ToUtf8(std::string_view text);
// The code point at `pos`, and its length (1 for a byte that is not UTF-8, read as U+FFFD).
char32_t DecodeRune(std::string_view text, std::size_t pos, std::size_t& length);
void AppendRune(std::string& out, char32_t rune);
// unicode.IsSpace, unicode.IsLetter (beyond Latin: by block), unicode.IsPrint.
bool IsSpaceRune(char32_t rune);
bool IsLetterRune(char32_t rune);
bool IsPrintRune(char32_t rune);

}  // namespace loam::sema
