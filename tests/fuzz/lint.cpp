// The linter of both languages with all rules: findings and fixes lie in the file.
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "compiler/driver/lint/lint_file.h"
#include "compiler/sema/unknown_build_host.h"
#include "tests/fuzz/target.h"

namespace {

using namespace loam;
using driver::findings::Finding;

void CheckPlaces(const Result<std::vector<Finding>>& findings, const source::Buffer& buffer) {
  LOAM_CHECK(findings.has_value(), findings.has_value() ? "" : findings.error().message().c_str());
  const std::size_t size = buffer.text().size();
  for (const Finding& finding : *findings) {
    LOAM_CHECK(!finding.rule.empty() && !finding.message.empty(), "a finding says which rule, and what");
    if (finding.range.valid() && finding.range.file == buffer.id()) {
      LOAM_CHECK(finding.range.begin <= finding.range.end && finding.range.end <= size, "a finding lies in the file");
    }
    for (const lint::Fix& fix : finding.fixes) {
      for (const diag::Edit& edit : fix.edits) {
        LOAM_CHECK(edit.range.begin <= edit.range.end && edit.range.end <= size, "a fix lies in the file");
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  source::SourceManager sources;
  const auto buffer = sources.AddText("/project/input", std::string(reinterpret_cast<const char*>(data), size));
  if (!buffer) {
    return 0;
  }
  driver::findings::LintOptions options;
  options.selection.hadolint = true;
  sema::UnknownBuildHost host;
  CheckPlaces(driver::findings::LintDockerfile(sources, **buffer, options, host), **buffer);
  const std::string path = "/project/Earthfile";
  const auto uses =
      driver::findings::UsesOf({path}, [&](const std::string&) { return std::string((*buffer)->text()); });
  CheckPlaces(driver::findings::LintEarthfile(sources, **buffer, {path, &uses, nullptr}, options), **buffer);
  return 0;
}
