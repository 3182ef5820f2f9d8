#include <algorithm>

#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/words.h"
#include "language-server/features/compiler_diagnostic.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/dockerfiles.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/missing_files.h"

namespace loam::lsp::earthfile {
namespace {

using driver::findings::Finding;

// The first line of what spans several.
Span FirstLine(const Text& text, Span span) {
  const Span line = text.LineSpan(text.LineAt(span.begin));
  return {span.begin, std::max(span.begin, std::min(span.end, line.end))};
}

// What COPY and FROM DOCKERFILE take of the directory. A target that runs on this machine may make it first.
void AddMissingFiles(const Query& query, std::vector<Diagnostic>& out) {
  const auto& scopes = EarthfileAnalysis::Of(query.document).symbols().scopes;
  if (PossibleContexts(query).empty() ||
      std::any_of(scopes.begin(), scopes.end(), [](const auto& scope) { return scope.is_local; })) {
    return;
  }
  const auto add = [&](Span span, std::string_view what) {
    if (auto missing = MissingFile(query, span, what)) {
      out.push_back(std::move(*missing));
    }
  };
  const std::string folder = query.document.Folder();
  ContextLook context({folder});
  for (const auto& scope : scopes) {
    sema::earthfile::EachStatement(scope.recipe, [&](const ast::earthfile::Statement& statement) {
      if (statement.kind != ast::earthfile::StatementKind::kCommand ||
          statement.command->kind != ast::earthfile::CommandKind::kCopy) {
        return;
      }
      sema::earthfile::CopyFlags flags;
      const auto rest = sema::earthfile::ParseFlags(sema::earthfile::ToWords(statement.command->args), {}, flags);
      if (!rest || !flags.from.empty() || flags.if_exists) {
        return;
      }
      for (std::size_t i = 0; i + 1 < rest->size(); ++i) {
        const auto& word = (*rest)[i];
        if (!word.text.empty() && word.text.find_first_of("$+\"'()") == std::string::npos && !context.Has(word.text)) {
          add(SpanOf(word.range), word.text);
        }
      }
    });
  }
  for (const DockerfileUse& use : DockerfilesOf(query)) {
    if (!use.exists) {
      const std::string inside = folder + "/";
      add(use.file.size() > 0 ? use.file : use.context,
          use.path.starts_with(inside) ? use.path.substr(inside.size()) : use.path);
    }
  }
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
  AddMissingFiles(query, out);
  if (!analysis.failure().empty()) {
    out.push_back(ChecksFailed(query, analysis.failure()));
  }
  return out;
}

}  // namespace loam::lsp::earthfile
