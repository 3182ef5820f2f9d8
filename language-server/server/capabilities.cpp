#include "language-server/server/capabilities.h"

#include "language-server/features/types.h"
#include "language-server/server/commands.h"

namespace loam::lsp {
namespace {

std::string_view EncodingName(PositionEncoding encoding) {
  switch (encoding) {
    case PositionEncoding::kUtf8:
      return "utf-8";
    case PositionEncoding::kUtf16:
      return "utf-16";
    case PositionEncoding::kUtf32:
      return "utf-32";
  }
  return "utf-16";
}

Json SemanticTokensCapability() {
  Json types = Json::array();
  for (const char* name : kTokenTypeNames) {
    types.push_back(name);
  }
  Json modifiers = Json::array();
  for (const char* name : kTokenModifierNames) {
    modifiers.push_back(name);
  }
  return {{"legend", {{"tokenTypes", std::move(types)}, {"tokenModifiers", std::move(modifiers)}}},
          {"full", {{"delta", true}}},
          {"range", true}};
}

Json WorkspaceCapability() {
  Json pattern = {{"pattern", {{"glob", "**/{Dockerfile*,Containerfile*,*.dockerfile,Earthfile*,*.earth}"}}}};
  Json renames = {{"filters", Json::array({std::move(pattern)})}};
  return {{"workspaceFolders", {{"supported", true}, {"changeNotifications", true}}},
          {"fileOperations", {{"didCreate", renames}, {"didRename", renames}, {"didDelete", renames}}}};
}

}  // namespace

PositionEncoding ChooseEncoding(const Json& client) {
  const Json& offered = Path(client, {"general", "positionEncodings"});
  if (offered.is_array()) {
    for (const Json& name : offered) {
      for (const auto encoding : {PositionEncoding::kUtf8, PositionEncoding::kUtf16, PositionEncoding::kUtf32}) {
        if (name.is_string() && name.get_ref<const std::string&>() == EncodingName(encoding)) {
          return encoding;
        }
      }
    }
  }
  return PositionEncoding::kUtf16;
}

ClientTraits ReadTraits(const Json& client) {
  ClientTraits traits;
  const Json& text = Member(client, "textDocument");
  const Json& item = Path(text, {"completion", "completionItem"});
  traits.snippets = BoolMember(item, "snippetSupport");
  traits.deprecated_completions = BoolMember(item, "deprecatedSupport");
  if (const Json& formats = Path(text, {"hover", "contentFormat"}); formats.is_array() && !formats.empty()) {
    traits.markdown = formats[0] == "markdown";
  }
  const Json& folding = Member(text, "foldingRange");
  traits.line_folding_only = BoolMember(folding, "lineFoldingOnly");
  // Some clients send a huge float for "no limit".
  const Json& limit = Member(folding, "rangeLimit");
  if (limit.is_number() && limit.get<double>() < 1e6) {
    traits.fold_limit = static_cast<std::uint32_t>(std::max(0.0, limit.get<double>()));
  }
  return traits;
}

Json InitializeResult(PositionEncoding encoding, std::string_view version) {
  Json capabilities = {
      {"positionEncoding", EncodingName(encoding)},
      {"textDocumentSync", {{"openClose", true}, {"change", 2}, {"save", {{"includeText", false}}}}},
      {"completionProvider",
       {{"resolveProvider", true}, {"triggerCharacters", {"$", "{", "=", "-", "/", ",", ":", "+", "."}}}},
      {"signatureHelpProvider",
       {{"triggerCharacters", {"-", "[", ",", "\"", " ", "="}}, {"retriggerCharacters", {" "}}}},
      {"hoverProvider", true},
      {"declarationProvider", true},
      {"definitionProvider", true},
      {"referencesProvider", true},
      {"documentHighlightProvider", true},
      {"documentSymbolProvider", true},
      {"workspaceSymbolProvider", {{"resolveProvider", false}}},
      {"codeActionProvider",
       {{"codeActionKinds",
         {"quickfix", "refactor", "refactor.extract", "refactor.rewrite", "source.fixAll", "source.fixAll.loam"}},
        {"resolveProvider", false}}},
      {"codeLensProvider", {{"resolveProvider", true}}},
      {"documentLinkProvider", {{"resolveProvider", true}}},
      {"documentFormattingProvider", true},
      {"documentRangeFormattingProvider", true},
      {"documentOnTypeFormattingProvider", {{"firstTriggerCharacter", "\\"}, {"moreTriggerCharacter", {"`", "\n"}}}},
      {"renameProvider", {{"prepareProvider", true}}},
      {"foldingRangeProvider", true},
      {"selectionRangeProvider", true},
      {"callHierarchyProvider", true},
      {"linkedEditingRangeProvider", true},
      {"semanticTokensProvider", SemanticTokensCapability()},
      {"inlayHintProvider", {{"resolveProvider", false}}},
      {"diagnosticProvider", {{"identifier", "loam"}, {"interFileDependencies", true}, {"workspaceDiagnostics", true}}},
      {"executeCommandProvider", {{"commands", CommandNames()}, {"workDoneProgress", true}}},
      {"workspace", WorkspaceCapability()},
  };
  return {{"capabilities", std::move(capabilities)}, {"serverInfo", {{"name", "loam"}, {"version", version}}}};
}

}  // namespace loam::lsp
