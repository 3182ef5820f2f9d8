// Features: what the server asks of a language, one function a feature. A language that lacks a feature has a null
// pointer in its table, and the server then does not claim it for that language.
//
// The tables are features/dockerfile/table.cpp and features/earthfile/table.cpp; each function is in a file named after
// the feature beside it. Functions are total: half-typed text, any offset in [0, text size], and no exception. They run
// on one thread; long ones look at Query::cancel and return early, whatever they have.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "language-server/features/query.h"
#include "language-server/features/types.h"

namespace loam::lsp {

struct Features {
  std::vector<Diagnostic> (*diagnostics)(const Query& query) = nullptr;

  CompletionList (*completion)(const Query& query, std::uint32_t offset) = nullptr;
  // Documentation (markdown) of an item by its `data`; "" if it is not this language's.
  std::string (*completion_documentation)(std::string_view data) = nullptr;
  std::optional<SignatureHelp> (*signature_help)(const Query& query, std::uint32_t offset) = nullptr;
  std::optional<Hover> (*hover)(const Query& query, std::uint32_t offset) = nullptr;

  std::vector<Location> (*definition)(const Query& query, std::uint32_t offset) = nullptr;
  std::vector<Location> (*declaration)(const Query& query, std::uint32_t offset) = nullptr;
  std::vector<Location> (*references)(const Query& query, std::uint32_t offset, bool with_declaration) = nullptr;
  std::vector<Highlight> (*highlights)(const Query& query, std::uint32_t offset) = nullptr;
  std::optional<RenameTarget> (*prepare_rename)(const Query& query, std::uint32_t offset) = nullptr;
  // kInvalidArgument: the name cannot be used there.
  Result<WorkspaceEdit> (*rename)(const Query& query, std::uint32_t offset, std::string_view name) = nullptr;

  // Also the source of workspace symbols.
  std::vector<Symbol> (*symbols)(const Query& query) = nullptr;
  std::vector<CallItem> (*call_items)(const Query& query, std::uint32_t offset) = nullptr;
  // `item` was an answer of this language; `query` is on its document.
  std::vector<Call> (*incoming_calls)(const Query& query, const CallItem& item) = nullptr;
  std::vector<Call> (*outgoing_calls)(const Query& query, const CallItem& item) = nullptr;

  std::vector<Fold> (*folds)(const Query& query) = nullptr;
  // From the innermost to the whole document, each inside of the next.
  std::vector<Span> (*selections)(const Query& query, std::uint32_t offset) = nullptr;
  std::vector<DocumentLink> (*links)(const Query& query) = nullptr;
  // The target of a link by its `data`; "" if there is none.
  std::string (*link_target)(const Query& query, std::string_view data) = nullptr;
  // In the order of the text, those that touch `span`.
  std::vector<SemanticToken> (*semantic_tokens)(const Query& query, Span span) = nullptr;
  std::vector<InlayHint> (*inlay_hints)(const Query& query, Span span) = nullptr;
  std::vector<CodeLens> (*code_lenses)(const Query& query) = nullptr;
  std::optional<Command> (*code_lens_command)(const Query& query, std::string_view data) = nullptr;
  // Fixes of diagnostics and rewritings that touch `span`.
  std::vector<CodeAction> (*code_actions)(const Query& query, Span span) = nullptr;

  std::vector<TextEdit> (*format)(const Query& query, const FormatOptions& options) = nullptr;
  std::vector<TextEdit> (*format_range)(const Query& query, Span span, const FormatOptions& options) = nullptr;
  std::vector<TextEdit> (*format_on_type)(const Query& query, std::uint32_t offset, std::string_view typed,
                                          const FormatOptions& options) = nullptr;
  // The build's graph as Mermaid text. kFailedPrecondition: the file does not compile.
  Result<std::string> (*graph)(const Query& query) = nullptr;
  std::optional<LinkedRanges> (*linked_ranges)(const Query& query, std::uint32_t offset) = nullptr;
};

extern const Features kDockerfileFeatures;
extern const Features kEarthfileFeatures;

inline const Features& FeaturesOf(Language language) {
  return language == Language::kEarthfile ? kEarthfileFeatures : kDockerfileFeatures;
}

}  // namespace loam::lsp
