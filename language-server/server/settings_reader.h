// Settings out of `.loam.toml` and out of what the editor answers to workspace/configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "language-server/features/settings.h"
#include "language-server/protocol/json.h"

namespace loam::lsp {

// The sections the server asks for, in this order.
inline constexpr const char* kConfigurationSections[] = {"loam", "docker.languageserver.diagnostics",
                                                         "docker.languageserver.formatter"};

// `[lint]` as compiler/driver/lint/config.h has it, and (all optional):
//   [editor]         inlay-hints = true, code-lenses = true
//   [format]         keep-continuation-indent = false
// Other tables are left alone. `name` is the file's path; `path`, of the document, is what `ignore` patterns are about.
// kInvalidArgument names the line.
Result<> ApplyToml(std::string_view text, std::string_view name, std::string_view path, Settings& settings);

// The `loam` section: {"lint": {"checks": […], "buildChecks": true, "severity": {…}}, "inlayHints": true,
// "codeLenses": true, "format": {"keepContinuationIndent": false}}. What has another shape is left alone.
void ApplyLoamSection(const Json& section, Settings& settings);

// The settings of the Dockerfile language server in use: severities ("ignore", "warning", "error") of its checks, as
// far as there is a check of ours that means the same, and its formatter.
void ApplyDockerSections(const Json& diagnostics, const Json& formatter, Settings& settings);

}  // namespace loam::lsp
