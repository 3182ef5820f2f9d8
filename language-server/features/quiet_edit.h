// Quiet edits: those between statements, of comments and blank lines that no diagnostic depends on. What was found
// before such an edit holds after it, only further down or up.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "language-server/features/query.h"

namespace loam::lsp {

// An instruction with its heredocs.
struct Statement {
  // Its lines, without the last one's end.
  Span lines;
  // Comments above are part of it, as those above FROM and ARG are for their descriptions.
  bool described = false;
  // Its last line continues as far as the line goes, so what comes next could belong to it.
  bool open_ended = false;
};

// What is known of a document's text, as of its last change.
struct Findings {
  std::vector<Diagnostic> diagnostics;
  // In the order of the text; nullopt: every edit is looked at anew.
  std::optional<std::vector<Statement>> statements;
};

// The statements of the document; nullopt where its language or text does not let tell them apart by lines.
std::optional<std::vector<Statement>> StatementsOf(const Query& query);

// Whether replacing `span` of the document by `replacement` is a quiet edit; if so, `findings` are moved to where they
// are in the new text. The document is that before the edit. Else `findings` are left in no useful state.
bool MoveAlong(const Document& before, Span span, std::string_view replacement, Findings& findings);

}  // namespace loam::lsp
