// loam lint: all checks of Dockerfiles and Earthfiles.

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/line_diff.h"
#include "base/print.h"
#include "cli/commands/build_files.h"
#include "cli/commands/rewrite_file.h"
#include "cli/commands/verbs.h"
#include "compiler/driver/lint/baseline.h"
#include "compiler/driver/lint/config.h"
#include "compiler/driver/lint/fix_earthfile.h"
#include "compiler/driver/lint/lint_file.h"
#include "compiler/driver/lint/report.h"
#include "compiler/lint/earthfile/linter.h"
#include "compiler/sema/assumed_build_host.h"
#include "compiler/sema/earthfile/local_project.h"

namespace loam::cli {
namespace {

namespace fs = std::filesystem;
using driver::findings::Baseline;
using driver::findings::Finding;
using driver::findings::LintConfig;

constexpr Flag kFlags[] = {
    {.name = "format",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "FORMAT",
     .help = "text, json, sarif, github or checkstyle",
     .completion = "text|json|sarif|github|checkstyle"},
    {.name = "lint",
     .short_name = 0,
     .kind = FlagKind::kList,
     .value_name = "CHECKS",
     .help = "checks beside those that always run: hadolint, shellcheck, DL3057, …, or none (default: hadolint, and "
             "shellcheck where it is installed)"},
    {.name = "fail-on",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "SEVERITY",
     .help = "the least severity that fails: error, warning (default), info, style, or never",
     .completion = "error|warning|info|style|never"},
    {.name = "min-severity",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "SEVERITY",
     .help = "the least severity that is told (default: style)",
     .completion = "error|warning|info|style"},
    {.name = "fix",
     .short_name = 0,
     .kind = FlagKind::kOptional,
     .value_name = "safe|unsafe",
     .help = "correct the files; `unsafe` also where it changes what is built"},
    {.name = "dry-run",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "with --fix: print the changes as a diff, write nothing"},
    {.name = "baseline",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "FILE",
     .help = "leave out the findings that this file lists",
     .completion = "file"},
    {.name = "write-baseline",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "FILE",
     .help = "list all findings in this file, and succeed",
     .completion = "file"},
    {.name = "config",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "FILE",
     .help = "the configuration (default: .loam.toml here or in a directory above)",
     .completion = "file"},
    {.name = "rules",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "list the rules for Earthfiles"},
    kLanguageFlag,
    kStdinNameFlag,
};

// Answers for the files beside a Dockerfile, and assumes the rest.
class FolderHost : public sema::AssumedBuildHost {
 public:
  explicit FolderHost(fs::path folder) : folder_(std::move(folder)) {}

  Result<std::string> ReadContextFile(std::string_view, std::string_view path) override {
    return loam::ReadFile((folder_ / path).string());
  }
  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override {
    return loam::ReadFile((folder_ / path).string());
  }

