// What is asked while one types: completion, signature help, hover, linked editing.
#include "language-server/server/document_methods.h"

namespace loam::lsp {
namespace {

Answer CompletionAt(const DocumentRequest& request) {
  const auto feature = request.features().completion;
  if (feature == nullptr) {
    return Json();
  }
  return request.server.encoder().Completions(request.text(), feature(request.query, request.offset()),
                                              request.query.client.deprecated_completions);
}

Json EncodeSignature(const Signature& signature) {
  Json json = {{"label", signature.label}};
  if (!signature.documentation.empty()) {
    json["documentation"] = signature.documentation;
  }
  Json& parameters = json["parameters"] = Json::array();
  for (const SignatureParameter& parameter : signature.parameters) {
    Json entry = {{"label", parameter.label}};
    if (!parameter.documentation.empty()) {
      entry["documentation"] = parameter.documentation;
    }
    parameters.push_back(std::move(entry));
  }
  return json;
}

Answer SignatureHelpAt(const DocumentRequest& request) {
  const auto feature = request.features().signature_help;
  const auto help = feature == nullptr ? std::nullopt : feature(request.query, request.offset());
  if (!help) {
    return Json();
  }
  Json signatures = Json::array();
  for (const Signature& signature : help->signatures) {
    signatures.push_back(EncodeSignature(signature));
  }
  Json json = {{"signatures", std::move(signatures)}, {"activeSignature", help->active_signature}};
  json["activeParameter"] = help->active_parameter ? Json(*help->active_parameter) : Json();
  return json;
}

Answer HoverAt(const DocumentRequest& request) {
  const auto feature = request.features().hover;
  const auto hover = feature == nullptr ? std::nullopt : feature(request.query, request.offset());
  if (!hover) {
    return Json();
  }
  return Json{
      {"contents", {{"kind", request.query.client.markdown ? "markdown" : "plaintext"}, {"value", hover->markdown}}},
      {"range", request.server.encoder().Range(request.text(), hover->span)}};
}

Answer LinkedEditing(const DocumentRequest& request) {
  const auto feature = request.features().linked_ranges;
  const auto linked = feature == nullptr ? std::nullopt : feature(request.query, request.offset());
  if (!linked) {
    return Json();
  }
  Json ranges = Json::array();
  for (const Span& span : linked->spans) {
    ranges.push_back(request.server.encoder().Range(request.text(), span));
  }
  return Json{{"ranges", std::move(ranges)}};
}

}  // namespace

std::span<const DocumentMethod> TypingMethods() {
  static constexpr DocumentMethod kMethods[] = {
      {"textDocument/completion", CompletionAt},
      {"textDocument/signatureHelp", SignatureHelpAt},
      {"textDocument/hover", HoverAt},
      {"textDocument/linkedEditingRange", LinkedEditing},
  };
  return kMethods;
}

}  // namespace loam::lsp
