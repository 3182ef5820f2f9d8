#include "tests/conformance/hadolint.h"

#include <algorithm>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "base/strings.h"
#include "compiler/driver/compile.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::conformance {
namespace {

using Json = nlohmann::json;

// What stands in quotes in `text`, in order.
std::vector<std::string> QuotedParts(std::string_view text) {
  std::vector<std::string> parts;
  const auto pieces = Split(text, '"');
  for (std::size_t i = 1; i < pieces.size(); i += 2) {
    parts.emplace_back(pieces[i]);
  }
  return parts;
}

// The text between `name = ` and the next bracket that closes the value.
std::string_view Setting(std::string_view config, std::string_view name) {
  const std::size_t at = config.find(name);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view rest = config.substr(at);
  return rest.substr(0, rest.find(']'));
}

// The settings as the recorded program prints its own: `Configuration {ignoreRules = [RuleCode "DL3057"], …}`.
lint::HadolintOptions ParseConfig(std::string_view config) {
  lint::HadolintOptions options;
  options.trusted_registries = QuotedParts(Setting(config, "allowedRegistries"));
  options.strict_labels = config.find("strictLabels = True") != std::string_view::npos;
  options.no_pragmas = config.find("disableIgnorePragma = True") != std::string_view::npos;
  for (const std::string_view entry : Split(Setting(config, "labelSchema"), '(')) {
    const auto names = QuotedParts(entry);
    if (names.empty()) {
      continue;
    }
    const std::string type = ToLowerAscii(entry.substr(entry.find(',') + 1));
    const std::string word(type.substr(0, type.find(')')));
    const auto rule = lint::ParseLabelRule(names[0] + ":" + (word == "githash" ? "hash" : word));
    if (rule) {
      options.label_schema.insert(*rule);
    }
  }
  return options;
}

bool IsShellRule(std::string_view rule) {
  return rule.starts_with("SC");
}

Result<int> CountFindings(const Json& row, const std::string& rule) {
  std::string text = row.at("snippet").get<std::string>();
  if (!row.value("has_from", true)) {
    text.insert(0, "FROM scratch\n");
  }
  const std::string config = row.value("config", "");
  driver::CompileOptions options;
  options.stop_after = driver::StopAfter::kAst;
  options.more_checks.hadolint_options = ParseConfig(config);
  if (IsShellRule(rule)) {
    options.more_checks.shellcheck = true;
  } else {
    options.more_checks.hadolint = true;
    if (rule == "*") {
      options.more_checks.hadolint_options.enabled = {"all"};
    } else {
      options.more_checks.hadolint_options.only = {rule};
    }
  }
  const std::vector<std::string> ignored = QuotedParts(Setting(config, "ignoreRules"));
  source::SourceManager sources;
  diag::CollectingConsumer diagnostics;
  diag::Emitter emitter(diagnostics);
  sema::UnknownBuildHost host;
  const source::Buffer* buffer = LOAM_TRY(sources.AddText("Dockerfile", text));
  const auto result = LOAM_TRY(driver::Compile(sources, *buffer, options, host, emitter));
  return static_cast<int>(
      std::count_if(result.warnings.begin(), result.warnings.end(), [&](const lint::Warning& warning) {
        return (rule.ends_with('*') || warning.rule->name == rule) &&
               std::find(ignored.begin(), ignored.end(), warning.rule->name) == ignored.end();
      }));
}

}  // namespace

Result<HadolintTotals> RunHadolintCases(const std::string& dir, bool quiet) {
  HadolintTotals totals;
  totals.has_shellcheck = FindProgram("shellcheck").has_value();
  std::ifstream in(dir + "/checks/hadolint-cases.jsonl");
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const Json row = Json::parse(line, nullptr, false);
    if (!row.is_object()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("hadolint-cases.jsonl:{}: not a JSON object", number));
    }
    const std::string rule = row.at("rule").get<std::string>();
    const bool shell = IsShellRule(rule);
    if (shell && !totals.has_shellcheck) {
      continue;
    }
    const int found = LOAM_TRY(CountFindings(row, rule));
    const bool counted = row.contains("count") && row["count"].is_number();
    const bool agrees = counted ? found == row["count"].get<int>() : (found > 0) == (row.at("expected") == "trigger");
    ++(shell ? totals.shell_cases : totals.cases);
    (shell ? totals.shell_agreeing : totals.agreeing) += agrees ? 1 : 0;
    if (!agrees && !quiet) {
      std::cout << fmt::format("hadolint-cases.jsonl:{}: {}: found {}, expected {}\n{}\n", number, rule, found,
                               counted ? row["count"].dump() : row["expected"].dump(), row["snippet"].dump());
    }
  }
  return totals;
}

}  // namespace loam::conformance
