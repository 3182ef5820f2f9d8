// Text for XML documents.
#pragma once

#include <string>
#include <string_view>

namespace loam {

// For contents and double-quoted attributes. Line ends and tabs stay what they are also in attributes; other control
// characters, which XML 1.0 does not have, become '?'.
std::string XmlEscaped(std::string_view text);

}  // namespace loam
