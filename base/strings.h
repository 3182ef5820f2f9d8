// Small string helpers that the standard library lacks.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam {

// Splits at every `separator`; "" gives one empty part. The parts lie in `text`, so it must not be a string about to
// go.
std::vector<std::string_view> Split(std::string_view text, char separator);
template <std::same_as<std::string> Temporary>
std::vector<std::string_view> Split(Temporary&& text, char separator) = delete;
// Splits at the first `separator`; nullopt if there is none.
std::optional<std::pair<std::string_view, std::string_view>> SplitOnce(std::string_view text, char separator);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
// Removes ASCII white space at both ends.
std::string_view TrimSpace(std::string_view text);
std::string ToLowerAscii(std::string_view text);
std::string ToUpperAscii(std::string_view text);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

// The candidate nearest to `word` by edit distance, for did-you-mean; nullopt if none is near enough (more than a third
// of the word's letters, at least one, would have to change), and for very long words and lists.
std::optional<std::string> NearestWord(std::string_view word, const std::vector<std::string>& candidates);

// "1.5 MB": decimal units, three significant digits at most.
std::string HumanBytes(std::uint64_t bytes);

}  // namespace loam
