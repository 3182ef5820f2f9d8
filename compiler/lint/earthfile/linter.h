// The linter for Earthfiles: the file as written, and what other Earthfiles of the project say of it. Nothing is
// evaluated; the file may have mistakes, and what can be read of it is checked.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "compiler/ast/earthfile/ast.h"
#include "compiler/lint/earthfile/project_uses.h"
#include "compiler/lint/shellcheck.h"
#include "compiler/lint/warning.h"

namespace loam::lint {

struct EarthfileLintOptions {
  // Absolute, of the file; "" if it has none. Then nothing is said that another file may decide.
  std::string directory;
  // What the Earthfiles of the project refer to; null: only what the file itself refers to is known.
  const earthfile::ProjectUses* project = nullptr;
  // hadolint's rules about the commands that RUN starts.
  bool hadolint = false;
};

// All rules, by name.
std::span<const RuleInfo> EarthfileRules();

// Sorted by place. Pragmas in comments switch rules off (comment_pragmas.h).
std::vector<Warning> CheckEarthfile(const ast::earthfile::Earthfile& file, const source::Buffer& buffer,
                                    const EarthfileLintOptions& options);

// ShellCheck over the scripts of RUN.
Result<std::vector<Warning>> CheckShell(const ast::earthfile::Earthfile& file, const source::Buffer& buffer,
                                        const RunProgram& run);

}  // namespace loam::lint
