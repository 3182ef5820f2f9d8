#include "compiler/driver/lint/fix_earthfile.h"

#include <algorithm>

#include <fmt/format.h>

#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/driver/earthfile/proof.h"
#include "compiler/parse/earthfile.h"

namespace loam::driver::findings {
namespace {

// Every round makes one fix; more rounds than this mean that two rules disagree.
constexpr int kMaxRounds = 1000;

bool Parses(const std::string& name, const std::string& text) {
  source::SourceManager sources;
  const auto buffer = sources.AddText(name, text);
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  if (buffer) {
    ast::earthfile::BuildEarthfile(parse::ParseEarthfile(**buffer, emitter), emitter);
  }
  return buffer && !emitter.has_errors();
}

}  // namespace

Result<FixOutcome> FixEarthfile(const std::string& name, std::string_view text, const EarthfilePlace& place,
                                const LintOptions& options, const FixOptions& fix_options) {
  FixOutcome outcome;
  outcome.text = std::string(text);
  if (!Parses(name, outcome.text)) {
    return Unexpected(Error(ErrorCode::kFailedPrecondition, fmt::format("`{}` has syntax errors", name))
                          .WithHint("correct them first: a fix is proved by evaluating the file before and after"));
  }
  // ShellCheck's fixes change scripts.
  LintOptions lint = options;
  lint.selection.shellcheck = options.selection.shellcheck && fix_options.unsafe;
  std::vector<std::string> refused;  // rule and title of fixes that were not made, so that they are not tried again
  std::vector<FixReport> left;
  for (int round = 0; round < kMaxRounds; ++round) {
    source::SourceManager sources;
    const source::Buffer* buffer = LOAM_TRY(sources.AddText(name, outcome.text));
    const std::vector<Finding> findings = LOAM_TRY(LintEarthfile(sources, *buffer, place, lint));
    bool changed = false;
    for (const Finding& finding : findings) {
      for (const loam::lint::Fix& fix : finding.fixes) {
        const bool safe = fix.safety == loam::lint::FixSafety::kSafe;
        const std::string key = fmt::format("{} {} {}", finding.rule, fix.title, finding.lines.first);
        if ((!safe && !fix_options.unsafe) || std::find(refused.begin(), refused.end(), key) != refused.end()) {
          continue;
        }
        std::string fixed = ApplyEdits(outcome.text, fix.edits);
        FixReport report{finding.rule, finding.lines, fix.title, false, {}};
        if (!Parses(name, fixed)) {
          report.changes = {"the file would no longer parse"};
        } else if (place.host != nullptr && !place.path.empty()) {
          const auto before = LOAM_TRY(earthfile::BuildEarthfile(place.path, outcome.text, *place.host));
          const auto after = LOAM_TRY(earthfile::BuildEarthfile(place.path, fixed, *place.host));
          report.changes = earthfile::Differences(before, after);
        } else if (safe) {
          report.changes = {"it cannot be proved without the file's directory"};
        }
        report.applied =
            fixed != outcome.text && (report.changes.empty() || (!safe && fix_options.unsafe && Parses(name, fixed)));
        if (report.applied) {
          outcome.text = std::move(fixed);
          outcome.reports.push_back(std::move(report));
          changed = true;
          break;
        }
        refused.push_back(key);
        left.push_back(std::move(report));
      }
      if (changed) {
        break;
      }
    }
    if (!changed) {
      outcome.reports.insert(outcome.reports.end(), left.begin(), left.end());
      return outcome;
    }
  }
  return Unexpected(ErrorCode::kInternal, "the fixes do not come to an end");
}

}  // namespace loam::driver::findings