 private:
  fs::path folder_;
};

struct LintRun {
  LintConfig config;
  fs::path config_folder;
  driver::findings::LintOptions options;
  driver::findings::Severity min_severity = driver::findings::Severity::kStyle;
  std::optional<driver::findings::Severity> fail_on = driver::findings::Severity::kWarning;
  std::string format = "text";
  bool fix = false;
  bool unsafe = false;
  bool dry_run = false;
};

Result<> ReadConfig(const Flags& flags, LintRun& run) {
  fs::path path = flags.String("config");
  run.config_folder = fs::current_path();
  if (path.empty()) {
    for (fs::path folder = fs::current_path();; folder = folder.parent_path()) {
      std::error_code error;
      if (fs::exists(folder / ".loam.toml", error)) {
        path = folder / ".loam.toml";
        break;
      }
      if (folder == folder.parent_path()) {
        return {};
      }
    }
  }
  run.config_folder = fs::absolute(path).parent_path();
  run.config = LOAM_TRY(driver::findings::ParseLintConfig(LOAM_TRY(loam::ReadFile(path.string())), path.string()));
  return {};
}

Result<> ReadFlags(const Flags& flags, LintRun& run) {
  const auto wrong = [](std::string text, std::string hint) {
    return Unexpected(Error(ErrorCode::kInvalidArgument, std::move(text)).WithHint(std::move(hint)));
  };
  if (flags.Has("format")) {
    run.format = flags.String("format");
    constexpr std::string_view kFormats[] = {"text", "json", "sarif", "github", "checkstyle"};
    if (std::find(std::begin(kFormats), std::end(kFormats), run.format) == std::end(kFormats)) {
      return wrong(fmt::format("`--format={}` is no format", run.format), "text, json, sarif, github or checkstyle");
    }
  }
  LOAM_TRY(ReadConfig(flags, run));
  run.options = LOAM_TRY(driver::findings::MakeLintOptions(run.config, flags.List("lint")));
  if (run.config.fail_on) {
    run.fail_on = run.config.fail_on;
  }
  if (flags.Has("fail-on")) {
    const std::string word = flags.String("fail-on");
    run.fail_on = driver::findings::ParseSeverity(word);
    if (!run.fail_on && word != "never") {
      return wrong(fmt::format("`--fail-on={}` is no severity", word), "error, warning, info, style or never");
    }
  }
  if (flags.Has("min-severity")) {
    const auto severity = driver::findings::ParseSeverity(flags.String("min-severity"));
    if (!severity) {
      return wrong(fmt::format("`--min-severity={}` is no severity", flags.String("min-severity")),
                   "error, warning, info or style");
    }
    run.min_severity = *severity;
  }
  if (flags.Has("fix")) {
    const std::string how = flags.String("fix");
    if (!how.empty() && how != "true" && how != "safe" && how != "unsafe") {
      return wrong(fmt::format("`--fix={}` is no way to fix", how), "--fix, --fix=safe or --fix=unsafe");
    }
    run.fix = true;
    run.unsafe = how == "unsafe";
  }
  run.dry_run = flags.Bool("dry-run");
  if (run.dry_run && !run.fix) {
    return Unexpected(ErrorCode::kInvalidArgument, "`--dry-run` belongs to `--fix`");
  }
  return {};
}

std::string AbsolutePath(const BuildFile& file) {
  return file.path == "-" && file.name == "<stdin>" ? std::string()
                                                    : fs::absolute(file.name).lexically_normal().string();
}

// What the Earthfiles below the current directory, and those that are linted, refer to.
loam::lint::earthfile::ProjectUses FindUses(const std::vector<BuildFile>& files) {
  std::vector<std::string> paths;
  const Result<Flags> here = Flags::Parse({}, {"."});
  if (here) {
    if (const auto all = FindBuildFiles(*here)) {
      for (const BuildFile& file : *all) {
        if (file.language == Language::kEarthfile) {
          paths.push_back(AbsolutePath(file));
        }
      }
    }
  }
  for (const BuildFile& file : files) {
    const std::string path = AbsolutePath(file);
    if (file.language == Language::kEarthfile && !path.empty() &&
        std::find(paths.begin(), paths.end(), path) == paths.end()) {
      paths.push_back(path);
    }
  }
  return driver::findings::UsesOf(paths, [](const std::string& path) -> std::optional<std::string> {
    auto text = loam::ReadFile(path);
    return text ? std::optional(*std::move(text)) : std::nullopt;
  });
}

class Linter {
 public:
  Linter(const Context& context, const LintRun& run, const std::vector<BuildFile>& files)
      : context_(context), run_(run), uses_(FindUses(files)) {}

  // The findings of one file, fixed before if that was asked for.
  Result<std::vector<Finding>> Lint(source::SourceManager& sources, const BuildFile& file) {
    std::string text = LOAM_TRY(ReadBuildFile(context_, file));
    const std::string path = AbsolutePath(file);
    const fs::path folder = path.empty() ? fs::current_path() : fs::path(path).parent_path();
    FolderHost host(folder);
    sema::earthfile::LocalProjectOptions local;
    local.directory = folder.string();
    local.offline = true;
    sema::earthfile::LocalProjectHost projects(local);
    const driver::findings::EarthfilePlace place{path, path.empty() ? nullptr : &uses_,
                                                 path.empty() ? nullptr : &projects};
    const bool is_earthfile = file.language == Language::kEarthfile;
    if (run_.fix) {
      driver::CompileOptions compile;
      compile.more_checks = run_.options.selection;
      compile.run_program = run_.options.run_program;
      compile.dockerfile.build_platform = "linux/amd64";
      const driver::FixOptions fix{.unsafe = run_.unsafe};
      const driver::FixOutcome outcome =
          LOAM_TRY(is_earthfile ? driver::findings::FixEarthfile(file.name, text, place, run_.options, fix)
                                : driver::FixDockerfile(file.name, text, compile, host, fix));
      LOAM_TRY(Write(file, text, outcome));
      text = outcome.text;
    }
    const source::Buffer* buffer = LOAM_TRY(sources.AddText(file.name, text));
    return is_earthfile ? driver::findings::LintEarthfile(sources, *buffer, place, run_.options)
                        : driver::findings::LintDockerfile(sources, *buffer, run_.options, host);
  }

 private:
  Result<> Write(const BuildFile& file, const std::string& before, const driver::FixOutcome& outcome) const {
    if (run_.dry_run) {
      PrintTo(context_.out, "{}", UnifiedDiff(before, outcome.text, "a/" + file.name, "b/" + file.name));
    } else if (outcome.text != before) {
      if (file.path == "-") {
        return Unexpected(Error(ErrorCode::kInvalidArgument, "`--fix` cannot write to standard input")
                              .WithHint("`--fix --dry-run` prints the changes"));
      }
      LOAM_TRY(RewriteFile(file.path, outcome.text));
    }
    for (const driver::FixReport& report : outcome.reports) {
      PrintTo(context_.err, "{}:{}: {}: {} ({}){}\n", file.name, report.lines.first,
              report.applied ? "fixed" : "not fixed", report.title, report.rule,
              report.changes.empty() ? std::string() : fmt::format(": {}", fmt::join(report.changes, "; ")));
    }
    return {};
  }

