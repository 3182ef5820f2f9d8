// FromPlatformFlagConstDisallowed: `FROM --platform=linux/amd64` in a stage whose name does not say so.
#include <fmt/format.h>

#include "base/go_quote.h"
#include "base/platform.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class FromPlatformFlagConstDisallowed : public Rule {
 public:
  using Rule::Rule;

  void OnStagePlatform(const ast::From& from, const sema::Expansion& platform,
                       std::span<const std::string_view> /*declared*/, std::string_view /*target_platform*/) override {
    if (!platform.matched.empty() || !platform.unmatched.empty()) {
      return;
    }
    const auto parsed = ParsePlatform(platform.result);
    if (!parsed || from.stage_id.find(parsed->os) != std::string_view::npos ||
        from.stage_id.find(parsed->architecture) != std::string_view::npos) {
      return;
    }
    Report(from.lines, fmt::format("FROM --platform flag should not use constant value {}", GoQuoted(platform.result)));
  }
};

}  // namespace

LOAM_DEFINE_RULE(FromPlatformFlagConstDisallowed)

}  // namespace loam::lint
