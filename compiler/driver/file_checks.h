// FileChecks: the build checks of one compilation, where they are wanted.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/driver/compile.h"
#include "compiler/lint/linter.h"

namespace loam::driver {

class FileChecks {
 public:
  // All arguments outlive it.
  FileChecks(const CompileOptions& options, sema::BuildHost& host, diag::Emitter& emitter);

  // Where the front reports to: it matters to the checks what kind of mistake it finds. CheckFile passes all of it on.
  diag::Emitter& parse_emitter() { return parse_emitter_; }
  // Fails only if ShellCheck is wanted and cannot be run.
  Result<> CheckFile(const ast::Dockerfile& file);
  // Null if nothing is checked.
  sema::Observer* observer() { return linter_ ? &*linter_ : nullptr; }
  // Reports a violation, if the file says that warnings are errors; false if there is one.
  bool Pass();
  std::vector<lint::Warning> TakeWarnings();

 private:
  const CompileOptions& options_;
  sema::BuildHost& host_;
  diag::Emitter& emitter_;
  diag::CollectingConsumer parse_diagnostics_;
  diag::Emitter parse_emitter_;
  Result<> RunMoreChecks(const ast::Dockerfile& file, const sema::CheckOptions& checks);

  std::optional<lint::Linter> linter_;
  std::vector<lint::Warning> more_warnings_;
};

}  // namespace loam::driver
