// Platform specifiers, as containerd's platforms package reads and writes them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "compiler/ir/graph.h"

namespace loam::sema {

// "linux/arm64", "linux/arm/v6", "windows(10.0.17763)/amd64", "arm64": as written, with the aliases of OS and architecture
// replaced. Texts live in `graph`. kInvalidArgument if it is no specifier.
Result<ir::Platform> ParsePlatform(std::string_view text, ir::Graph& graph);
// The canonical platform: "arm" is arm/v7, "arm64/v8" is arm64, "x86_64" is amd64 …
ir::Platform NormalizePlatform(ir::Platform platform, ir::Graph& graph);
// os/architecture[/variant]; FormatPlatformFull adds the OS version and features.
std::string FormatPlatform(const ir::Platform& platform);
std::string FormatPlatformFull(const ir::Platform& platform);
// The platform this program runs on.
ir::Platform HostPlatform();

}  // namespace loam::sema
