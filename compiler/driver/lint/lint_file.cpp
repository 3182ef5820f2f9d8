#include "compiler/driver/lint/lint_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/process.h"
#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/driver/compile.h"
#include "compiler/lint/comment_pragmas.h"
#include "compiler/lint/earthfile/linter.h"
#include "compiler/parse/earthfile.h"
#include "compiler/sema/earthfile/check.h"
#include "compiler/sema/earthfile/overlay_project.h"
#include "compiler/sema/earthfile/project.h"

namespace loam::driver::findings {
namespace {

Finding FromWarning(const loam::lint::Warning& warning, const source::Buffer& buffer) {
  Finding finding;
  finding.buffer = &buffer;
  finding.rule = warning.rule->name;
  finding.description = warning.rule->description;
  finding.url = warning.rule->url;
  finding.severity = warning.rule->severity;
  finding.message = warning.message;
  finding.lines = warning.lines;
  finding.range = warning.range;
  finding.fixes = warning.fixes;
  return finding;
}

Finding FromDiagnostic(const diag::Diagnostic& diagnostic, const source::Buffer& buffer) {
  const diag::KindInfo& info = diag::InfoOf(diagnostic.kind);
  Finding finding;
  finding.buffer = &buffer;
  finding.rule = info.code;
  finding.description = info.name;
  finding.url = fmt::format("https://loam.build/docs/diagnostics#{}", info.slug);
  finding.severity = diagnostic.is_error() ? Severity::kError : Severity::kWarning;
  finding.message = diagnostic.message;
  for (const std::string& hint : diagnostic.hints) {
    finding.message += fmt::format("; {}", hint);
  }
  if (diagnostic.range.valid()) {
    finding.range = buffer.Range(diagnostic.range.begin, diagnostic.range.end);
    finding.lines = buffer.LinesOf(finding.range);
  }
  for (const diag::FixIt& fix : diagnostic.fixes) {
    loam::lint::Fix made{fix.title, fix.edits, loam::lint::FixSafety::kUnsafe};
    for (diag::Edit& edit : made.edits) {
      edit.range.file = buffer.id();
    }
    finding.fixes.push_back(std::move(made));
  }
  return finding;
}

void Sort(std::vector<Finding>& findings) {
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return a.lines.first != b.lines.first ? a.lines.first < b.lines.first : a.range.begin < b.range.begin;
  });
}

std::string DirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, std::max<std::size_t>(slash, 1));
}

// A rule says the same as this warning of the static check, and more.
bool IsToldByRule(const diag::Diagnostic& diagnostic, const std::vector<loam::lint::Warning>& warnings) {
  using diag::Kind;
  if (diagnostic.kind != Kind::kEarthUnused && diagnostic.kind != Kind::kEarthUnknownArg) {
    return false;
  }
  return std::any_of(warnings.begin(), warnings.end(), [&](const loam::lint::Warning& warning) {
    const std::string_view name = warning.rule->name;
    return (name == "UnusedArg" || name == "UnusedVariable" || name == "UnknownArgument") &&
           warning.range.begin < diagnostic.range.end && diagnostic.range.begin < warning.range.end;
  });
}

}  // namespace

Result<LintOptions> MakeLintOptions(const LintConfig& config, const std::vector<std::string>& words) {
  LintOptions options;
  options.build_checks = config.build_checks;
  std::vector<std::string> wanted = words;
  if (wanted.empty()) {
    if (config.checks) {
      wanted = *config.checks;
    } else {
      wanted = {"hadolint"};
      if (FindProgram("shellcheck")) {
        wanted.emplace_back("shellcheck");
      }
    }
  }
  std::erase(wanted, "none");
  options.selection = LOAM_TRY(loam::lint::ParseSelection(wanted));
  loam::lint::HadolintOptions& hadolint = options.selection.hadolint_options;
  hadolint.trusted_registries = config.trusted_registries;
  hadolint.strict_labels = config.strict_labels;
  for (const std::string& label : config.required_labels) {
    hadolint.label_schema.insert(LOAM_TRY(loam::lint::ParseLabelRule(label)));
  }
  return options;
}

