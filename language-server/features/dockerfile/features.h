// The Dockerfile's implementation of each feature; language-server/features/features.h says what they do. One file each
// in this folder.
#pragma once

#include "language-server/features/features.h"

namespace loam::lsp::dockerfile {

std::vector<Diagnostic> Diagnostics(const Query& query);

CompletionList Complete(const Query& query, std::uint32_t offset);
std::string CompletionDocumentation(std::string_view data);
std::optional<SignatureHelp> Signatures(const Query& query, std::uint32_t offset);
std::optional<Hover> HoverAt(const Query& query, std::uint32_t offset);

std::vector<Location> Definition(const Query& query, std::uint32_t offset);
std::vector<Location> Declaration(const Query& query, std::uint32_t offset);
std::vector<Location> References(const Query& query, std::uint32_t offset, bool with_declaration);
std::vector<Highlight> Highlights(const Query& query, std::uint32_t offset);
std::optional<RenameTarget> PrepareRename(const Query& query, std::uint32_t offset);
Result<WorkspaceEdit> Rename(const Query& query, std::uint32_t offset, std::string_view name);
std::optional<LinkedRanges> Linked(const Query& query, std::uint32_t offset);

std::vector<Symbol> Symbols(const Query& query);
std::vector<CallItem> CallItems(const Query& query, std::uint32_t offset);
std::vector<Call> IncomingCalls(const Query& query, const CallItem& item);
std::vector<Call> OutgoingCalls(const Query& query, const CallItem& item);

std::vector<Fold> Folds(const Query& query);
std::vector<Span> Selections(const Query& query, std::uint32_t offset);
std::vector<DocumentLink> Links(const Query& query);
std::string LinkTarget(const Query& query, std::string_view data);
std::vector<SemanticToken> SemanticTokens(const Query& query, Span span);
std::vector<InlayHint> InlayHints(const Query& query, Span span);
std::vector<CodeLens> CodeLenses(const Query& query);
std::optional<Command> CodeLensCommand(const Query& query, std::string_view data);
std::vector<CodeAction> CodeActions(const Query& query, Span span);

std::vector<TextEdit> Format(const Query& query, const FormatOptions& options);
std::vector<TextEdit> FormatRange(const Query& query, Span span, const FormatOptions& options);
std::vector<TextEdit> FormatOnType(const Query& query, std::uint32_t offset, std::string_view typed,
                                   const FormatOptions& options);
Result<std::string> Graph(const Query& query);

}  // namespace loam::lsp::dockerfile
