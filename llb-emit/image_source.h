// Images as sources, and platforms as messages carry them.
#pragma once

#include <optional>
#include <string_view>

#include "base/platform.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::llb {

// A definition with the image as its only source; `pinned_ref` is a reference with a digest.
[[nodiscard]] pb::Definition ImageDefinition(std::string_view pinned_ref, const Platform& platform);

// None if the message names no operating system.
[[nodiscard]] std::optional<Platform> PlatformOf(const pb::Platform& wire);

}  // namespace loam::llb
