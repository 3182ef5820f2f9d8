// Platforms: what an image runs on. Specifiers, normal forms and matching follow github.com/containerd/platforms.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam {

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;
  std::string os_version;
  std::vector<std::string> os_features;

  // "linux/arm64", "linux/arm/v7": the fields as they are; "unknown" without an OS. FormatPlatformAll has the rest.
  [[nodiscard]] std::string ToString() const;
  friend bool operator==(const Platform&, const Platform&) = default;
};

// "linux", "arm64", "linux/arm/v7", "windows(10.0.17763+feature)/amd64". Aliases are replaced ("x86_64" is amd64); an
// arm without variant keeps none, "…/arm64/v8" keeps its "v8". kInvalidArgument with the reason otherwise.
Result<Platform> ParsePlatform(std::string_view specifier);
// The one spelling by which platforms are compared: "arm" is arm/v7, "arm64/v8" is arm64, features sorted.
Platform NormalizePlatform(Platform platform);
// As ToString, with OS version and features: "windows(10.0.17763)/amd64".
std::string FormatPlatformAll(const Platform& platform);
// The platform this program runs on, with the variant on ARM.
Platform HostPlatform();

// What a wanted platform accepts: itself, then older variants and narrower architectures that run on it (amd64/v3 also
// takes v2, v1 and 386; arm64 also takes arm/v8 … v5). containerd's platforms.Only.
class PlatformMatcher {
 public:
  explicit PlatformMatcher(const Platform& wanted);

  [[nodiscard]] bool Matches(const Platform& platform) const;
  // True if `a` suits better than `b`. A strict weak order.
  [[nodiscard]] bool Less(const Platform& a, const Platform& b) const;

 private:
  [[nodiscard]] std::size_t Rank(const Platform& platform) const;
  std::vector<Platform> accepted_;  // normalised, best first
};

}  // namespace loam
