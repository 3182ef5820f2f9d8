// The [lint] part of `.loam.toml`, which the language server reads too.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/driver/lint/finding.h"

namespace loam::driver::findings {

// Keys (all optional):
//   [lint]
//   checks = ["hadolint", "shellcheck", "DL3057"]   what runs beside the checks that always do
//   build-checks = true                             BuildKit's checks
//   fail-on = "warning"                             the least severity that fails a run
//   ignore = ["vendor/**", "**/testdata/*"]         paths, relative to the file's directory
//   baseline = "lint-baseline.json"
//   trusted-registries = ["docker.io"]
//   required-labels = ["maintainer:email"]
//   strict-labels = false
//   [lint.severity]
//   DL3008 = "off"                                  off, error, warning, info, style, by rule or code
struct LintConfig {
  std::optional<std::vector<std::string>> checks;
  bool build_checks = true;
  std::optional<Severity> fail_on;
  std::vector<std::string> ignore;
  std::string baseline;
  std::vector<std::string> trusted_registries;
  std::vector<std::string> required_labels;
  bool strict_labels = false;
  // nullopt switches the rule off.
  std::map<std::string, std::optional<Severity>, std::less<>> severity;
};

// Tables that are not lint's are left alone; an unknown key in [lint] or a value of another type is kInvalidArgument,
// with its line.
Result<LintConfig> ParseLintConfig(std::string_view text, std::string_view name);

// `path` relative to the directory of the configuration. `*` stays inside of a directory, `**` crosses them; a pattern
// without a slash is about any element, and one that names a directory about all that is in it.
bool IsIgnored(const LintConfig& config, std::string_view path);

// The severity that the configuration says; nullopt: the rule is off.
std::optional<Severity> SeverityOf(const LintConfig& config, const Finding& finding);

}  // namespace loam::driver::findings
