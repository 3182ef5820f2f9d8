// The requests that are about one document, as a table: method, and the function that reads the parameters, asks the
// feature of the document's language, and writes the answer.
#pragma once

#include <string_view>

#include "language-server/server/server.h"

namespace loam::lsp {

struct DocumentRequest {
  Server& server;
  Document& document;
  Query query;
  const Json& params;

  [[nodiscard]] const Features& features() const { return FeaturesOf(document.language()); }
  [[nodiscard]] const Text& text() const { return document.text(); }
  // The offset of `position`.
  [[nodiscard]] std::uint32_t offset() const { return server.encoder().Offset(text(), Member(params, "position")); }
  [[nodiscard]] Span range() const { return server.encoder().ReadSpan(text(), Member(params, "range")); }
};

struct DocumentMethod {
  std::string_view name;
  Answer (*answer)(const DocumentRequest& request);
};

// Null if it is none.
const DocumentMethod* FindDocumentMethod(std::string_view name);

// One file each: server/methods_<group>.cpp.
std::span<const DocumentMethod> NavigationMethods();
std::span<const DocumentMethod> TypingMethods();
std::span<const DocumentMethod> ViewMethods();
std::span<const DocumentMethod> EditMethods();

// {"uri": …, "data": …}, as links and lenses carry it to their resolve requests.
Json ResolveData(const Document& document, std::string_view data);

}  // namespace loam::lsp
