#include "language-server/features/dockerfile/features.h"

namespace loam::lsp {

const Features kDockerfileFeatures = {
    .diagnostics = dockerfile::Diagnostics,
    .completion = dockerfile::Complete,
    .completion_documentation = dockerfile::CompletionDocumentation,
    .signature_help = dockerfile::Signatures,
    .hover = dockerfile::HoverAt,
    .definition = dockerfile::Definition,
    .declaration = dockerfile::Declaration,
    .references = dockerfile::References,
    .highlights = dockerfile::Highlights,
    .prepare_rename = dockerfile::PrepareRename,
    .rename = dockerfile::Rename,
    .symbols = dockerfile::Symbols,
    .call_items = dockerfile::CallItems,
    .incoming_calls = dockerfile::IncomingCalls,
    .outgoing_calls = dockerfile::OutgoingCalls,
    .folds = dockerfile::Folds,
    .selections = dockerfile::Selections,
    .links = dockerfile::Links,
    .link_target = dockerfile::LinkTarget,
    .semantic_tokens = dockerfile::SemanticTokens,
    .inlay_hints = dockerfile::InlayHints,
    .code_lenses = dockerfile::CodeLenses,
    .code_lens_command = dockerfile::CodeLensCommand,
    .code_actions = dockerfile::CodeActions,
    .format = dockerfile::Format,
    .format_range = dockerfile::FormatRange,
    .format_on_type = dockerfile::FormatOnType,
    .graph = dockerfile::Graph,
    .linked_ranges = dockerfile::Linked,
};

}  // namespace loam::lsp
