#include "runtime-executor/cache/remote/signing.h"

#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/digest.h"
#include "base/strings.h"
#include "runtime-executor/registry/http_client.h"

namespace loam::cache {
namespace {

constexpr std::size_t kBlock = 64;

std::string BytesOf(const Digest& digest) {
  return {digest.bytes().begin(), digest.bytes().end()};
}

std::tm UtcOf(WallTime time) {
  return fmt::gmtime(
      std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::system_clock::duration>(time)));
}

}  // namespace

std::string HmacSha256(std::string_view key, std::string_view text) {
  std::string block(key.size() > kBlock ? BytesOf(Digest::Of(key)) : std::string(key));
  block.resize(kBlock, '\0');
  std::string inner = block;
  std::string outer = block;
  for (std::size_t i = 0; i < kBlock; ++i) {
    inner[i] = static_cast<char>(inner[i] ^ 0x36);
    outer[i] = static_cast<char>(outer[i] ^ 0x5c);
  }
  inner += text;
  return BytesOf(Digest::Of(outer + BytesOf(Digest::Of(inner))));
}

std::string HexOf(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) {
    hex += fmt::format("{:02x}", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  }
  return hex;
}

std::string AmzDate(WallTime time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", UtcOf(time));
}

std::string HttpDate(WallTime time) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", UtcOf(time));
}

std::string EscapePath(std::string_view path) {
  std::string escaped;
  bool first = true;
  for (const std::string_view segment : Split(path, '/')) {
    escaped += (first ? "" : "/") + registry::UrlEscape(segment);
    first = false;
  }
  return escaped;
}

}  // namespace loam::cache
