#include "language-server/server/encode.h"

#include <functional>
#include <iterator>

#include <fmt/compile.h>
#include <fmt/format.h>

namespace loam::lsp {
namespace {

Json PositionJson(Position position) {
  return {{"line", position.line}, {"character", position.character}};
}

}  // namespace

std::uint32_t Encoder::Offset(const Text& text, const Json& position) const {
  return text.OffsetAt(ReadPosition(position), encoding_);
}

Span Encoder::ReadSpan(const Text& text, const Json& range) const {
  const Span span{Offset(text, Member(range, "start")), Offset(text, Member(range, "end"))};
  return span.begin <= span.end ? span : Span{span.end, span.begin};
}

Json Encoder::Place(const Text& text, std::uint32_t offset) const {
  return PositionJson(text.PositionAt(offset, encoding_));
}

Json Encoder::Range(const Text& text, Span span) const {
  return {{"start", Place(text, span.begin)}, {"end", Place(text, span.end)}};
}

Json Encoder::Location(const lsp::Location& location) const {
  const Document* document = workspace_.LoadUri(location.uri);
  static const Text kNoText{std::string()};
  const Span span = location.selection.size() > 0 ? location.selection : location.span;
  return {{"uri", location.uri}, {"range", Range(document == nullptr ? kNoText : document->text(), span)}};
}

Json Encoder::LocationLink(const Text& text, const lsp::Location& location) const {
  const Document* document = workspace_.LoadUri(location.uri);
  static const Text kNoText{std::string()};
  const Text& other = document == nullptr ? kNoText : document->text();
  const Span selection = location.selection.size() > 0 ? location.selection : location.span;
  Json link = {{"targetUri", location.uri},
               {"targetRange", Range(other, location.span)},
               {"targetSelectionRange", Range(other, selection)}};
  if (location.origin) {
    link["originSelectionRange"] = Range(text, *location.origin);
  }
  return link;
}

void Encoder::AppendRange(const Text& text, Span span, std::string& out) const {
  const Position begin = text.PositionAt(span.begin, encoding_);
  const Position end = text.PositionAt(span.end, encoding_);
  fmt::format_to(std::back_inserter(out),
                 FMT_COMPILE(R"({{"start":{{"line":{},"character":{}}},"end":{{"line":{},"character":{}}}}})"),
                 begin.line, begin.character, end.line, end.character);
}

std::string Encoder::Diagnostics(const Document& document, const std::vector<Diagnostic>& diagnostics) const {
  std::string out = "[";
  for (const Diagnostic& diagnostic : diagnostics) {
    out += out.size() > 1 ? R"(,{"range":)" : R"({"range":)";
    AppendRange(document.text(), diagnostic.span, out);
    out += R"(,"severity":)";
    out += std::to_string(static_cast<int>(diagnostic.severity));
    out += R"(,"source":)";
    AppendJsonString(out, diagnostic.source);
    out += R"(,"message":)";
    AppendJsonString(out, diagnostic.message);
    if (!diagnostic.code.empty()) {
      out += R"(,"code":)";
      AppendJsonString(out, diagnostic.code);
    }
    if (!diagnostic.href.empty()) {
      out += R"(,"codeDescription":{"href":)";
      AppendJsonString(out, diagnostic.href);
      out += '}';
    }
    if (diagnostic.unnecessary || diagnostic.deprecated) {
      const bool both = diagnostic.unnecessary && diagnostic.deprecated;
      out += both ? R"(,"tags":[1,2])" : diagnostic.unnecessary ? R"(,"tags":[1])" : R"(,"tags":[2])";
    }
    if (!diagnostic.related.empty()) {
      Json related = Json::array();
      for (const RelatedPlace& place : diagnostic.related) {
        related.push_back({{"location", Location(place.place)}, {"message", place.message}});
      }
      out += R"(,"relatedInformation":)";
      out += WriteJson(related);
    }
    out += '}';
  }
  out += ']';
  return out;
}

Json Encoder::Edits(const Text& text, const std::vector<TextEdit>& edits) const {
  Json list = Json::array();
  for (const TextEdit& edit : edits) {
    list.push_back({{"range", Range(text, edit.span)}, {"newText", edit.text}});
  }
  return list;
}

Json Encoder::Edit(const WorkspaceEdit& edit, bool document_changes) const {
  Json changes = document_changes ? Json::array() : Json::object();
  for (const FileEdits& file : edit) {
    const Document* document = workspace_.LoadUri(file.uri);
    if (document == nullptr) {
      continue;
    }
    Json edits = Edits(document->text(), file.edits);
    if (document_changes) {
      const bool open = workspace_.FindOpen(file.uri) != nullptr;
      changes.push_back({{"textDocument", {{"uri", file.uri}, {"version", open ? Json(document->version()) : Json()}}},
                         {"edits", std::move(edits)}});
    } else {
      changes[file.uri] = std::move(edits);
    }
  }
  return {{document_changes ? "documentChanges" : "changes", std::move(changes)}};
}

Json Encoder::Symbols(const Text& text, const std::vector<Symbol>& symbols) const {
  Json list = Json::array();
  for (const Symbol& symbol : symbols) {
    Json json = {{"name", symbol.name},
                 {"kind", static_cast<int>(symbol.kind)},
                 {"range", Range(text, symbol.span)},
                 {"selectionRange", Range(text, symbol.selection)}};
    if (!symbol.detail.empty()) {
      json["detail"] = symbol.detail;
    }
    if (symbol.deprecated) {
      json["tags"] = {1};
      json["deprecated"] = true;
    }
    if (!symbol.children.empty()) {
      json["children"] = Symbols(text, symbol.children);
    }
    list.push_back(std::move(json));
  }
  return list;
}

Json Encoder::FlatSymbols(const Document& document, const std::vector<Symbol>& symbols) const {
  Json list = Json::array();
  const auto add = [&](const auto& self, const std::vector<Symbol>& level) -> void {
    for (const Symbol& symbol : level) {
      Json json = {{"name", symbol.name},
                   {"kind", static_cast<int>(symbol.kind)},
                   {"location", {{"uri", document.uri()}, {"range", Range(document.text(), symbol.selection)}}}};
      if (symbol.deprecated) {
        json["deprecated"] = true;
      }
      list.push_back(std::move(json));
      self(self, symbol.children);
    }
  };
  add(add, symbols);
  return list;
}

Json Encoder::Item(const CallItem& item) const {
  const Document* document = workspace_.LoadUri(item.place.uri);
  static const Text kNoText{std::string()};
  const Text& text = document == nullptr ? kNoText : document->text();
  return {{"name", item.name},
          {"detail", item.detail},
          {"kind", static_cast<int>(item.kind)},
          {"uri", item.place.uri},
          {"range", Range(text, item.place.span)},
          {"selectionRange", Range(text, item.place.selection)},
          {"data", item.data}};
}

Json Encoder::Completions(const Text& text, const CompletionList& list, bool deprecated_property) const {
  Json items = Json::array();
  for (const Completion& item : list.items) {
    Json json = {{"label", item.label},
                 {"kind", static_cast<int>(item.kind)},
                 {"insertTextFormat", item.snippet ? 2 : 1},
                 {"textEdit", {{"range", Range(text, item.replace)}, {"newText", item.text}}}};
    if (!item.data.empty()) {
      json["data"] = item.data;
    }
    if (!item.detail.empty()) {
      json["detail"] = item.detail;
    }
    if (!item.sort.empty()) {
      json["sortText"] = item.sort;
    }
    if (!item.documentation.empty()) {
      json["documentation"] = {{"kind", "markdown"}, {"value", item.documentation}};
    }
    if (item.deprecated && deprecated_property) {
      json["deprecated"] = true;
    }
    items.push_back(std::move(json));
  }
  if (list.incomplete) {
    return {{"isIncomplete", true}, {"items", std::move(items)}};
  }
  return items;
}

std::vector<std::uint32_t> Encoder::Tokens(const Text& text, const std::vector<SemanticToken>& tokens) const {
  std::vector<std::uint32_t> data;
  data.reserve(tokens.size() * 5);
  Position before;
  const auto add = [&](Span span, const SemanticToken& token) {
    const Position begin = text.PositionAt(span.begin, encoding_);
    const Position end = text.PositionAt(span.end, encoding_);
    const std::uint32_t line_step = begin.line - before.line;
    data.insert(data.end(), {line_step, line_step == 0 ? begin.character - before.character : begin.character,
                             end.character - begin.character, static_cast<std::uint32_t>(token.type), token.modifiers});
    before = begin;
  };
  for (const SemanticToken& token : tokens) {
    for (std::uint32_t line = text.LineAt(token.span.begin); line < text.line_count(); ++line) {
      const Span whole = text.LineSpan(line);
      const Span part{std::max(whole.begin, token.span.begin), std::min(whole.end, token.span.end)};
      if (part.begin < part.end) {
        add(part, token);
      }
      if (token.span.end <= text.LineBegin(line + 1)) {
        break;
      }
    }
  }
  return data;
}

std::string DiagnosticsId(std::string_view diagnostics) {
  return fmt::format("{:016x}", std::hash<std::string_view>()(diagnostics));
}

Json EncodeCommand(const Command& command) {
  Json json = {{"title", command.title}, {"command", command.name}};
  if (!command.arguments.empty()) {
    json["arguments"] = command.arguments;
  }
  return json;
}

}  // namespace loam::lsp
