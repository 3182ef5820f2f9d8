// What an editor draws: folds, selections, semantic tokens, inlay hints, code lenses, pulled diagnostics.
#include <functional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "language-server/server/document_methods.h"

namespace loam::lsp {
namespace {

Answer FoldingRange(const DocumentRequest& request) {
  const auto feature = request.features().folds;
  if (feature == nullptr) {
    return Json();
  }
  const Encoder& encoder = request.server.encoder();
  Json list = Json::array();
  for (const Fold& fold : feature(request.query)) {
    if (list.size() >= request.query.client.fold_limit) {
      break;
    }
    const Position begin = request.text().PositionAt(fold.span.begin, encoder.encoding());
    const Position end = request.text().PositionAt(fold.span.end, encoder.encoding());
    Json json = {{"startLine", begin.line}, {"endLine", end.line}};
    if (!request.query.client.line_folding_only) {
      json["startCharacter"] = begin.character;
      json["endCharacter"] = end.character;
    }
    switch (fold.kind) {
      case FoldKind::kComment:
        json["kind"] = "comment";
        break;
      case FoldKind::kRegion:
        json["kind"] = "region";
        break;
      case FoldKind::kImports:
        json["kind"] = "imports";
        break;
      case FoldKind::kNone:
        break;
    }
    list.push_back(std::move(json));
  }
  return list;
}

Answer SelectionRanges(const DocumentRequest& request) {
  const auto feature = request.features().selections;
  const Json& positions = Member(request.params, "positions");
  if (feature == nullptr || !positions.is_array()) {
    return Json();
  }
  Json list = Json::array();
  for (const Json& position : positions) {
    const std::vector<Span> spans = feature(request.query, request.server.encoder().Offset(request.text(), position));
    Json outer;
    for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
      Json range = {{"range", request.server.encoder().Range(request.text(), *span)}};
      if (!outer.is_null()) {
        range["parent"] = std::move(outer);
      }
      outer = std::move(range);
    }
    list.push_back(std::move(outer));
  }
  return list;
}

std::string NumbersJson(const std::vector<std::uint32_t>& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ","));
}

std::vector<std::uint32_t> TokensIn(const DocumentRequest& request, Span span) {
  const auto feature = request.features().semantic_tokens;
  return feature == nullptr ? std::vector<std::uint32_t>()
                            : request.server.encoder().Tokens(request.text(), feature(request.query, span));
}

Answer SemanticTokensFull(const DocumentRequest& request) {
  Server::SentTokens& sent = request.server.TokensOf(request.document.uri());
  sent.data = TokensIn(request, {0, request.text().size()});
  const bool delta =
      BoolMember(Path(request.server.client(), {"textDocument", "semanticTokens", "requests", "full"}), "delta");
  if (!delta) {
    const RawJson answer{fmt::format(R"({{"data":{}}})", NumbersJson(sent.data))};
    sent = {};
    return answer;
  }
  sent.id = request.server.NextId();
  return RawJson{fmt::format(R"({{"resultId":"{}","data":{}}})", sent.id, NumbersJson(sent.data))};
}

Answer SemanticTokensDelta(const DocumentRequest& request) {
  Server::SentTokens& sent = request.server.TokensOf(request.document.uri());
  if (sent.id.empty() || StringMember(request.params, "previousResultId") != sent.id) {
    return SemanticTokensFull(request);
  }
  const std::vector<std::uint32_t> before = std::move(sent.data);
  sent.data = TokensIn(request, {0, request.text().size()});
  sent.id = request.server.NextId();
  const std::vector<std::uint32_t>& now = sent.data;
  // One edit: what lies between the common begin and the common end, in whole tokens.
  const std::size_t most = std::min(before.size(), now.size());
  std::size_t head = 0;
  while (head < most && before[head] == now[head]) {
    ++head;
  }
  head -= head % 5;
  std::size_t tail = 0;
  while (tail < most - head && before[before.size() - 1 - tail] == now[now.size() - 1 - tail]) {
    ++tail;
  }
  tail -= tail % 5;
  const std::vector<std::uint32_t> inserted(now.begin() + static_cast<std::ptrdiff_t>(head),
                                            now.end() - static_cast<std::ptrdiff_t>(tail));
  const std::size_t removed = before.size() - head - tail;
  const std::string edits =
      removed == 0 && inserted.empty()
          ? std::string()
          : fmt::format(R"({{"start":{},"deleteCount":{},"data":{}}})", head, removed, NumbersJson(inserted));
  return RawJson{fmt::format(R"({{"resultId":"{}","edits":[{}]}})", sent.id, edits)};
}

Answer SemanticTokensRange(const DocumentRequest& request) {
  return RawJson{fmt::format(R"({{"data":{}}})", NumbersJson(TokensIn(request, request.range())))};
}

Answer InlayHints(const DocumentRequest& request) {
  const auto feature = request.features().inlay_hints;
  if (feature == nullptr || !request.query.settings.inlay_hints) {
    return Json();
  }
  Json list = Json::array();
  for (const InlayHint& hint : feature(request.query, request.range())) {
    Json json = {{"position", request.server.encoder().Place(request.text(), hint.offset)},
                 {"label", hint.label},
                 {"paddingLeft", true}};
    if (hint.kind != InlayKind::kOther) {
      json["kind"] = static_cast<int>(hint.kind);
    }
    if (!hint.tooltip.empty()) {
      json["tooltip"] = {{"kind", "markdown"}, {"value", hint.tooltip}};
    }
    list.push_back(std::move(json));
  }
  return list;
}

Answer CodeLenses(const DocumentRequest& request) {
  const auto feature = request.features().code_lenses;
  if (feature == nullptr || !request.query.settings.code_lenses) {
    return Json();
  }
  Json list = Json::array();
  for (const CodeLens& lens : feature(request.query)) {
    Json json = {{"range", request.server.encoder().Range(request.text(), lens.span)}};
    if (lens.command) {
      json["command"] = EncodeCommand(*lens.command);
    } else {
      json["data"] = ResolveData(request.document, lens.data);
    }
    list.push_back(std::move(json));
  }
  return list;
}

Answer PulledDiagnostics(const DocumentRequest& request) {
  const std::string items = request.server.encoder().Diagnostics(
      request.document, request.server.DiagnosticsOf(request.document, request.query.cancel));
  const std::string id = DiagnosticsId(items);
  if (StringMember(request.params, "previousResultId") == id) {
    return Json{{"kind", "unchanged"}, {"resultId", id}};
  }
  return RawJson{fmt::format(R"({{"kind":"full","resultId":"{}","items":{}}})", id, items)};
}

}  // namespace

std::span<const DocumentMethod> ViewMethods() {
  static constexpr DocumentMethod kMethods[] = {
      {"textDocument/foldingRange", FoldingRange},
      {"textDocument/selectionRange", SelectionRanges},
      {"textDocument/semanticTokens/full", SemanticTokensFull},
      {"textDocument/semanticTokens/full/delta", SemanticTokensDelta},
      {"textDocument/semanticTokens/range", SemanticTokensRange},
      {"textDocument/inlayHint", InlayHints},
      {"textDocument/codeLens", CodeLenses},
      {"textDocument/diagnostic", PulledDiagnostics},
  };
  return kMethods;
}

}  // namespace loam::lsp
