// Definition, declaration, references, highlights, call hierarchy, symbols and links.
#include "language-server/server/document_methods.h"

namespace loam::lsp {
namespace {

Answer Places(const DocumentRequest& request, const std::vector<Location>& places, std::string_view capability) {
  const Encoder& encoder = request.server.encoder();
  if (places.empty()) {
    return Json();
  }
  const bool links = BoolMember(Path(request.server.client(), {"textDocument", capability}), "linkSupport");
  if (!links && places.size() == 1) {
    return encoder.Location(places[0]);
  }
  Json list = Json::array();
  for (const Location& place : places) {
    list.push_back(links ? encoder.LocationLink(request.text(), place) : encoder.Location(place));
  }
  return list;
}

Answer Definition(const DocumentRequest& request) {
  const auto feature = request.features().definition;
  return feature == nullptr ? Answer(Json()) : Places(request, feature(request.query, request.offset()), "definition");
}

Answer Declaration(const DocumentRequest& request) {
  const auto feature = request.features().declaration;
  return feature == nullptr ? Answer(Json()) : Places(request, feature(request.query, request.offset()), "declaration");
}

Answer References(const DocumentRequest& request) {
  const auto feature = request.features().references;
  if (feature == nullptr) {
    return Json();
  }
  const bool with_declaration = BoolMember(Member(request.params, "context"), "includeDeclaration", true);
  Json list = Json::array();
  for (const Location& place : feature(request.query, request.offset(), with_declaration)) {
    list.push_back(request.server.encoder().Location(place));
  }
  return list;
}

Answer DocumentHighlight(const DocumentRequest& request) {
  const auto feature = request.features().highlights;
  if (feature == nullptr) {
    return Json();
  }
  Json list = Json::array();
  for (const Highlight& highlight : feature(request.query, request.offset())) {
    list.push_back({{"range", request.server.encoder().Range(request.text(), highlight.span)},
                    {"kind", static_cast<int>(highlight.kind)}});
  }
  return list;
}

Answer PrepareCallHierarchy(const DocumentRequest& request) {
  const auto feature = request.features().call_items;
  if (feature == nullptr) {
    return Json();
  }
  const std::vector<CallItem> items = feature(request.query, request.offset());
  if (items.empty()) {
    return Json();
  }
  Json list = Json::array();
  for (const CallItem& item : items) {
    list.push_back(request.server.encoder().Item(item));
  }
  return list;
}

Answer DocumentSymbol(const DocumentRequest& request) {
  const auto feature = request.features().symbols;
  if (feature == nullptr) {
    return Json();
  }
  const std::vector<Symbol> symbols = feature(request.query);
  const bool tree = BoolMember(Path(request.server.client(), {"textDocument", "documentSymbol"}),
                               "hierarchicalDocumentSymbolSupport");
  return tree ? request.server.encoder().Symbols(request.text(), symbols)
              : request.server.encoder().FlatSymbols(request.document, symbols);
}

Answer DocumentLinks(const DocumentRequest& request) {
  const auto feature = request.features().links;
  if (feature == nullptr) {
    return Json();
  }
  Json list = Json::array();
  for (const DocumentLink& link : feature(request.query)) {
    Json json = {{"range", request.server.encoder().Range(request.text(), link.span)}};
    if (!link.target.empty()) {
      json["target"] = link.target;
    }
    if (!link.tooltip.empty()) {
      json["tooltip"] = link.tooltip;
    }
    if (!link.data.empty()) {
      json["data"] = ResolveData(request.document, link.data);
    }
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace

std::span<const DocumentMethod> NavigationMethods() {
  static constexpr DocumentMethod kMethods[] = {
      {"textDocument/definition", Definition},
      {"textDocument/declaration", Declaration},
      {"textDocument/references", References},
      {"textDocument/documentHighlight", DocumentHighlight},
      {"textDocument/prepareCallHierarchy", PrepareCallHierarchy},
      {"textDocument/documentSymbol", DocumentSymbol},
      {"textDocument/documentLink", DocumentLinks},
  };
  return kMethods;
}

}  // namespace loam::lsp