  const Context& context_;
  const LintRun& run_;
  loam::lint::earthfile::ProjectUses uses_;
};

std::string Report(const LintRun& run, const std::vector<Finding>& findings, bool color) {
  if (run.format == "json") {
    return driver::findings::JsonReport(findings);
  }
  if (run.format == "sarif") {
    return driver::findings::SarifReport(findings, LOAM_VERSION);
  }
  if (run.format == "github") {
    return driver::findings::GithubReport(findings);
  }
  if (run.format == "checkstyle") {
    return driver::findings::CheckstyleReport(findings);
  }
  return driver::findings::TextReport(findings, color);
}

Result<std::vector<Finding>> LintAll(const Context& context, const LintRun& run, const std::vector<BuildFile>& files,
                                     source::SourceManager& sources) {
  std::vector<Finding> all;
  Linter linter(context, run, files);
  for (const BuildFile& file : files) {
    const std::string path = AbsolutePath(file);
    if (!path.empty() &&
        driver::findings::IsIgnored(run.config, fs::path(path).lexically_relative(run.config_folder).string())) {
      continue;
    }
    for (Finding& finding : LOAM_TRY(linter.Lint(sources, file))) {
      if (const auto severity = driver::findings::SeverityOf(run.config, finding)) {
        finding.severity = *severity;
        all.push_back(std::move(finding));
      }
    }
  }
  return all;
}

Result<bool> Finish(const Context& context, const Flags& flags, const LintRun& run, std::vector<Finding> findings) {
  if (flags.Has("write-baseline")) {
    const std::string path = flags.String("write-baseline");
    LOAM_TRY(WriteFileAtomic(path, Baseline::Of(findings).Print()));
    PrintTo(context.err, "{}: {} findings are known from now on\n", path, findings.size());
    return true;
  }
  std::string baseline = flags.String("baseline");
  if (baseline.empty() && !run.config.baseline.empty()) {
    baseline = (run.config_folder / run.config.baseline).string();
  }
  if (!baseline.empty()) {
    const Baseline known = LOAM_TRY(Baseline::Parse(LOAM_TRY(loam::ReadFile(baseline)), baseline));
    const std::size_t stale = known.CountStale(findings);
    const std::size_t left_out = known.Remove(findings);
    if (run.format == "text" && (left_out > 0 || stale > 0)) {
      PrintTo(context.err, "{} known findings left out{}\n", left_out,
              stale > 0 ? fmt::format("; {} of `{}` are not there any more", stale, baseline) : std::string());
    }
  }
  const bool failed = run.fail_on && std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
                        return driver::findings::IsAtLeast(finding.severity, *run.fail_on);
                      });
  std::erase_if(findings, [&](const Finding& finding) {
    return !driver::findings::IsAtLeast(finding.severity, run.min_severity);
  });
  if (run.dry_run) {
    return true;
  }
  const bool color = run.format == "text" && context.Colors() && context.out == stdout && ::isatty(1) == 1;
  PrintTo(context.out, "{}", Report(run, findings, color));
  return !failed;
}

Exit Run(Context& context, const Flags& flags) {
  if (flags.Bool("rules")) {
    for (const loam::lint::RuleInfo& rule : loam::lint::EarthfileRules()) {
      PrintTo(context.out, "{:<24}{:<9}{}\n", rule.name, loam::lint::SeverityName(rule.severity), rule.description);
    }
    return Exit::kOk;
  }
  LintRun run;
  if (const Result<> read = ReadFlags(flags, run); !read) {
    return UsageError(context, kLintCommand, read.error());
  }
  const Result<std::vector<BuildFile>> files = FindBuildFiles(flags);
  if (!files) {
    if (files.error().code() == ErrorCode::kInvalidArgument) {
      return UsageError(context, kLintCommand, files.error());
    }
    PrintError(context, files.error());
    return Exit::kFailed;
  }
  source::SourceManager sources;
  Result<std::vector<Finding>> findings = LintAll(context, run, *files, sources);
  if (!findings) {
    PrintError(context, findings.error());
    return Exit::kFailed;
  }
  const Result<bool> good = Finish(context, flags, run, *std::move(findings));
  if (!good) {
    PrintError(context, good.error());
    return Exit::kFailed;
  }
  return *good ? Exit::kOk : Exit::kFailed;
}

}  // namespace

const Command kLintCommand = {.name = "lint",
                              .summary = "check Dockerfiles and Earthfiles",
                              .usage = "loam lint [--fix] [--format=FORMAT] [FILE… | DIRECTORY… | -]",
                              .flags = kFlags,
                              .run = Run};

}  // namespace loam::cli
