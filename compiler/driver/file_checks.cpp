#include "compiler/driver/file_checks.h"

#include <algorithm>

#include "compiler/sema/dockerfile/check_options.h"
#include "compiler/sema/dockerfile/dockerignore.h"
#include "compiler/syntax/tree.h"

namespace loam::driver {
namespace {

using diag::Kind;

// Mistakes that keep BuildKit from splitting the text into instructions; it then checks nothing.
bool HidesInstructions(Kind kind) {
  return kind == Kind::kNoInstructions || kind == Kind::kLineTooLong || kind == Kind::kUnterminatedHeredoc ||
         kind == Kind::kLoneContinuation || kind == Kind::kDuplicateDirective || kind == Kind::kBadEscapeDirective ||
         kind == Kind::kMissingValue || kind == Kind::kMissingEquals || kind == Kind::kJsonNotStrings;
}

}  // namespace

FileChecks::FileChecks(const CompileOptions& options, sema::BuildHost& host, diag::Emitter& emitter)
    : options_(options), host_(host), emitter_(emitter), parse_emitter_(parse_diagnostics_) {}

Result<> FileChecks::CheckFile(const ast::Dockerfile& file) {
  auto read = lint::Linter::Read::kWell;
  for (diag::Diagnostic& diagnostic : parse_diagnostics_.Take()) {
    if (HidesInstructions(diagnostic.kind)) {
      read = lint::Linter::Read::kNothing;
    } else if (diagnostic.is_error() && read == lint::Linter::Read::kWell) {
      read = lint::Linter::Read::kPartly;
    }
    diag::Emitter::Builder(emitter_, std::move(diagnostic));
  }
  const ast::Directive* directive = file.FindDirective("check");
  const std::string_view text = !options_.dockerfile.check.empty() ? options_.dockerfile.check
                                : directive != nullptr             ? directive->value.text
                                                                   : std::string_view();
  if (!options_.lint && text.empty() && !options_.more_checks.any()) {
    return {};
  }
  auto checks = sema::ParseCheckOptions(text);
  if (read != lint::Linter::Read::kNothing) {
    LOAM_TRY(RunMoreChecks(file, checks ? *checks : sema::CheckOptions()));
  }
  // Options that are wrong are the conversion's to report.
  if (!checks || (!options_.lint && !checks->error)) {
    return {};
  }
  const auto ignore_patterns = [this] {
    const sema::DockerfileOptions& options = options_.dockerfile;
    if (!options.read_dockerignore || !options.remote_context.empty() || options.context_is_input) {
      return std::vector<std::string>();
    }
    // If it cannot be read, the conversion reports it.
    auto patterns = sema::ReadDockerignore(host_, options.context_name, options.file_name);
    return patterns ? std::move(*patterns) : std::vector<std::string>();
  };
  linter_.emplace(
      std::move(*checks), [this] { return emitter_.has_errors(); }, ignore_patterns);
  linter_->CheckFile(file, read);
  return {};
}

Result<> FileChecks::RunMoreChecks([[maybe_unused]] const ast::Dockerfile& file,
                                   [[maybe_unused]] const sema::CheckOptions& checks) {
  const lint::Selection& selection = options_.more_checks;
#ifdef LOAM_ONLY_BUILD_CHECKS
  if (selection.any()) {
    return Unexpected(ErrorCode::kUnimplemented, "this program has no checks beside BuildKit's");
  }
#else
  const source::Buffer& buffer = file.tree->buffer();
  if (selection.hadolint) {
    more_warnings_ = lint::CheckHadolint(file, buffer, selection.hadolint_options, checks);
  }
  if (selection.shellcheck) {
    const lint::RunProgram run =
        options_.run_program ? options_.run_program : lint::RunProgram(lint::RunInstalledProgram);
    auto found = LOAM_TRY(lint::CheckShell(file, buffer, checks, run));
    more_warnings_.insert(more_warnings_.end(), std::make_move_iterator(found.begin()),
                          std::make_move_iterator(found.end()));
  }
#endif
  return {};
}

bool FileChecks::Pass() {
  const auto violation = linter_ ? linter_->Violation() : std::nullopt;
  if (!violation) {
    return true;
  }
  const lint::Warning& last = linter_->warnings().back();
  emitter_.Emit<Kind::kCheckViolation>({}, *violation)
      .Note(last.lines.first == 0 ? last.message : fmt::format("line {}: {}", last.lines.first, last.message))
      .Hint("correct the file, or remove `error=true` from its `check` directive");
  return false;
}

std::vector<lint::Warning> FileChecks::TakeWarnings() {
  auto warnings = linter_ ? linter_->TakeWarnings() : std::vector<lint::Warning>();
  warnings.insert(warnings.end(), std::make_move_iterator(more_warnings_.begin()),
                  std::make_move_iterator(more_warnings_.end()));
  more_warnings_.clear();
  return warnings;
}

}  // namespace loam::driver
