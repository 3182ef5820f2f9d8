// The compiler's diagnostics and build checks as the editor's.
#pragma once

#include <optional>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/lint/warning.h"
#include "language-server/features/query.h"

namespace loam::lsp {

// nullopt: the settings switch its code off. Ranges of other files than the document's become its first line.
std::optional<Diagnostic> FromCompiler(const Query& query, const diag::Diagnostic& diagnostic, source::FileId file);
// `keyword`: the instruction it is about, for severities by instruction ("MultipleInstructionsDisallowed:CMD").
std::optional<Diagnostic> FromCheck(const Query& query, const lint::Warning& warning, std::string_view keyword);

// Whose rule it is by its name, "hadolint" or "shellcheck", else `otherwise`.
std::string_view SourceOfRule(std::string_view name, std::string_view otherwise);
// Tells on the first line why checks that the settings ask for were not run.
Diagnostic ChecksFailed(const Query& query, std::string_view why);
// The editor's name of a severity.
Severity SeverityOfRule(lint::Severity severity);

// The severity that the settings give a code, else `otherwise`; nullopt: off.
std::optional<Severity> SeverityOf(const Settings& settings, std::string_view code, std::string_view variant,
                                   Severity otherwise);

}  // namespace loam::lsp