Result<std::vector<Finding>> LintDockerfile(source::SourceManager& sources, const source::Buffer& buffer,
                                            const LintOptions& options, sema::BuildHost& host) {
  CompileOptions compile;
  compile.stop_after = StopAfter::kSema;
  compile.metadata = false;
  compile.lint = options.build_checks;
  compile.all_stages = true;
  compile.more_checks = options.selection;
  compile.run_program = options.run_program;
  compile.dockerfile.read_dockerignore = true;
  compile.dockerfile.build_platform = "linux/amd64";
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const CompileResult result = LOAM_TRY(Compile(sources, buffer, compile, host, emitter));
  std::vector<Finding> findings;
  for (const diag::Diagnostic& diagnostic : consumer.diagnostics()) {
    findings.push_back(FromDiagnostic(diagnostic, buffer));
  }
  const loam::lint::CommentPragmas pragmas(buffer);
  for (const loam::lint::Warning& warning : result.warnings) {
    if (!pragmas.Ignores(warning)) {
      findings.push_back(FromWarning(warning, buffer));
    }
  }
  Sort(findings);
  return findings;
}

Result<std::vector<Finding>> LintEarthfile(source::SourceManager& sources, const source::Buffer& buffer,
                                           const EarthfilePlace& place, const LintOptions& options) {
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto file = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(buffer, emitter), emitter);
  return LintEarthfile(sources, file, buffer, consumer.Take(), place, options);
}

Result<std::vector<Finding>> LintEarthfile(source::SourceManager& sources, const ast::earthfile::Earthfile& file,
                                           const source::Buffer& buffer, std::vector<diag::Diagnostic> diagnostics,
                                           const EarthfilePlace& place, const LintOptions& options) {
  loam::lint::EarthfileLintOptions lint;
  lint.directory = DirectoryOf(place.path);
  lint.project = place.uses;
  lint.hadolint = options.selection.hadolint;
  const std::vector<loam::lint::Warning> warnings = loam::lint::CheckEarthfile(file, buffer, lint);
  std::vector<Finding> findings;
  for (const loam::lint::Warning& warning : warnings) {
    findings.push_back(FromWarning(warning, buffer));
  }
  if (options.selection.shellcheck) {
    const loam::lint::RunProgram run =
        options.run_program ? options.run_program : loam::lint::RunProgram(loam::lint::RunInstalledProgram);
    for (const loam::lint::Warning& warning : LOAM_TRY(loam::lint::CheckShell(file, buffer, run))) {
      findings.push_back(FromWarning(warning, buffer));
    }
  }
  const bool is_broken = std::any_of(diagnostics.begin(), diagnostics.end(),
                                     [](const diag::Diagnostic& diagnostic) { return diagnostic.is_error(); });
  if (!is_broken && place.host != nullptr && file.version != nullptr) {
    diag::CollectingConsumer consumer;
    sema::earthfile::OverlayProjectHost host(*place.host, lint.directory,
                                             {{lint.directory + "/Earthfile", std::string(buffer.text())}});
    sema::earthfile::Project project(host, sources, {});
    sema::earthfile::Reference root;
    root.local_path = ".";
    root.name =
        file.targets.empty() ? std::string(sema::earthfile::kBaseTarget) : std::string(file.targets.front().name);
    diag::Emitter checks(consumer);
    CheckProject(project, root, {.whole_files = true, .follow_remotes = false}, checks);
    const auto files = project.files();
    diagnostics.clear();
    for (diag::Diagnostic& diagnostic : consumer.Take()) {
      // Other files are told of when they are checked themselves.
      if (!files.empty() && diagnostic.range.valid() && diagnostic.range.file == files.front()->buffer->id()) {
        diagnostics.push_back(std::move(diagnostic));
      }
    }
  }
  const loam::lint::CommentPragmas pragmas(buffer);
  for (const diag::Diagnostic& diagnostic : diagnostics) {
    Finding finding = FromDiagnostic(diagnostic, buffer);
    const bool ignored = !diagnostic.is_error() && pragmas.Ignores(finding.rule, finding.lines);
    if (!ignored && !IsToldByRule(diagnostic, warnings)) {
      findings.push_back(std::move(finding));
    }
  }
  Sort(findings);
  return findings;
}

loam::lint::earthfile::ProjectUses UsesOf(const std::vector<std::string>& paths,
                                          const std::function<std::optional<std::string>(const std::string&)>& read) {
  loam::lint::earthfile::ProjectUses uses;
  for (const std::string& path : paths) {
    const std::optional<std::string> text = read(path);
    source::SourceManager sources;
    const auto buffer = text ? sources.AddText(path, *text) : sources.AddText(path, "");
    if (!buffer) {
      continue;
    }
    diag::CollectingConsumer consumer;
    diag::Emitter emitter(consumer);
    const auto file = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(**buffer, emitter), emitter);
    uses.Add(sema::earthfile::ReadSymbols(file, **buffer), DirectoryOf(path));
  }
  return uses;
}

}  // namespace loam::driver::findings
