#include "base/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/check.h"

namespace loam {

namespace {

constexpr std::string_view kPrefix = "sha256:";

// Fetched once: EVP_sha256() would look the implementation up on every init (OpenSSL 3).
const EVP_MD* Sha256Method() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  LOAM_CHECK(method != nullptr, "OpenSSL has no SHA256");
  return method;
}

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
  unsigned length = 0;
  const int ok = EVP_Digest(data.data(), data.size(), bytes.data(), &length, Sha256Method(), nullptr);
  LOAM_CHECK(ok == 1 && length == bytes.size(), "SHA256 failed");
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
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() { Reset(); }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  void Reset() const { LOAM_CHECK(EVP_DigestInit_ex2(context, Sha256Method(), nullptr) == 1, "SHA256 init failed"); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::Update(std::string_view data) {
  LOAM_CHECK(EVP_DigestUpdate(state_->context, data.data(), data.size()) == 1, "SHA256 update failed");
  return *this;
}

Sha256& Sha256::Update(std::span<const std::uint8_t> data) {
  LOAM_CHECK(EVP_DigestUpdate(state_->context, data.data(), data.size()) == 1, "SHA256 update failed");
  return *this;
}

Digest Sha256::Finish() {
  Digest::Bytes bytes;
  unsigned length = 0;
  LOAM_CHECK(EVP_DigestFinal_ex(state_->context, bytes.data(), &length) == 1, "SHA256 final failed");
  state_->Reset();
  return Digest(bytes);
}

}  // namespace loam
