// The findings of build checks as SARIF 2.1.0.
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "compiler/driver/check_report.h"

namespace loam::driver {
namespace {

using Json = nlohmann::ordered_json;

std::string_view LevelOf(lint::Severity severity) {
  switch (severity) {
    case lint::Severity::kError:
      return "error";
    case lint::Severity::kWarning:
      return "warning";
    case lint::Severity::kInfo:
    case lint::Severity::kStyle:
      return "note";
  }
  return "none";
}

// A relative path as a URI reference.
std::string Uri(std::string_view path) {
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return uri;
}

Json Region(const source::Buffer& buffer, source::SourceRange range) {
  const auto begin = buffer.lines().Utf16Column(buffer.text(), range.begin);
  const auto end = buffer.lines().Utf16Column(buffer.text(), range.end);
  return {{"startLine", begin.line}, {"startColumn", begin.column}, {"endLine", end.line}, {"endColumn", end.column}};
}

// In UTF-16 units from 1, as SARIF counts. Of whole lines if no range is known.
Json Region(const source::Buffer& buffer, source::SourceRange range, source::LineSpan lines) {
  if (range.valid() && range.file == buffer.id()) {
    return Region(buffer, range);
  }
  return {{"startLine", lines.first}, {"endLine", std::max(lines.first, lines.last)}};
}

class SarifWriter {
 public:
  explicit SarifWriter(const CheckReport& report) : report_(report) {}

  Json Write(std::string_view version) {
    Json results = Json::array();
    for (const lint::Warning& warning : report_.warnings) {
      results.push_back(Result(warning));
    }
    for (const diag::Diagnostic& diagnostic : report_.diagnostics) {
      if (diagnostic.is_error()) {
        results.push_back(Result(diagnostic));
      }
    }
    Json run;
    run["tool"]["driver"] = {
        {"name", "loam"}, {"informationUri", "https://loam.build"}, {"semanticVersion", version}, {"rules", rules_}};
    run["columnKind"] = "utf16CodeUnits";
    run["artifacts"] =
        Json::array({{{"location", {{"uri", Uri(report_.buffer.name())}}}, {"sourceLanguage", "dockerfile"}}});
    run["results"] = std::move(results);
    return {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
            {"version", "2.1.0"},
            {"runs", Json::array({std::move(run)})}};
  }

 private:
  std::size_t RuleIndex(const lint::RuleInfo& rule) {
    const auto [found, added] = indexes_.emplace(rule.name, rules_.size());
    if (added) {
      Json row{{"id", rule.name},
               {"name", rule.name},
               {"shortDescription", {{"text", rule.description}}},
               {"defaultConfiguration", {{"level", LevelOf(rule.severity)}}}};
      if (!rule.url.empty()) {
        row["helpUri"] = rule.url;
      }
      rules_.push_back(std::move(row));
    }
    return found->second;
  }

  Json Location(source::SourceRange range, source::LineSpan lines) const {
    Json place{{"artifactLocation", {{"uri", Uri(report_.buffer.name())}, {"index", 0}}}};
    if (lines.first != 0) {
      place["region"] = Region(report_.buffer, range, lines);
    }
    return {{"physicalLocation", std::move(place)}};
  }

  Json Result(const lint::Warning& warning) {
    const std::size_t index = RuleIndex(*warning.rule);
    Json row{{"ruleId", warning.rule->name},
             {"ruleIndex", index},
             {"level", LevelOf(warning.rule->severity)},
             {"message", {{"text", warning.message}}},
             {"locations", Json::array({Location(warning.range, warning.lines)})}};
    if (!warning.fixes.empty()) {
      Json fixes = Json::array();
      for (const lint::Fix& fix : warning.fixes) {
        fixes.push_back(FixOf(fix));
      }
      row["fixes"] = std::move(fixes);
    }
    return row;
  }

  Json FixOf(const lint::Fix& fix) const {
    Json replacements = Json::array();
    for (const diag::Edit& edit : fix.edits) {
      replacements.push_back(
          {{"deletedRegion", Region(report_.buffer, edit.range)}, {"insertedContent", {{"text", edit.replacement}}}});
    }
    Json change{{"artifactLocation", {{"uri", Uri(report_.buffer.name())}, {"index", 0}}},
                {"replacements", std::move(replacements)}};
    return {{"description",
             {{"text", fix.safety == lint::FixSafety::kSafe ? fix.title : fix.title + " (changes what is built)"}}},
            {"artifactChanges", Json::array({std::move(change)})}};
  }

  Json Result(const diag::Diagnostic& diagnostic) {
    const diag::KindInfo& kind = diag::InfoOf(diagnostic.kind);
    const lint::RuleInfo rule{kind.code, kind.name, "", false, 1, lint::Severity::kError};
    const std::size_t index = RuleIndex(rule);
    const bool here = diagnostic.range.valid() && diagnostic.range.file == report_.buffer.id();
    const auto lines = here ? report_.buffer.LinesOf(diagnostic.range) : source::LineSpan{};
    return {{"ruleId", kind.code},
            {"ruleIndex", index},
            {"level", "error"},
            {"message", {{"text", diagnostic.message}}},
            {"locations", Json::array({Location(diagnostic.range, lines)})}};
  }

  const CheckReport& report_;
  Json rules_ = Json::array();
  std::map<std::string, std::size_t, std::less<>> indexes_;
};

}  // namespace

std::string CheckSarif(const CheckReport& report, std::string_view version) {
  return SarifWriter(report).Write(version).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace loam::driver
