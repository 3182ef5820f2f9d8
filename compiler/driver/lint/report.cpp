#include "compiler/driver/lint/report.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "base/xml.h"
#include "compiler/diagnostics/source_excerpt.h"

namespace loam::driver::findings {
namespace {

using Json = nlohmann::ordered_json;

source::LineColumn Begin(const Finding& finding) {
  return finding.range.valid() ? finding.buffer->lines().ByteColumn(finding.range.begin)
                               : source::LineColumn{finding.lines.first, 1};
}
source::LineColumn End(const Finding& finding) {
  return finding.range.valid() ? finding.buffer->lines().ByteColumn(finding.range.end)
                               : source::LineColumn{std::max(finding.lines.first, finding.lines.last), 1};
}

// What breaks a line of a report, percent-encoded.
std::string Escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    out += special.find(c) == std::string_view::npos ? std::string(1, c)
                                                     : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string_view ColorOf(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "\x1b[31m";
    case Severity::kWarning:
      return "\x1b[33m";
    case Severity::kInfo:
      return "\x1b[36m";
    case Severity::kStyle:
      return "\x1b[35m";
  }
  return "";
}

// The line, and a mark below the range.
std::string Excerpt(const Finding& finding) {
  const std::string_view text = finding.buffer->text();
  const source::LineColumn begin = Begin(finding);
  if (begin.line == 0 || text.empty()) {
    return {};
  }
  std::size_t at = 0;
  for (std::uint32_t line = 1; line < begin.line && at != std::string_view::npos; ++line) {
    at = text.find('\n', at);
    at = at == std::string_view::npos ? at : at + 1;
  }
  if (at == std::string_view::npos) {
    return {};
  }
  std::string_view line = text.substr(at, text.find('\n', at) - at);
  constexpr std::size_t kWidth = 120;
  line = line.substr(0, kWidth);
  while (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  // Escape sequences of a hostile file stay out of the terminal; a column stays a column.
  std::string shown(line);
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; }, '?');
  std::string out = fmt::format("    {}\n", shown);
  if (finding.range.valid() && begin.column <= line.size() + 1) {
    const std::size_t width = finding.lines.first == finding.lines.last
                                  ? finding.range.size()
                                  : line.size() - std::min<std::size_t>(begin.column - 1, line.size());
    std::string pad;
    for (std::size_t i = 0; i + 1 < begin.column; ++i) {
      pad += line[i] == '\t' ? '\t' : ' ';
    }
    out += fmt::format("    {}{}\n", pad, std::string(std::clamp<std::size_t>(width, 1, kWidth), '^'));
  }
  return out;
}

Json Place(const source::Buffer& buffer, std::uint32_t offset) {
  const source::LineColumn place = buffer.lines().ByteColumn(offset);
  return {{"line", place.line}, {"column", place.column}, {"offset", offset}};
}

Json FixJson(const source::Buffer& buffer, const loam::lint::Fix& fix) {
  Json edits = Json::array();
  for (const diag::Edit& edit : fix.edits) {
    edits.push_back({{"start", Place(buffer, edit.range.begin)},
                     {"end", Place(buffer, edit.range.end)},
                     {"text", edit.replacement}});
  }
  return {{"title", fix.title}, {"safe", fix.safety == loam::lint::FixSafety::kSafe}, {"edits", std::move(edits)}};
}

std::string_view SarifLevel(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kInfo:
    case Severity::kStyle:
      return "note";
  }
  return "none";
}

std::string Uri(std::string_view path) {
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri;
}

Json SarifRegion(const source::Buffer& buffer, source::SourceRange range) {
  const auto begin = buffer.lines().Utf16Column(buffer.text(), range.begin);
  const auto end = buffer.lines().Utf16Column(buffer.text(), range.end);
  return {{"startLine", begin.line}, {"startColumn", begin.column}, {"endLine", end.line}, {"endColumn", end.column}};
}

std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string TextReport(const std::vector<Finding>& findings, bool color) {
  std::string out;
  for (const Finding& finding : findings) {
    const source::LineColumn begin = Begin(finding);
    const std::string_view severity = loam::lint::SeverityName(finding.severity);
    const std::string level =
        color ? fmt::format("{}{}\x1b[0m", ColorOf(finding.severity), severity) : std::string(severity);
    out += fmt::format("{}:{}:{}: {}: {} [{}]\n{}", finding.file(), begin.line, begin.column, level,
                       diag::Printable(finding.message), finding.rule, Excerpt(finding));
  }
  return out;
}

std::string JsonReport(const std::vector<Finding>& findings) {
  Json rows = Json::array();
  for (const Finding& finding : findings) {
    Json row = {{"file", finding.file()},
                {"rule", finding.rule},
                {"severity", loam::lint::SeverityName(finding.severity)},
                {"message", finding.message}};
    if (!finding.url.empty()) {
      row["url"] = finding.url;
    }
    row["lines"] = {finding.lines.first, finding.lines.last};
    if (finding.range.valid()) {
      row["range"] = {{"start", Place(*finding.buffer, finding.range.begin)},
                      {"end", Place(*finding.buffer, finding.range.end)}};
    }
    Json fixes = Json::array();
    for (const loam::lint::Fix& fix : finding.fixes) {
      fixes.push_back(FixJson(*finding.buffer, fix));
    }
    if (!fixes.empty()) {
      row["fixes"] = std::move(fixes);
    }
    rows.push_back(std::move(row));
  }
  return Dump({{"findings", std::move(rows)}});
}

