#include "language-server/server/document_methods.h"

namespace loam::lsp {

const DocumentMethod* FindDocumentMethod(std::string_view name) {
  for (const auto methods : {NavigationMethods(), TypingMethods(), ViewMethods(), EditMethods()}) {
    for (const DocumentMethod& method : methods) {
      if (method.name == name) {
        return &method;
      }
    }
  }
  return nullptr;
}

Json ResolveData(const Document& document, std::string_view data) {
  return {{"uri", document.uri()}, {"data", data}};
}

}  // namespace loam::lsp
