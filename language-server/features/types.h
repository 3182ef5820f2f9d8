// What features answer: plain values with byte spans. The server writes them as the protocol has them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "language-server/text/span.h"

namespace loam::lsp {

// A span of the text of `uri`; `selection` is the name in it.
struct Location {
  std::string uri;
  Span span;
  Span selection;
  // What the answer is about, at the place of the question; for clients that show it.
  std::optional<Span> origin;
};

enum class Severity : std::uint8_t { kError = 1, kWarning = 2, kInformation = 3, kHint = 4 };

struct RelatedPlace {
  Location place;
  std::string message;
};

struct Diagnostic {
  Span span;
  Severity severity = Severity::kError;
  std::string code;    // "LD0012", "DL3008", "JSONArgsRecommended"
  std::string href;    // the page of the code; "" if there is none
  std::string source;  // "loam", "buildkit", "hadolint", "shellcheck"
  std::string message;
  std::vector<RelatedPlace> related;
  bool unnecessary = false;
  bool deprecated = false;
};

struct Hover {
  std::string markdown;
  Span span;
};

enum class HighlightKind : std::uint8_t { kText = 1, kRead = 2, kWrite = 3 };
struct Highlight {
  Span span;
  HighlightKind kind = HighlightKind::kText;
};

struct TextEdit {
  Span span;
  std::string text;
};
struct FileEdits {
  std::string uri;
  std::vector<TextEdit> edits;
};
using WorkspaceEdit = std::vector<FileEdits>;

// What may be renamed here, and the text to begin with.
struct RenameTarget {
  Span span;
  std::string placeholder;
};

// The protocol's SymbolKind.
enum class SymbolKind : std::uint8_t {
  kFile = 1,
  kModule = 2,
  kNamespace = 3,
  kPackage = 4,
  kClass = 5,
  kMethod = 6,
  kProperty = 7,
  kField = 8,
  kFunction = 12,
  kVariable = 13,
  kConstant = 14,
  kString = 15,
  kKey = 20,
  kEvent = 24,
  kOperator = 25
};

struct Symbol {
  std::string name;
  std::string detail;
  SymbolKind kind = SymbolKind::kFunction;
  Span span;
  Span selection;
  bool deprecated = false;
  std::vector<Symbol> children;
};

// A symbol of any file of the workspace.
struct WorkspaceSymbol {
  std::string name;
  std::string container;
  SymbolKind kind = SymbolKind::kFunction;
  Location place;
};

// A node of the call hierarchy: a stage, target or function. `data` comes back unchanged.
struct CallItem {
  std::string name;
  std::string detail;
  SymbolKind kind = SymbolKind::kFunction;
  Location place;
  std::string data;
};
// For incoming calls `item` is the caller, and `from` lies in its file; for outgoing ones `item` is what is called, and
// `from` lies in the file of the item that was asked about.
struct Call {
  CallItem item;
  std::vector<Span> from;
};

enum class FoldKind : std::uint8_t { kComment, kRegion, kImports, kNone };
struct Fold {
  Span span;  // from the end of the first line that stays to the end of the last one that is hidden
  FoldKind kind = FoldKind::kNone;
};

struct DocumentLink {
  Span span;
  std::string target;  // "": resolved later from `data`
  std::string tooltip;
  std::string data;
};

// The legend of semantic tokens, in this order; the first ten are those of the Dockerfile language server in use.
enum class TokenType : std::uint8_t {
  kKeyword,
  kComment,
  kParameter,
  kProperty,
  kNamespace,
  kClass,
  kMacro,
  kString,
  kVariable,
  kOperator,
  kFunction,
  kNumber
};
inline constexpr const char* kTokenTypeNames[] = {"keyword", "comment", "parameter", "property", "namespace", "class",
                                                  "macro",   "string",  "variable",  "operator", "function",  "number"};
enum TokenModifier : std::uint8_t { kDeclaration = 1, kDefinition = 2, kDeprecated = 4, kReadonly = 8 };
inline constexpr const char* kTokenModifierNames[] = {"declaration", "definition", "deprecated", "readonly"};

// Never spans lines: the server cuts it where it does.
struct SemanticToken {
  Span span;
  TokenType type = TokenType::kKeyword;
  std::uint8_t modifiers = 0;
};

enum class InlayKind : std::uint8_t { kOther = 0, kType = 1, kParameter = 2 };
struct InlayHint {
  std::uint32_t offset = 0;
  std::string label;
  std::string tooltip;
  InlayKind kind = InlayKind::kOther;
};

// A command of the server (workspace/executeCommand) or of the client.
struct Command {
  std::string title;
  std::string name;                    // "loam.build"
  std::vector<std::string> arguments;  // strings
};

struct CodeLens {
  Span span;
  std::optional<Command> command;  // absent: resolved later from `data`
  std::string data;
};

struct CodeAction {
  std::string title;
  std::string kind;  // "quickfix", "refactor.rewrite", "refactor.extract", "source.fixAll"
  WorkspaceEdit edit;
  bool preferred = false;
  // Codes of the diagnostics that it fixes.
  std::vector<std::string> fixes;
  // Place of these diagnostics.
  Span span;
};

// The protocol's CompletionItemKind, as far as used.
enum class CompletionKind : std::uint8_t {
  kText = 1,
  kFunction = 3,
  kField = 5,
  kVariable = 6,
  kModule = 9,
  kProperty = 10,
  kValue = 12,
  kKeyword = 14,
  kSnippet = 15,
  kFile = 17,
  kReference = 18,
  kFolder = 19,
  kConstant = 21
};

struct Completion {
  std::string label;
  CompletionKind kind = CompletionKind::kKeyword;
  Span replace;
  std::string text;  // what is put there; a snippet if `snippet`
  bool snippet = false;
  std::string detail;
  std::string documentation;  // markdown; usually left to resolve, which finds it by `data`
  std::string sort;
  std::string data;
  bool deprecated = false;
};

struct CompletionList {
  std::vector<Completion> items;
  // There are more than were listed: ask again with the next letter.
  bool incomplete = false;
};

struct SignatureParameter {
  std::string label;
  std::string documentation;
};
struct Signature {
  std::string label;
  std::string documentation;
  std::vector<SignatureParameter> parameters;
};
struct SignatureHelp {
  std::vector<Signature> signatures;
  std::uint32_t active_signature = 0;
  std::optional<std::uint32_t> active_parameter;
};

struct FormatOptions {
  std::uint32_t tab_size = 4;
  bool insert_spaces = false;
};

struct LinkedRanges {
  std::vector<Span> spans;
};

}  // namespace loam::lsp
