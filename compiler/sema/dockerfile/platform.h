// Platforms of the IR, over base/platform.h.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "compiler/ir/graph.h"

namespace loam::sema {

// Texts live in `graph`; see loam::ParsePlatform and loam::NormalizePlatform.
Result<ir::Platform> ParsePlatform(std::string_view text, ir::Graph& graph);
ir::Platform NormalizePlatform(const ir::Platform& platform, ir::Graph& graph);
// os/architecture[/variant]; FormatPlatformFull adds the OS version and features.
std::string FormatPlatform(const ir::Platform& platform);
std::string FormatPlatformFull(const ir::Platform& platform);
// The platform this program runs on.
ir::Platform HostPlatform(ir::Graph& graph);

}  // namespace loam::sema
