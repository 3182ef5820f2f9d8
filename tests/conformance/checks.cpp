#include "tests/conformance/checks.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "compiler/driver/compile.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::conformance {
namespace {

using Json = nlohmann::json;

// Any image there is, and an ignore file.
class CaseHost : public sema::UnknownBuildHost {
 public:
  explicit CaseHost(std::string ignore) : ignore_(std::move(ignore)) {}

  Result<sema::ImageMetadata> ResolveImage(const sema::ImageQuery& query) override {
    return sema::ImageMetadata{
        std::string(query.ref), "sha256:" + std::string(64, 'a'),
        fmt::format(R"({{"architecture":"{}","os":"{}","config":{{"Env":["PATH=/bin"{}]}},)"
                    R"("rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}})",
                    query.platform.architecture, query.platform.os,
                    query.ref.find("/python:") != std::string_view::npos ? R"(,"PYTHON_VERSION=3.13.0")" : "",
                    std::string(64, 'b'))};
  }
  Result<std::string> ReadContextFile(std::string_view /*name*/, std::string_view path) override {
    if (path == ".dockerignore" && !ignore_.empty()) {
      return ignore_;
    }
    return Unexpected(ErrorCode::kNotFound, "no such file");
  }
  Result<std::string> ReadDockerfileNeighbour(std::string_view /*path*/) override {
    return Unexpected(ErrorCode::kNotFound, "no such file");
  }

 private:
  std::string ignore_;
};

struct Checked {
  bool ok = false;
  Json warnings = Json::array();
};

Result<Checked> Check(const std::string& text, const std::map<std::string, std::string>& attributes,
                      const std::string& ignore, bool all_stages) {
  driver::CompileOptions options;
  options.dockerfile = LOAM_TRY(sema::ParseFrontendOptions(attributes));
  options.dockerfile.platforms = {"linux/amd64"};
  options.dockerfile.build_platform = "linux/amd64";
  options.dockerfile.read_dockerignore = true;
  options.lint = true;
  options.all_stages = all_stages;
  source::SourceManager sources;
  diag::CollectingConsumer diagnostics;
  diag::Emitter emitter(diagnostics);
  CaseHost host(ignore);
  const source::Buffer* buffer = LOAM_TRY(sources.AddText("Dockerfile", text));
  auto result = LOAM_TRY(driver::Compile(sources, *buffer, options, host, emitter));
  Checked checked;
  checked.ok = result.ok;
  for (const lint::Warning& warning : result.warnings) {
    checked.warnings.push_back({{"rule", warning.rule->name},
                                {"line", warning.lines.first},
                                {"message", warning.message},
                                {"detail", warning.rule->description},
                                {"level", warning.rule->level},
                                {"url", warning.rule->url}});
  }
  return checked;
}

// The recorded lists are those of a test that does not care about the order within a line.
Json ByLine(Json warnings) {
  std::stable_sort(warnings.begin(), warnings.end(), [](const Json& a, const Json& b) {
    return std::pair(a.value("line", 0), a.value("message", "")) <
           std::pair(b.value("line", 0), b.value("message", ""));
  });
  for (Json& warning : warnings) {
    if (!warning.contains("url") || warning["url"].is_null()) {
      warning["url"] = "";
    }
  }
  return warnings;
}

Result<bool> AgreesOnCase(const Json& row, std::string& difference) {
  std::map<std::string, std::string> attributes;
  if (row.contains("build_attrs")) {
    attributes = row["build_attrs"].get<std::map<std::string, std::string>>();
  }
  const std::string text = row.at("dockerfile").get<std::string>();
  const std::string ignore = row.value("dockerignore", "");
  bool agrees = true;
  for (const bool all_stages : {false, true}) {
    const Checked ours = LOAM_TRY(Check(text, attributes, ignore, all_stages));
    const Json& expected =
        all_stages && row.contains("expected_all_stages") ? row["expected_all_stages"] : row.at("expected");
    const bool rejected = row.contains("build_error");
    if (ByLine(ours.warnings) != ByLine(expected) || (!all_stages && ours.ok == rejected)) {
      agrees = false;
      difference += fmt::format("  {}:\n    ours ({}): {}\n    recorded ({}): {}\n",
                                all_stages ? "all stages" : "target", ours.ok ? "accepted" : "rejected",
                                ours.warnings.dump(), rejected ? "rejected" : "accepted", expected.dump());
    }
  }
  return agrees;
}

Result<bool> AgreesOnExample(const Json& row, std::string& difference) {
  const std::string rule = row.at("rule").get<std::string>();
  // Rules that have to be asked for are; examples that show a part of a stage get a FROM. The ignore file excludes what
  // the example of CopyIgnoredFile copies (the pattern on its page, `*/tmp/*`, does not).
  std::string text = row.at("snippet").get<std::string>();
  if (ToUpperAscii(text).find("FROM ") == std::string::npos) {
    text.insert(0, "FROM scratch\n");
  }
  const Checked ours =
      LOAM_TRY(Check(text, {{"build-arg:BUILDKIT_DOCKERFILE_CHECK", "experimental=" + rule}}, "tmp/*\n", true));
  const bool found = std::any_of(ours.warnings.begin(), ours.warnings.end(),
                                 [&](const Json& warning) { return warning["rule"] == rule; });
  if (found == (row.at("expected") == "trigger")) {
    return true;
  }
  difference = fmt::format("  expected: {}\n  ours: {}\n{}\n", row["expected"].dump(), ours.warnings.dump(),
                           row["snippet"].get<std::string>());
  return false;
}

template <class Agrees>
Result<> EachRow(const std::string& path, const Agrees& agrees, bool quiet, int& cases, int& agreeing) {
  std::ifstream in(path);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const Json row = Json::parse(line, nullptr, false);
    if (!row.is_object()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{}:{}: not a JSON object", path, number));
    }
    std::string difference;
    const bool same = LOAM_TRY(agrees(row, difference));
    ++cases;
    agreeing += same ? 1 : 0;
    if (!same && !quiet) {
      std::cout << fmt::format("{}:{}: differs\n{}", path, number, difference);
    }
  }
  return {};
}

}  // namespace

Result<CheckTotals> RunChecks(const std::string& dir, bool quiet) {
  CheckTotals totals;
  LOAM_TRY(EachRow(dir + "/checks/buildkit-check-cases.jsonl", AgreesOnCase, quiet, totals.cases, totals.agreeing));
  LOAM_TRY(EachRow(dir + "/checks/buildkit-doc-cases.jsonl", AgreesOnExample, quiet, totals.documented,
                   totals.documented_agreeing));
  return totals;
}

}  // namespace loam::conformance
