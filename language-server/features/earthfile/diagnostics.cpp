#include "language-server/features/compiler_diagnostic.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"

namespace loam::lsp::earthfile {
namespace {

using driver::findings::Finding;

// The first line of what spans several.
Span FirstLine(const Text& text, Span span) {
  const Span line = text.LineSpan(text.LineAt(span.begin));
  return {span.begin, std::max(span.begin, std::min(span.end, line.end))};
}

}  // namespace

std::vector<Diagnostic> Diagnostics(const Query& query) {
  std::vector<Diagnostic> out;
  const EarthfileAnalysis& analysis = EarthfileAnalysis::Of(query.document);
  for (const Finding& finding : analysis.Check(query)) {
    const auto severity = SeverityOf(query.settings, finding.rule, {}, SeverityOfRule(finding.severity));
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
    made.source = SourceOfRule(finding.rule, "loam");
    made.message = finding.message;
    made.unnecessary = finding.rule.starts_with("Unused") || finding.rule.starts_with("Redundant");
    made.deprecated = finding.rule.starts_with("Deprecated");
    out.push_back(std::move(made));
  }
  if (!analysis.failure().empty()) {
    out.push_back(ChecksFailed(query, analysis.failure()));
  }
  return out;
}

}  // namespace loam::lsp::earthfile
