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

// The severity that the settings give a code, else `otherwise`; nullopt: off.
std::optional<Severity> SeverityOf(const Settings& settings, std::string_view code, std::string_view variant,
                                   Severity otherwise);

}  // namespace loam::lsp
