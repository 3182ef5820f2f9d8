#include "cli/commands/build_check.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/line_diff.h"
#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/rewrite_file.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/check_report.h"
#include "compiler/driver/fix.h"

namespace loam::cli {
namespace {

constexpr std::string_view kCheckFlags[] = {"lint",          "format",          "fix", "dry-run", "require-label",
                                            "strict-labels", "trusted-registry"};

std::string Lines(source::LineSpan lines) {
  return lines.last > lines.first ? fmt::format("lines {}-{}", lines.first, lines.last)
                                  : fmt::format("line {}", lines.first);
}

void PrintFix(std::FILE* out, const driver::FixReport& report) {
  PrintTo(out, "{}: {}, {}: {}\n", report.applied ? "fixed" : "not fixed", report.rule, Lines(report.lines),
          report.title);
  for (const std::string& change : report.changes) {
    PrintTo(out, "  {}\n", change);
  }
  if (report.changes.empty()) {
    PrintTo(out, "  the build stays the same: every operation and image config is as before\n");
  }
}

// What of `--fix` is said beside the result: on standard error, so that JSON stays JSON.
void PrintFixes(const Context& context, const driver::FixOutcome& outcome, const CheckSettings& settings) {
  bool left = false;
  for (const driver::FixReport& report : outcome.reports) {
    PrintFix(context.err, report);
    left = left || !report.applied;
  }
  if (outcome.reports.empty()) {
    PrintTo(context.err, "nothing to fix\n");
  } else if (left && !settings.unsafe) {
    PrintTo(context.err, "`--fix=unsafe` also makes the changes that are listed as not fixed\n");
  }
}

// The text to check afterwards.
Result<std::string> Fix(const Context& context, const CheckSettings& settings, const DockerfileInput& input,
                        const driver::CompileOptions& options, sema::BuildHost& host, const std::string& path) {
  const std::string& name = input.buffer->name();
  const std::string before(input.buffer->text());
  const driver::FixOutcome outcome =
      LOAM_TRY(driver::FixDockerfile(name, before, options, host, {.unsafe = settings.unsafe}));
  if (settings.dry_run) {
    PrintTo(context.out, "{}", UnifiedDiff(before, outcome.text, "a/" + name, "b/" + name));
  } else if (outcome.text != before) {
    if (path.empty()) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, "`--fix` cannot write to standard input")
                            .WithHint("`--fix --dry-run` prints the changes"));
    }
    const Result<std::string> now = ReadFile(path);
    if (!now || *now != before) {
      return Unexpected(ErrorCode::kAborted, fmt::format("`{}` was changed meanwhile; nothing was written", name));
    }
    LOAM_TRY(RewriteFile(path, outcome.text));
  }
  PrintFixes(context, outcome, settings);
  return settings.dry_run ? before : outcome.text;
}

Exit Fail(const Context& context, const Error& error) {
  PrintError(context, error);
  return context.stop.stop_requested() ? Exit::kInterrupted : Exit::kFailed;
}

}  // namespace

Result<CheckSettings> ParseCheckSettings(const Flags& flags) {
  CheckSettings settings;
  if (flags.Has("format")) {
    const std::string format = flags.String("format");
    if (format == "json") {
      settings.format = CheckFormat::kJson;
    } else if (format == "sarif") {
      settings.format = CheckFormat::kSarif;
    } else if (format != "text") {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`--format={}` is no format", format))
                            .WithHint("text, json or sarif"));
    }
  }
  settings.more = LOAM_TRY(lint::ParseSelection(flags.List("lint")));
  lint::HadolintOptions& hadolint = settings.more.hadolint_options;
  hadolint.trusted_registries = flags.List("trusted-registry");
  hadolint.strict_labels = flags.Bool("strict-labels");
  for (const std::string& label : flags.List("require-label")) {
    hadolint.label_schema.insert(LOAM_TRY(lint::ParseLabelRule(label)));
  }
  const bool configured =
      !hadolint.trusted_registries.empty() || !hadolint.label_schema.empty() || hadolint.strict_labels;
  if (configured && !settings.more.hadolint) {
    return Unexpected(Error(ErrorCode::kInvalidArgument, "these are settings of hadolint's rules, which are not run")
                          .WithHint("add `--lint=hadolint`"));
  }
  if (flags.Has("fix")) {
    const std::string how = flags.String("fix");
    if (!how.empty() && how != "true" && how != "safe" && how != "unsafe") {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`--fix={}` is no way to fix", how))
                            .WithHint("--fix, --fix=safe or --fix=unsafe"));
    }
    settings.fix = true;
    settings.unsafe = how == "unsafe";
  }
  settings.dry_run = flags.Bool("dry-run");
  if (settings.dry_run && !settings.fix) {
    return Unexpected(ErrorCode::kInvalidArgument, "`--dry-run` belongs to `--fix`");
  }
  return settings;
}

Result<> RefuseCheckFlags(const Flags& flags) {
  for (const std::string_view name : kCheckFlags) {
    if (flags.Has(name)) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`--{}` is a flag of `--check`", name))
                            .WithHint("add `--check`"));
    }
  }
  return {};
}

Exit RunCheck(const Context& context, const CheckSettings& settings, const DockerfileInput& input,
              driver::CompileOptions options, sema::BuildHost& host, const std::string& path) {
  options.lint = true;
  options.more_checks = settings.more;
  const source::Buffer* buffer = input.buffer;
  if (settings.fix) {
    const Result<std::string> text = Fix(context, settings, input, options, host, path);
    if (!text) {
      return Fail(context, text.error());
    }
    if (settings.dry_run) {
      return Exit::kOk;
    }
    const Result<const source::Buffer*> fixed = input.sources->AddText(buffer->name(), *text);
    if (!fixed) {
      return Fail(context, fixed.error());
    }
    buffer = *fixed;
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const Result<driver::CompileResult> result = driver::Compile(*input.sources, *buffer, options, host, emitter);
  if (!result) {
    return Fail(context, result.error());
  }
  const driver::CheckReport report{result->warnings, consumer.diagnostics(), *buffer};
  switch (settings.format) {
    case CheckFormat::kText:
      PrintTo(context.out, "{}", driver::CheckText(report));
      break;
    case CheckFormat::kJson:
      PrintTo(context.out, "{}", driver::CheckJson(report));
      break;
    case CheckFormat::kSarif:
      PrintTo(context.out, "{}", driver::CheckSarif(report, LOAM_VERSION));
      break;
  }
  if (settings.format == CheckFormat::kText && !result->ok) {
    PrintTo(context.err, "{}",
            diag::RenderTerminal(consumer.diagnostics(), *input.sources, {.color = context.Colors()}));
  }
  return result->ok && result->warnings.empty() ? Exit::kOk : Exit::kFailed;
}

}  // namespace loam::cli
