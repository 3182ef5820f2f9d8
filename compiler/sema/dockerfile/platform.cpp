#include "compiler/sema/dockerfile/platform.h"

#include <vector>

#include "base/platform.h"

namespace loam::sema {
namespace {

ir::Platform ToIr(const loam::Platform& platform, ir::Graph& graph) {
  std::vector<std::string_view> features;
  for (const std::string& feature : platform.os_features) {
    features.push_back(graph.Intern(feature));
  }
  return {graph.Intern(platform.os), graph.Intern(platform.architecture), graph.Intern(platform.variant),
          graph.Intern(platform.os_version), graph.CopyArray<std::string_view>(features)};
}

loam::Platform FromIr(const ir::Platform& platform) {
  return {std::string(platform.os),
          std::string(platform.architecture),
          std::string(platform.variant),
          std::string(platform.os_version),
          {platform.os_features.begin(), platform.os_features.end()}};
}

}  // namespace

ir::Platform HostPlatform(ir::Graph& graph) {
  return ToIr(loam::HostPlatform(), graph);
}

Result<ir::Platform> ParsePlatform(std::string_view text, ir::Graph& graph) {
  return ToIr(LOAM_TRY(loam::ParsePlatform(text)), graph);
}

ir::Platform NormalizePlatform(const ir::Platform& platform, ir::Graph& graph) {
  // The platform of nearly every build, which is normal already.
  if (platform.os == "linux" && platform.architecture == "amd64" && platform.variant.empty() &&
      platform.os_features.empty()) {
    return platform;
  }
  return ToIr(loam::NormalizePlatform(FromIr(platform)), graph);
}

std::string FormatPlatform(const ir::Platform& platform) {
  return FromIr(platform).ToString();
}
std::string FormatPlatformFull(const ir::Platform& platform) {
  return FormatPlatformAll(FromIr(platform));
}

}  // namespace loam::sema
