#include "language-server/features/earthfile/features.h"

namespace loam::lsp {

const Features kEarthfileFeatures = {
    .diagnostics = earthfile::Diagnostics,
    .completion = earthfile::Complete,
    .completion_documentation = earthfile::CompletionDocumentation,
    .signature_help = earthfile::Signatures,
    .hover = earthfile::HoverAt,
    .definition = earthfile::Definition,
    .declaration = earthfile::Declaration,
    .references = earthfile::References,
    .highlights = earthfile::Highlights,
    .prepare_rename = earthfile::PrepareRename,
    .rename = earthfile::Rename,
    .symbols = earthfile::Symbols,
    .call_items = earthfile::CallItems,
    .incoming_calls = earthfile::IncomingCalls,
    .outgoing_calls = earthfile::OutgoingCalls,
    .folds = earthfile::Folds,
    .selections = earthfile::Selections,
    .links = earthfile::Links,
    .semantic_tokens = earthfile::SemanticTokens,
    .inlay_hints = earthfile::InlayHints,
    .code_lenses = earthfile::CodeLenses,
    .code_lens_command = earthfile::CodeLensCommand,
    .code_actions = earthfile::CodeActions,
    .format = earthfile::Format,
    .format_range = earthfile::FormatRange,
    .format_on_type = earthfile::FormatOnType,
    .graph = earthfile::Graph,
    .linked_ranges = earthfile::Linked,
};

}  // namespace loam::lsp
