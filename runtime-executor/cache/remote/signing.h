// What requests to clouds are signed with.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace loam::cache {

// HMAC-SHA256 (RFC 2104), 32 bytes.
std::string HmacSha256(std::string_view key, std::string_view text);
std::string HexOf(std::string_view bytes);

// "20261130T210500Z"
std::string AmzDate(WallTime time);
// "Mon, 30 Nov 2026 21:05:00 GMT"
std::string HttpDate(WallTime time);
// A key as a path: every segment escaped, slashes kept.
std::string EscapePath(std::string_view path);

}  // namespace loam::cache
