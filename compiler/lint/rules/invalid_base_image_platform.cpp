// InvalidBaseImagePlatform: the registry had the image for another platform only.
#include <fmt/format.h>

#include "base/go_quote.h"
#include "compiler/lint/rule.h"
#include "compiler/sema/dockerfile/platform.h"

namespace loam::lint {
namespace {

class InvalidBaseImagePlatform : public Rule {
 public:
  using Rule::Rule;

  void OnBaseImage(LineSpan lines, std::string_view name, const ir::Platform& wanted,
                   const ir::Platform& actual) override {
    if (wanted.os == actual.os && wanted.architecture == actual.architecture) {
      return;
    }
    ir::Graph texts;
    const auto format = [&](const ir::Platform& platform) {
      return GoQuoted(sema::FormatPlatformFull(sema::NormalizePlatform(platform, texts)));
    };
    Report(lines, fmt::format("Base image {} was pulled with platform {}, expected {} for current build", name,
                              format(actual), format(wanted)));
  }
};

}  // namespace

LOAM_DEFINE_RULE(InvalidBaseImagePlatform)

}  // namespace loam::lint
