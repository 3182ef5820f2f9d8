// Encoder: features' answers as the protocol's JSON, byte spans as positions of the connection's encoding.
#pragma once

#include "language-server/features/types.h"
#include "language-server/protocol/json.h"
#include "language-server/workspace/workspace.h"

namespace loam::lsp {

class Encoder {
 public:
  // `workspace` outlives it; texts of other files are read through it.
  Encoder(Workspace& workspace, PositionEncoding encoding) : workspace_(workspace), encoding_(encoding) {}
  void set_encoding(PositionEncoding encoding) { encoding_ = encoding; }

  [[nodiscard]] PositionEncoding encoding() const { return encoding_; }
  [[nodiscard]] std::uint32_t Offset(const Text& text, const Json& position) const;
  [[nodiscard]] Span ReadSpan(const Text& text, const Json& range) const;

  [[nodiscard]] Json Place(const Text& text, std::uint32_t offset) const;
  [[nodiscard]] Json Range(const Text& text, Span span) const;
  [[nodiscard]] Json Location(const lsp::Location& location) const;
  [[nodiscard]] Json LocationLink(const Text& text, const lsp::Location& location) const;
  // The array as text: it is sent at every edit.
  [[nodiscard]] std::string Diagnostics(const Document& document, const std::vector<Diagnostic>& diagnostics) const;
  [[nodiscard]] Json Edits(const Text& text, const std::vector<TextEdit>& edits) const;
  // {"changes": …}, or with versions if the client knows `documentChanges`.
  [[nodiscard]] Json Edit(const WorkspaceEdit& edit, bool document_changes) const;
  [[nodiscard]] Json Symbols(const Text& text, const std::vector<Symbol>& symbols) const;
  // For clients that know no hierarchy.
  [[nodiscard]] Json FlatSymbols(const Document& document, const std::vector<Symbol>& symbols) const;
  [[nodiscard]] Json Item(const CallItem& item) const;
  // `trait`: of the client, for what it can take.
  [[nodiscard]] Json Completions(const Text& text, const CompletionList& list, bool deprecated_property) const;
  // The five numbers of each token.
  [[nodiscard]] std::vector<std::uint32_t> Tokens(const Text& text, const std::vector<SemanticToken>& tokens) const;

 private:
  void AppendRange(const Text& text, Span span, std::string& out) const;

  Workspace& workspace_;
  PositionEncoding encoding_;
};

// What tells these diagnostics, as text, from others: the id of a pulled report.
std::string DiagnosticsId(std::string_view diagnostics);

Json EncodeCommand(const Command& command);

}  // namespace loam::lsp
