// Everything that is checked in one file: its mistakes, what static checks warn of, and the rules.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "compiler/ast/earthfile/ast.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/driver/lint/config.h"
#include "compiler/driver/lint/finding.h"
#include "compiler/lint/earthfile/project_uses.h"
#include "compiler/lint/selection.h"
#include "compiler/lint/shellcheck.h"
#include "compiler/sema/build_host.h"
#include "compiler/sema/earthfile/project_host.h"

namespace loam::driver::findings {

struct LintOptions {
  bool build_checks = true;
  // hadolint's rules and ShellCheck.
  loam::lint::Selection selection;
  // How ShellCheck is started; if empty, as the program of this machine.
  loam::lint::RunProgram run_program;
};

// Words as of `--lint`, and what the configuration demands; without either: hadolint's rules, and ShellCheck where it
// is installed.
Result<LintOptions> MakeLintOptions(const LintConfig& config, const std::vector<std::string>& words);

// By place. `host` answers for base images and the context; findings refer to `buffer`, which `sources` owns.
Result<std::vector<Finding>> LintDockerfile(source::SourceManager& sources, const source::Buffer& buffer,
                                            const LintOptions& options, sema::BuildHost& host);

struct EarthfilePlace {
  // Absolute path of the file; "" if it is in no directory.
  std::string path;
  // What the project refers to; null if that is not known.
  const loam::lint::earthfile::ProjectUses* uses = nullptr;
  // Reads other Earthfiles; its invocation directory is that of the file. Null: only the file itself is checked.
  sema::earthfile::ProjectHost* host = nullptr;
};
Result<std::vector<Finding>> LintEarthfile(source::SourceManager& sources, const source::Buffer& buffer,
                                           const EarthfilePlace& place, const LintOptions& options);

// The same for a file that was parsed already; `diagnostics`: what was reported then.
Result<std::vector<Finding>> LintEarthfile(source::SourceManager& sources, const ast::earthfile::Earthfile& file,
                                           const source::Buffer& buffer, std::vector<diag::Diagnostic> diagnostics,
                                           const EarthfilePlace& place, const LintOptions& options);

// What the Earthfiles of these absolute paths refer to; `read` gives their texts, those it cannot read are left out.
loam::lint::earthfile::ProjectUses UsesOf(const std::vector<std::string>& paths,
                                          const std::function<std::optional<std::string>(const std::string&)>& read);

}  // namespace loam::driver::findings
