#include "base/redact_urls.h"

namespace loam {

std::string RedactUrls(std::string_view text) {
  constexpr std::string_view kMask = "xxxxx";
  constexpr std::string_view kEndOfAuthority = "/?# \t\r\n'\"`<>";
  std::string out;
  while (true) {
    const std::size_t separator = text.find("://");
    if (separator == std::string_view::npos) {
      return out.append(text);
    }
    out.append(text.substr(0, separator + 3));
    text.remove_prefix(separator + 3);
    const std::string_view authority = text.substr(0, text.find_first_of(kEndOfAuthority));
    const std::size_t at = authority.rfind('@');
    if (at == std::string_view::npos) {
      continue;
    }
    const std::string_view user = authority.substr(0, at);
    if (!user.empty()) {
      out.append(user.front() == ':' ? std::string_view() : kMask);
      if (user.find(':') != std::string_view::npos) {
        out.append(1, ':').append(kMask);
      }
    }
    text.remove_prefix(at);
  }
}

}  // namespace loam
