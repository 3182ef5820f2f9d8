// Text without credentials, for messages, logs and descriptions.
#pragma once

#include <string>
#include <string_view>

namespace loam {

// User name and password of every URL in `text` ("scheme://user:password@host") as "xxxxx". The user of an scp-like
// address (git@host:path) is no secret.
std::string RedactUrls(std::string_view text);

}  // namespace loam
