// Go's strconv.Quote, which BuildKit's messages and digests contain.
#pragma once

#include <string>
#include <string_view>

namespace loam {

// unicode.IsPrint, by block beyond Latin.
bool IsGoPrint(char32_t rune);

void AppendGoQuoted(std::string& out, std::string_view text);
std::string GoQuoted(std::string_view text);

}  // namespace loam
