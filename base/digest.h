// Digest: "sha256:<64 hex>" as a 32-byte value (OCI image-spec, descriptor.md#digests). SHA-256 is the only algorithm
// that Loam produces; parsing another registered one fails with kUnimplemented.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loam {

class Digest {
 public:
  using Bytes = std::array<std::uint8_t, 32>;

  // The empty digest: not the digest of anything, `empty()` is true.
  constexpr Digest() = default;
  constexpr explicit Digest(const Bytes& bytes) : bytes_(bytes), empty_(false) {}

  // Digest of `data`.
  static Digest Of(std::string_view data);
  static Result<Digest> Parse(std::string_view text);

  [[nodiscard]] bool empty() const { return empty_; }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string Hex() const;
  // "sha256:<hex>"; "" for the empty digest.
  [[nodiscard]] std::string ToString() const;

  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  Bytes bytes_{};
  bool empty_ = true;
};

// Incremental SHA-256. Not thread-safe. Usable again after Finish.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& Update(std::string_view data);
  Sha256& Update(std::span<const std::uint8_t> data);
  Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace loam

template <>
struct std::hash<loam::Digest> {
  std::size_t operator()(const loam::Digest& digest) const noexcept {
    std::size_t value = 0;
    static_assert(sizeof(value) <= sizeof(loam::Digest::Bytes));
    __builtin_memcpy(&value, digest.bytes().data(), sizeof(value));
    return value;
  }
};
