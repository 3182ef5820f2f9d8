// Base64 (RFC 4648, standard alphabet, padded).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace loam {

std::string Base64Encode(std::string_view bytes);
// nullopt for anything that is not base64; padding may be missing, white space may not be there.
std::optional<std::string> Base64Decode(std::string_view text);

}  // namespace loam
