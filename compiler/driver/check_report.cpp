#include "compiler/driver/check_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/strings.h"
#include "compiler/driver/json_form.h"

namespace loam::driver {
namespace {

constexpr std::string_view kRule = "--------------------\n";

// The lines and a few around them: four in all around a single line, two around several.
std::string Excerpt(const source::Buffer& buffer, source::LineSpan lines) {
  const auto all = Split(buffer.text(), '\n');
  const auto count = static_cast<std::uint32_t>(all.size());
  std::uint32_t first = lines.first;
  std::uint32_t last = std::min(std::max(lines.first, lines.last), count);
  if (first == 0 || first > count) {
    return {};
  }
  const std::uint32_t around = first == last ? 4 : 2;
  for (std::uint32_t added = 0; added < around; ++added) {
    if (first > 1) {
      --first;
      ++added;
    }
    if (last != count) {
      ++last;
      ++added;
    }
  }
  std::string out = fmt::format("{}:{}\n{}", buffer.name(), lines.first, kRule);
  for (std::uint32_t line = first; line <= last; ++line) {
    const bool marked = line >= lines.first && line <= std::max(lines.first, lines.last);
    out += fmt::format(" {:3} | {} {}\n", line, marked ? ">>>" : "   ", all[line - 1]);
  }
  return out.append(kRule);
}

// hadolint's and ShellCheck's rules, by the form of their names.
bool IsAddition(const lint::RuleInfo& rule) {
  return rule.name.size() > 2 && (rule.name.starts_with("DL") || rule.name.starts_with("SC")) && rule.name[2] >= '0' &&
         rule.name[2] <= '9';
}

const diag::Diagnostic* FirstError(const CheckReport& report) {
  const auto found = std::find_if(report.diagnostics.begin(), report.diagnostics.end(),
                                  [](const diag::Diagnostic& diagnostic) { return diagnostic.is_error(); });
  return found == report.diagnostics.end() ? nullptr : &*found;
}

}  // namespace

std::string CheckText(const CheckReport& report) {
  if (report.warnings.empty()) {
    return FirstError(report) == nullptr ? "Check complete, no warnings found.\n" : "";
  }
  std::string out = report.warnings.size() == 1
                        ? "Check complete, 1 warning has been found!\n"
                        : fmt::format("Check complete, {} warnings have been found!\n", report.warnings.size());
  std::vector<const lint::Warning*> sorted;
  for (const lint::Warning& warning : report.warnings) {
    sorted.push_back(&warning);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->lines.first < b->lines.first; });
  for (const lint::Warning* warning : sorted) {
    const lint::RuleInfo& rule = *warning->rule;
    out += fmt::format("\nWARNING: {}{}{}\n{}\n", rule.name, rule.url.empty() ? "" : " - ", rule.url, warning->message);
    out += Excerpt(report.buffer, warning->lines);
  }
  return out;
}

std::string CheckJson(const CheckReport& report) {
  nlohmann::ordered_json json;
  auto& warnings = json["warnings"];  // null if there are none, as upstream has it
  for (const lint::Warning& warning : report.warnings) {
    nlohmann::ordered_json row{{"ruleName", warning.rule->name}, {"description", warning.rule->description}};
    if (!warning.rule->url.empty()) {
      row["url"] = warning.rule->url;
    }
    row["detail"] = warning.message;
    row["location"] = JsonLocation(warning.lines);
    if (IsAddition(*warning.rule)) {
      row["severity"] = lint::SeverityName(warning.rule->severity);
    }
    warnings.push_back(std::move(row));
  }
  json["sources"] = {
      {{"filename", report.buffer.name()}, {"data", Base64Encode(report.buffer.text())}, {"language", "Dockerfile"}}};
  if (const diag::Diagnostic* error = FirstError(report)) {
    const auto lines = error->range.valid() && error->range.file == report.buffer.id()
                           ? report.buffer.LinesOf(error->range)
                           : source::LineSpan{};
    json["buildError"] = {{"message", error->message}, {"location", JsonLocation(lines)}};
  }
  return JsonText(json);
}

}  // namespace loam::driver
