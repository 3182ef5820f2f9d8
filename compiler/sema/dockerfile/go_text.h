// Text functions whose results end up in digests and image configs, so they have to agree with Go's to the byte: path,
// lists of strings, time.Duration (strconv.Quote: base/go_quote.h; encoding/json: base/go_json.h).
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

// unicode.IsLetter (beyond Latin: by block).
bool IsLetterRune(char32_t rune);

}  // namespace loam::sema
