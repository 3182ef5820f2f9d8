#include "base/digest.h"

#include <fmt/format.h>
// The functions of SHA-256 alone are deprecated in favour of those for any algorithm, which cost a lookup each time and
// bring all algorithms into a static program: 2.8 MB.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "base/check.h"

namespace loam {

namespace {

constexpr std::string_view kPrefix = "sha256:";

int HexValue(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return -1;
}

}  // namespace

Digest Digest::Of(std::string_view data) {
  Bytes bytes;
  // Not SHA256(): that is one of those for any algorithm in disguise.
  SHA256_CTX context{};
  const bool ok = SHA256_Init(&context) == 1 && SHA256_Update(&context, data.data(), data.size()) == 1 &&
                  SHA256_Final(bytes.data(), &context) == 1;
  LOAM_CHECK(ok, "SHA256 failed");
  return Digest(bytes);
}

Result<Digest> Digest::Parse(std::string_view text) {
  if (!text.starts_with(kPrefix)) {
    const bool other = text.starts_with("sha512:") || text.starts_with("sha384:");
    return Unexpected(other ? ErrorCode::kUnimplemented : ErrorCode::kInvalidArgument,
                      other ? fmt::format("digest `{}` is not a sha256 digest, the only algorithm supported", text)
                            : fmt::format("invalid digest `{}`: expected `sha256:` and 64 hexadecimal digits", text));
  }
  const std::string_view hex = text.substr(kPrefix.size());
  Bytes bytes;
  bool valid = hex.size() == bytes.size() * 2;
  for (std::size_t i = 0; valid && i < bytes.size(); ++i) {
    const int high = HexValue(hex[2 * i]);
    const int low = HexValue(hex[2 * i + 1]);
    valid = high >= 0 && low >= 0;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  if (!valid) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("invalid digest `{}`: expected `sha256:` and 64 hexadecimal digits", text));
  }
  return Digest(bytes);
}

std::string Digest::Hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex(bytes_.size() * 2, '0');
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    hex[2 * i] = kDigits[bytes_[i] >> 4];
    hex[2 * i + 1] = kDigits[bytes_[i] & 15];
  }
  return hex;
}

std::string Digest::ToString() const {
  if (empty_) {
    return {};
  }
  std::string text(kPrefix);
  text += Hex();
  return text;
}

struct Sha256::State {
  SHA256_CTX context{};
  State() { Reset(); }
  void Reset() { LOAM_CHECK(SHA256_Init(&context) == 1, "SHA256 init failed"); }
  void Update(const void* data, std::size_t size) {
    LOAM_CHECK(SHA256_Update(&context, data, size) == 1, "SHA256 update failed");
  }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::Update(std::string_view data) {
  state_->Update(data.data(), data.size());
  return *this;
}

Sha256& Sha256::Update(std::span<const std::uint8_t> data) {
  state_->Update(data.data(), data.size());
  return *this;
}

Digest Sha256::Finish() {
  Digest::Bytes bytes;
  LOAM_CHECK(SHA256_Final(bytes.data(), &state_->context) == 1, "SHA256 final failed");
  state_->Reset();
  return Digest(bytes);
}

}  // namespace loam
