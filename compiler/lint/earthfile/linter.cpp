#include "compiler/lint/earthfile/linter.h"

#include <algorithm>
#include <set>
#include <string>

#include "compiler/lint/comment_pragmas.h"
#include "compiler/lint/earthfile/projection.h"
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint {
namespace {

#define LOAM_EARTH_RULE(Name, page, severity, description) \
  {#Name, description, "https://loam.build/docs/checks/earthfile/" page, false, 1, Severity::severity},
constexpr RuleInfo kRules[] = {
#include "compiler/lint/earthfile/rules.def"
};
#undef LOAM_EARTH_RULE

using Check = void (*)(const earthfile::FileView&, const earthfile::Reporter&);
#define LOAM_EARTH_RULE(Name, page, severity, description) &earthfile::Check##Name,
constexpr Check kChecks[] = {
#include "compiler/lint/earthfile/rules.def"
};
#undef LOAM_EARTH_RULE

void Finish(std::vector<Warning>& warnings, const source::Buffer& buffer) {
  const CommentPragmas pragmas(buffer);
  std::erase_if(warnings, [&](const Warning& warning) { return pragmas.Ignores(warning); });
  std::stable_sort(warnings.begin(), warnings.end(), [](const Warning& a, const Warning& b) {
    return a.lines.first != b.lines.first ? a.lines.first < b.lines.first : a.range.begin < b.range.begin;
  });
}

}  // namespace

std::span<const RuleInfo> EarthfileRules() {
  return kRules;
}

std::vector<Warning> CheckEarthfile(const ast::earthfile::Earthfile& file, const source::Buffer& buffer,
                                    const EarthfileLintOptions& options) {
  const earthfile::FileView view = earthfile::MakeFileView(file, buffer, options);
  std::vector<Warning> warnings;
  for (std::size_t i = 0; i < std::size(kRules); ++i) {
    kChecks[i](view, earthfile::Reporter(view, kRules[i], warnings));
  }
  if (options.hadolint) {
    auto more = earthfile::CheckCommands(view);
    std::move(more.begin(), more.end(), std::back_inserter(warnings));
  }
  Finish(warnings, buffer);
  return warnings;
}

Result<std::vector<Warning>> CheckShell(const ast::earthfile::Earthfile& file, const source::Buffer& buffer,
                                        const RunProgram& run) {
  const EarthfileLintOptions options;
  const earthfile::FileView view = earthfile::MakeFileView(file, buffer, options);
  std::vector<Warning> warnings = LOAM_TRY(earthfile::CheckScripts(view, run));
  Finish(warnings, buffer);
  return warnings;
}

}  // namespace loam::lint
