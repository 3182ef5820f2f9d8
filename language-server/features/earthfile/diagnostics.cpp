#include "language-server/features/compiler_diagnostic.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"

namespace loam::lsp::earthfile {
namespace {

using driver::findings::Finding;

Severity Of(lint::Severity severity) {
  switch (severity) {
    case lint::Severity::kError:
      return Severity::kError;
    case lint::Severity::kWarning:
      return Severity::kWarning;
    case lint::Severity::kInfo:
      return Severity::kInformation;
    case lint::Severity::kStyle:
      return Severity::kHint;
  }
  return Severity::kWarning;
}

// The first line of what spans several.
Span FirstLine(const Text& text, Span span) {
  const Span line = text.LineSpan(text.LineAt(span.begin));
  return {span.begin, std::max(span.begin, std::min(span.end, line.end))};
}

}  // namespace

std::vector<Diagnostic> Diagnostics(const Query& query) {
  std::vector<Diagnostic> out;
  for (const Finding& finding : EarthfileAnalysis::Of(query.document).Check(query)) {
    const auto severity = SeverityOf(query.settings, finding.rule, {}, Of(finding.severity));
    if (!severity) {
      continue;
    }
    Diagnostic made;
    const Text& text = query.document.text();
    made.span = finding.range.valid() ? FirstLine(text, SpanOf(finding.range))
                                      : text.LineSpan(finding.lines.first > 0 ? finding.lines.first - 1 : 0);
    made.severity = *severity;
    made.code = finding.rule;
    made.href = finding.url;
    const bool numbered = finding.rule.size() > 2 && finding.rule[2] >= '0' && finding.rule[2] <= '9';
    made.source = numbered && finding.rule.starts_with("DL")   ? "hadolint"
                  : numbered && finding.rule.starts_with("SC") ? "shellcheck"
                                                               : "loam";
    made.message = finding.message;
    made.unnecessary = finding.rule.starts_with("Unused") || finding.rule.starts_with("Redundant");
    made.deprecated = finding.rule.starts_with("Deprecated");
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace loam::lsp::earthfile