std::string SarifReport(const std::vector<Finding>& findings, std::string_view version) {
  Json rules = Json::array();
  std::map<std::string, std::size_t> rule_numbers;
  Json artifacts = Json::array();
  std::map<std::string, std::size_t> file_numbers;
  Json results = Json::array();
  for (const Finding& finding : findings) {
    const auto [rule, new_rule] = rule_numbers.emplace(finding.rule, rules.size());
    if (new_rule) {
      Json row = {{"id", finding.rule},
                  {"name", finding.rule},
                  {"shortDescription", {{"text", finding.description}}},
                  {"defaultConfiguration", {{"level", SarifLevel(finding.severity)}}}};
      if (!finding.url.empty()) {
        row["helpUri"] = finding.url;
      }
      rules.push_back(std::move(row));
    }
    const auto [file, new_file] = file_numbers.emplace(finding.file(), artifacts.size());
    if (new_file) {
      artifacts.push_back({{"location", {{"uri", Uri(finding.file())}}}});
    }
    const Json place = {{"uri", Uri(finding.file())}, {"index", file->second}};
    Json physical = {{"artifactLocation", place}};
    if (finding.range.valid()) {
      physical["region"] = SarifRegion(*finding.buffer, finding.range);
    } else if (finding.lines.first > 0) {
      physical["region"] = {{"startLine", finding.lines.first},
                            {"endLine", std::max(finding.lines.first, finding.lines.last)}};
    }
    Json result = {{"ruleId", finding.rule},
                   {"ruleIndex", rule->second},
                   {"level", SarifLevel(finding.severity)},
                   {"message", {{"text", finding.message}}},
                   {"locations", Json::array({{{"physicalLocation", std::move(physical)}}})}};
    Json fixes = Json::array();
    for (const loam::lint::Fix& fix : finding.fixes) {
      Json replacements = Json::array();
      for (const diag::Edit& edit : fix.edits) {
        replacements.push_back({{"deletedRegion", SarifRegion(*finding.buffer, edit.range)},
                                {"insertedContent", {{"text", edit.replacement}}}});
      }
      const bool safe = fix.safety == loam::lint::FixSafety::kSafe;
      fixes.push_back({{"description", {{"text", safe ? fix.title : fix.title + " (changes what is built)"}}},
                       {"artifactChanges",
                        Json::array({{{"artifactLocation", place}, {"replacements", std::move(replacements)}}})}});
    }
    if (!fixes.empty()) {
      result["fixes"] = std::move(fixes);
    }
    results.push_back(std::move(result));
  }
  Json run;
  run["tool"]["driver"] = {{"name", "loam"},
                           {"informationUri", "https://loam.build"},
                           {"semanticVersion", version},
                           {"rules", std::move(rules)}};
  run["columnKind"] = "utf16CodeUnits";
  run["artifacts"] = std::move(artifacts);
  run["results"] = std::move(results);
  return Dump({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
               {"version", "2.1.0"},
               {"runs", Json::array({std::move(run)})}});
}

std::string GithubReport(const std::vector<Finding>& findings) {
  constexpr std::string_view kInValue = "%\r\n:,";
  std::string out;
  for (const Finding& finding : findings) {
    const source::LineColumn begin = Begin(finding);
    const source::LineColumn end = End(finding);
    const std::string_view level = finding.severity == Severity::kError     ? "error"
                                   : finding.severity == Severity::kWarning ? "warning"
                                                                            : "notice";
    std::string place = fmt::format("file={}", Escaped(finding.file(), kInValue));
    if (begin.line > 0) {
      place += fmt::format(",line={},endLine={}", begin.line, std::max(begin.line, end.line));
      if (finding.range.valid()) {
        place += fmt::format(",col={}", begin.column);
        place += end.line == begin.line ? fmt::format(",endColumn={}", end.column) : std::string();
      }
    }
    out += fmt::format("::{} {},title={}::{}\n", level, place, Escaped(finding.rule, kInValue),
                       Escaped(finding.message, "%\r\n"));
  }
  return out;
}

std::string CheckstyleReport(const std::vector<Finding>& findings) {
  std::map<std::string, std::vector<const Finding*>> by_file;
  for (const Finding& finding : findings) {
    by_file[finding.file()].push_back(&finding);
  }
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n";
  for (const auto& [file, of_file] : by_file) {
    out += fmt::format("  <file name=\"{}\">\n", XmlEscaped(file));
    for (const Finding* finding : of_file) {
      const source::LineColumn begin = Begin(*finding);
      const std::string_view level = finding->severity == Severity::kError     ? "error"
                                     : finding->severity == Severity::kWarning ? "warning"
                                                                               : "info";
      out += fmt::format("    <error line=\"{}\" column=\"{}\" severity=\"{}\" message=\"{}\" source=\"{}\"/>\n",
                         begin.line, begin.column, level, XmlEscaped(finding->message), XmlEscaped(finding->rule));
    }
    out += "  </file>\n";
  }
  return out + "</checkstyle>\n";
}

}  // namespace loam::driver::findings
