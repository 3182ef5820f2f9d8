// Requests beside the documents: workspace symbols, calls, resolving, commands, diagnostics of the whole workspace.
#include <cctype>

#include <fmt/format.h>

#include "base/strings.h"
#include "language-server/server/commands.h"
#include "language-server/server/execute_command.h"
#include "language-server/server/progress.h"
#include "language-server/server/server.h"

namespace loam::lsp {
namespace {

// The letters of `query` occur in `name` in this order.
bool FuzzyMatch(std::string_view query, std::string_view name) {
  std::size_t at = 0;
  for (const char letter : query) {
    while (at < name.size() &&
           std::tolower(static_cast<unsigned char>(name[at])) != std::tolower(static_cast<unsigned char>(letter))) {
      ++at;
    }
    if (at == name.size()) {
      return false;
    }
    ++at;
  }
  return true;
}

constexpr std::size_t kMaxWorkspaceSymbols = 2000;

std::vector<Document*> WorkspaceDocuments(Workspace& workspace) {
  std::vector<Document*> documents = workspace.OpenDocuments();
  for (const FileRole role : {FileRole::kDockerfile, FileRole::kEarthfile}) {
    for (const std::string& path : workspace.Files(role)) {
      Document* document = workspace.Load(path);
      if (document != nullptr && std::find(documents.begin(), documents.end(), document) == documents.end()) {
        documents.push_back(document);
      }
    }
  }
  return documents;
}

Json WorkspaceSymbols(Server& server, const Json& params, const CancelToken& cancel) {
  const Progress progress(server, Member(params, "workDoneToken"), "symbols of the workspace");
  const std::string query = StringMember(params, "query");
  Json list = Json::array();
  const auto add = [&](const auto& self, const Document& document, const std::vector<Symbol>& symbols,
                       const std::string& container) -> void {
    for (const Symbol& symbol : symbols) {
      if (list.size() < kMaxWorkspaceSymbols && FuzzyMatch(query, symbol.name)) {
        list.push_back(
            {{"name", symbol.name},
             {"kind", static_cast<int>(symbol.kind)},
             {"containerName", container},
             {"location",
              {{"uri", document.uri()}, {"range", server.encoder().Range(document.text(), symbol.selection)}}}});
      }
      self(self, document, symbol.children, symbol.name);
    }
  };
  for (Document* document : WorkspaceDocuments(server.workspace())) {
    const auto feature = FeaturesOf(document->language()).symbols;
    if (cancel.cancelled()) {
      break;
    }
    if (feature != nullptr) {
      const std::string_view path = document->path();
      add(add, *document, feature(server.QueryOn(*document, cancel)), std::string(path.substr(path.rfind('/') + 1)));
    }
  }
  return list;
}

Answer Calls(Server& server, const Json& params, const CancelToken& cancel, bool incoming) {
  const Json& json = Member(params, "item");
  const std::string uri = StringMember(json, "uri");
  Document* document = server.workspace().LoadUri(uri);
  if (document == nullptr) {
    return Json();
  }
  const Features& features = FeaturesOf(document->language());
  const auto feature = incoming ? features.incoming_calls : features.outgoing_calls;
  if (feature == nullptr) {
    return Json();
  }
  const Encoder& encoder = server.encoder();
  CallItem item;
  item.name = StringMember(json, "name");
  item.data = StringMember(json, "data");
  item.place = {uri,
                encoder.ReadSpan(document->text(), Member(json, "range")),
                encoder.ReadSpan(document->text(), Member(json, "selectionRange")),
                {}};
  Json list = Json::array();
  for (const Call& call : feature(server.QueryOn(*document, cancel), item)) {
    const Document* from = incoming ? server.workspace().LoadUri(call.item.place.uri) : document;
    Json ranges = Json::array();
    for (const Span& span : call.from) {
      ranges.push_back(from == nullptr ? Json() : encoder.Range(from->text(), span));
    }
    list.push_back({{incoming ? "from" : "to", encoder.Item(call.item)}, {"fromRanges", std::move(ranges)}});
  }
  return list;
}

Json ResolveCompletion(const Json& item) {
  const std::string data = StringMember(item, "data");
  Json resolved = item;
  for (const Features* features : {&kDockerfileFeatures, &kEarthfileFeatures}) {
    if (data.empty() || features->completion_documentation == nullptr) {
      continue;
    }
    if (const std::string text = features->completion_documentation(data); !text.empty()) {
      resolved["documentation"] = {{"kind", "markdown"}, {"value", text}};
      break;
    }
  }
  return resolved;
}

Json ResolveLink(Server& server, const Json& link, const CancelToken& cancel) {
  Document* document = server.workspace().LoadUri(StringMember(Member(link, "data"), "uri"));
  Json resolved = link;
  if (document != nullptr) {
    const auto feature = FeaturesOf(document->language()).link_target;
    const std::string data = StringMember(Member(link, "data"), "data");
    const std::string target = feature == nullptr ? std::string() : feature(server.QueryOn(*document, cancel), data);
    if (!target.empty()) {
      resolved["target"] = target;
    }
  }
  return resolved;
}

Json ResolveLens(Server& server, const Json& lens, const CancelToken& cancel) {
  Document* document = server.workspace().LoadUri(StringMember(Member(lens, "data"), "uri"));
  Json resolved = lens;
  if (document != nullptr) {
    const auto feature = FeaturesOf(document->language()).code_lens_command;
    const auto command = feature == nullptr
                             ? std::nullopt
                             : feature(server.QueryOn(*document, cancel), StringMember(Member(lens, "data"), "data"));
    if (command) {
      resolved["command"] = EncodeCommand(*command);
    }
  }
  return resolved;
}

Answer WorkspaceDiagnostics(Server& server, const Json& params, const CancelToken& cancel) {
  const Progress progress(server, Member(params, "workDoneToken"), "checking the workspace");
  std::map<std::string, std::string> previous;
  for (const Json& entry : Member(params, "previousResultIds")) {
    previous[StringMember(entry, "uri")] = StringMember(entry, "value");
  }
  std::string reports;
  for (Document* document : WorkspaceDocuments(server.workspace())) {
    if (cancel.cancelled()) {
      break;
    }
    const std::string found = server.encoder().Diagnostics(*document, server.DiagnosticsOf(*document, cancel));
    const std::string id = DiagnosticsId(found);
    const bool open = server.workspace().FindOpen(document->uri()) != nullptr;
    reports += reports.empty() ? R"({"uri":)" : R"(,{"uri":)";
    AppendJsonString(reports, document->uri());
    reports +=
        fmt::format(R"(,"version":{},"resultId":"{}",)", open ? std::to_string(document->version()) : "null", id);
    if (previous[document->uri()] == id) {
      reports += R"("kind":"unchanged"})";
    } else {
      reports += fmt::format(R"("kind":"full","items":{}}})", found);
    }
  }
  return RawJson{fmt::format(R"({{"items":[{}]}})", reports)};
}

}  // namespace

Answer Server::AnswerWorkspaceRequest(const Message& message) {
  const std::string& method = message.method;
  const Json& params = message.params;
  if (method == "workspace/symbol") {
    return WorkspaceSymbols(*this, params, *message.cancel);
  }
  if (method == "callHierarchy/incomingCalls" || method == "callHierarchy/outgoingCalls") {
    return Calls(*this, params, *message.cancel, method == "callHierarchy/incomingCalls");
  }
  if (method == "completionItem/resolve") {
    return ResolveCompletion(params);
  }
  if (method == "documentLink/resolve") {
    return ResolveLink(*this, params, *message.cancel);
  }
  if (method == "codeLens/resolve") {
    return ResolveLens(*this, params, *message.cancel);
  }
  if (method == "workspace/diagnostic") {
    return WorkspaceDiagnostics(*this, params, *message.cancel);
  }
  if (method == "workspace/executeCommand") {
    return ExecuteCommand(*this, params, *message.cancel);
  }
  return RpcError{RpcCode::kMethodNotFound, fmt::format("no method `{}`", method)};
}

}  // namespace loam::lsp
