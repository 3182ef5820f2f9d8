// RedundantTargetPlatform: `FROM --platform=$TARGETPLATFORM`, which is what FROM does anyway.
#include <algorithm>

#include <fmt/format.h>

#include "compiler/lint/platform_fix.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class RedundantTargetPlatform : public Rule {
 public:
  using Rule::Rule;

  void OnStagePlatform(const ast::From& from, const sema::Expansion& platform,
                       std::span<const std::string_view> /*declared*/, std::string_view target_platform) override {
    const bool only_target = !platform.matched.empty() && platform.unmatched.empty() &&
                             std::all_of(platform.matched.begin(), platform.matched.end(),
                                         [](const auto& name) { return name == "TARGETPLATFORM"; });
    if (only_target && platform.result == target_platform) {
      Report(from.lines,
             fmt::format("Setting platform to predefined {} in FROM is redundant as this is the default behavior",
                         from.platform.text),
             RemovePlatformFixes(from));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(RedundantTargetPlatform)

}  // namespace loam::lint
