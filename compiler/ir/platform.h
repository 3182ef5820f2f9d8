// Platform: os/arch[/variant], normalised the way containerd's platforms package does.
#pragma once

#include <span>
#include <string_view>

namespace loam::ir {

// All text is owned by the Graph's arena (or is static).
struct Platform {
  std::string_view os;
  std::string_view architecture;
  std::string_view variant;
  std::string_view os_version;
  std::span<const std::string_view> os_features;

  template <class Self, class V>
  static void Fields(Self& self, V&& visit) {
    visit("os", self.os);
    visit("architecture", self.architecture);
    visit("variant", self.variant);
    visit("os_version", self.os_version);
    visit("os_features", self.os_features);
  }
};

bool operator==(const Platform& a, const Platform& b);

}  // namespace loam::ir
