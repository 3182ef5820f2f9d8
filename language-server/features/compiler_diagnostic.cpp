#include "language-server/features/compiler_diagnostic.h"

#include <fmt/format.h>

namespace loam::lsp {
namespace {

constexpr std::string_view kDocsUrl = "https://loam.build/docs/diagnostics#";

// Without blanks at its ends; not empty if the lines hold anything.
Span Trimmed(const Text& text, Span span) {
  const std::string_view bytes = text.bytes();
  while (span.begin < span.end && (bytes[span.begin] == ' ' || bytes[span.begin] == '\t')) {
    ++span.begin;
  }
  while (span.end > span.begin && (bytes[span.end - 1] == ' ' || bytes[span.end - 1] == '\t')) {
    --span.end;
  }
  return span;
}

Span LinesSpan(const Text& text, source::LineSpan lines) {
  if (lines.first == 0) {
    return Trimmed(text, text.LineSpan(0));
  }
  // The first line shows where it is; a whole RUN of fifty lines underlined hides the rest.
  return Trimmed(text, text.LineSpan(lines.first - 1));
}

}  // namespace

std::string_view SourceOfRule(std::string_view name, std::string_view otherwise) {
  if (name.size() > 2 && name[2] >= '0' && name[2] <= '9') {
    if (name.starts_with("DL")) {
      return "hadolint";
    }
    if (name.starts_with("SC")) {
      return "shellcheck";
    }
  }
  return otherwise;
}

Diagnostic ChecksFailed(const Query& query, std::string_view why) {
  return {.span = query.document.text().LineSpan(0),
          .severity = Severity::kInformation,
          .source = "loam",
          .message = fmt::format("not all checks were run: {}", why)};
}

Severity SeverityOfRule(lint::Severity severity) {
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

std::optional<Severity> SeverityOf(const Settings& settings, std::string_view code, std::string_view variant,
                                   Severity otherwise) {
  if (!variant.empty()) {
    if (const auto found = settings.severity.find(fmt::format("{}:{}", code, variant));
        found != settings.severity.end()) {
      return found->second;
    }
  }
  const auto found = settings.severity.find(code);
  return found == settings.severity.end() ? std::optional(otherwise) : found->second;
}

std::optional<Diagnostic> FromCompiler(const Query& query, const diag::Diagnostic& diagnostic, source::FileId file) {
  const diag::KindInfo& info = diag::InfoOf(diagnostic.kind);
  const auto severity =
      SeverityOf(query.settings, info.code, {}, diagnostic.is_error() ? Severity::kError : Severity::kWarning);
  if (!severity) {
    return std::nullopt;
  }
  Diagnostic made;
  made.severity = *severity;
  made.code = info.code;
  made.href = fmt::format("{}{}", kDocsUrl, info.slug);
  made.source = "loam";
  made.message = diagnostic.message;
  for (const std::string& note : diagnostic.notes) {
    made.message += "\n" + note;
  }
  for (const std::string& hint : diagnostic.hints) {
    made.message += "\nhint: " + hint;
  }
  const bool here = diagnostic.range.valid() && diagnostic.range.file == file;
  made.span = here ? Span{diagnostic.range.begin, diagnostic.range.end} : LinesSpan(query.document.text(), {});
  for (const diag::Label& label : diagnostic.labels) {
    if (label.range.file == file) {
      made.related.push_back({{query.document.uri(), {label.range.begin, label.range.end}, {}, {}}, label.text});
    }
  }
  return made;
}

std::optional<Diagnostic> FromCheck(const Query& query, const lint::Warning& warning, std::string_view keyword) {
  const auto severity = SeverityOf(query.settings, warning.rule->name, keyword, SeverityOfRule(warning.rule->severity));
  if (!severity) {
    return std::nullopt;
  }
  Diagnostic made;
  made.severity = *severity;
  made.code = warning.rule->name;
  made.href = warning.rule->url;
  made.source = SourceOfRule(warning.rule->name, "buildkit");
  made.message = warning.message;
  made.deprecated = warning.rule->name == "MaintainerDeprecated";
  made.span = warning.range.valid() ? Span{warning.range.begin, warning.range.end}
                                    : LinesSpan(query.document.text(), warning.lines);
  return made;
}

}  // namespace loam::lsp
