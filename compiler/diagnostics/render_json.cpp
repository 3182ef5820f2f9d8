// JSON and SARIF.
#include <set>

#include <nlohmann/json.hpp>

#include "compiler/diagnostics/render.h"

namespace loam::diag {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kDocsUrl = "https://loam.build/docs/diagnostics#";

// Bytes that are not UTF-8 become the replacement character: the text must be valid JSON whatever the file held.
std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json Place(const source::Buffer& buffer, std::uint32_t offset) {
  const source::LineColumn place = buffer.lines().ByteColumn(offset);
  return {{"line", place.line}, {"column", place.column}, {"offset", offset}};
}

// {"file": ..., "range": ...}, nothing for no place.
void AddPlace(Json& json, const source::SourceManager& sources, source::SourceRange range) {
  if (const source::Buffer* buffer = sources.Find(range.file)) {
    json["file"] = buffer->name();
    json["range"] = {{"start", Place(*buffer, range.begin)}, {"end", Place(*buffer, range.end)}};
  }
}

std::string DocsOf(Kind kind) {
  return std::string(kDocsUrl) + std::string(InfoOf(kind).slug);
}

Json ToJson(const Diagnostic& diagnostic, const source::SourceManager& sources) {
  const KindInfo& info = InfoOf(diagnostic.kind);
  Json json = {{"code", info.code},
               {"name", info.name},
               {"severity", SeverityName(diagnostic.severity)},
               {"message", diagnostic.message}};
  AddPlace(json, sources, diagnostic.range);
  json["labels"] = Json::array();
  for (const Label& label : diagnostic.labels) {
    Json& item = json["labels"].emplace_back(Json{{"text", label.text}});
    AddPlace(item, sources, label.range);
  }
  json["notes"] = diagnostic.notes;
  json["hints"] = diagnostic.hints;
  json["fixes"] = Json::array();
  for (const FixIt& fix : diagnostic.fixes) {
    Json& item = json["fixes"].emplace_back(Json{{"title", fix.title}, {"edits", Json::array()}});
    for (const Edit& edit : fix.edits) {
      Json& change = item["edits"].emplace_back(Json{{"replacement", edit.replacement}});
      AddPlace(change, sources, edit.range);
    }
  }
  json["docs"] = DocsOf(diagnostic.kind);
  return json;
}

Json SarifRegion(const source::Buffer& buffer, source::SourceRange range) {
  const source::LineColumn begin = buffer.lines().Utf16Column(buffer.text(), range.begin);
  const source::LineColumn end = buffer.lines().Utf16Column(buffer.text(), range.end);
  return {{"startLine", begin.line}, {"startColumn", begin.column}, {"endLine", end.line}, {"endColumn", end.column}};
}

Json SarifLocation(const source::Buffer& buffer, source::SourceRange range) {
  return {
      {"physicalLocation", {{"artifactLocation", {{"uri", buffer.name()}}}, {"region", SarifRegion(buffer, range)}}}};
}

Json SarifResult(const Diagnostic& diagnostic, const source::SourceManager& sources) {
  std::string text = diagnostic.message;
  for (const std::string& hint : diagnostic.hints) {
    text += "\nhint: " + hint;
  }
  Json result = {{"ruleId", InfoOf(diagnostic.kind).code},
                 {"level", SeverityName(diagnostic.severity)},
                 {"message", {{"text", text}}}};
  if (const source::Buffer* buffer = sources.Find(diagnostic.range.file)) {
    result["locations"] = Json::array({SarifLocation(*buffer, diagnostic.range)});
  }
  for (const Label& label : diagnostic.labels) {
    if (const source::Buffer* buffer = sources.Find(label.range.file)) {
      Json location = SarifLocation(*buffer, label.range);
      location["message"] = {{"text", label.text}};
      result["relatedLocations"].push_back(std::move(location));
    }
  }
  for (const FixIt& fix : diagnostic.fixes) {
    Json changes = Json::array();
    for (const Edit& edit : fix.edits) {
      if (const source::Buffer* buffer = sources.Find(edit.range.file)) {
        changes.push_back({{"artifactLocation", {{"uri", buffer->name()}}},
                           {"replacements", Json::array({{{"deletedRegion", SarifRegion(*buffer, edit.range)},
                                                          {"insertedContent", {{"text", edit.replacement}}}}})}});
      }
    }
    result["fixes"].push_back({{"description", {{"text", fix.title}}}, {"artifactChanges", std::move(changes)}});
  }
  return result;
}

}  // namespace

std::string RenderJson(std::span<const Diagnostic> diagnostics, const source::SourceManager& sources) {
  Json items = Json::array();
  for (const Diagnostic& diagnostic : diagnostics) {
    items.push_back(ToJson(diagnostic, sources));
  }
  return Dump({{"diagnostics", std::move(items)}});
}

std::string RenderSarif(std::span<const Diagnostic> diagnostics, const source::SourceManager& sources,
                        std::string_view tool_version) {
  std::set<Kind> kinds;
  Json results = Json::array();
  for (const Diagnostic& diagnostic : diagnostics) {
    kinds.insert(diagnostic.kind);
    results.push_back(SarifResult(diagnostic, sources));
  }
  Json rules = Json::array();
  for (const Kind kind : kinds) {
    rules.push_back({{"id", InfoOf(kind).code}, {"name", InfoOf(kind).name}, {"helpUri", DocsOf(kind)}});
  }
  const Json tool = {{"driver",
                      {{"name", "loam"},
                       {"version", tool_version},
                       {"informationUri", "https://loam.build"},
                       {"rules", std::move(rules)}}}};
  return Dump({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
               {"version", "2.1.0"},
               {"runs", Json::array({{{"tool", tool}, {"columnKind", "utf16CodeUnits"}, {"results", results}}})}});
}

}  // namespace loam::diag
