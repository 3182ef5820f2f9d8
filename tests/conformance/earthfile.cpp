#include "tests/conformance/earthfile.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/ast/earthfile/print.h"
#include "compiler/parse/earthfile.h"

namespace loam::conformance {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Case {
  std::string file;  // under the folder
  std::string text;
  bool ok = false;
  json ast;
  bool source_map = false;
  std::string shown_name;  // in source maps
};

struct Outcome {
  bool ok = false;
  std::string error;
  json ast;
  double microseconds = 0;
};

std::optional<std::string> ReadWhole(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return std::nullopt;
  }
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

Outcome RunOnce(const Case& test) {
  Outcome outcome;
  source::SourceManager sources;
  const auto buffer = sources.AddText(test.source_map ? test.shown_name : test.file, test.text);
  if (!buffer) {
    outcome.error = buffer.error().message();
    return outcome;
  }
  diag::CollectingConsumer diagnostics;
  diag::Emitter emitter(diagnostics);
  const auto start = std::chrono::steady_clock::now();
  const auto file = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(**buffer, emitter), emitter);
  outcome.microseconds = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  outcome.ok = !emitter.has_errors();
  for (const diag::Diagnostic& diagnostic : diagnostics.diagnostics()) {
    if (diagnostic.is_error()) {
      const auto place = (*buffer)->lines().ByteColumn(diagnostic.range.begin);
      outcome.error += fmt::format("{}{}:{}:{}: {}", outcome.error.empty() ? "" : "\n", test.file, place.line,
                                   place.column, diagnostic.message);
    }
  }
  if (outcome.ok) {
    // Through text: what the texts are as JSON, with bytes that are not UTF-8 replaced.
    outcome.ast = json::parse(ast::earthfile::PrintJson(file, **buffer, {.source_map = test.source_map}));
  }
  return outcome;
}

// The name of the file in a tree with source locations; "" without.
std::string NameInTree(const json& ast) {
  const auto found = ast.is_object() ? ast.find("sourceLocation") : ast.end();
  return ast.is_object() && found != ast.end() && found->is_object() ? found->value("file", "") : "";
}

Result<std::vector<Case>> Load(const std::string& dir) {
  std::vector<Case> cases;
  try {
    if (std::ifstream golden(dir + "/golden.jsonl"); golden) {
      for (std::string line; std::getline(golden, line);) {
        const json row = json::parse(line);
        Case test;
        test.file = row.at("file").get<std::string>();
        auto text = ReadWhole(dir + "/corpus/" + test.file);
        if (!text) {
          return UnexpectedErrno("open " + dir + "/corpus/" + test.file);
        }
        test.text = std::move(*text);
        test.ok = row.at("ok").get<bool>();
        test.ast = test.ok ? row.at("ast") : json();
        test.shown_name = NameInTree(test.ast);
        test.source_map = !test.shown_name.empty();
        cases.push_back(std::move(test));
      }
    }
    std::vector<fs::path> files;
    for (const char* folder : {"ast", "corpus"}) {
      if (fs::is_directory(fs::path(dir) / folder)) {
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(dir) / folder)) {
          files.push_back(entry.path());
        }
      }
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& path : files) {
      const std::string name = path.string();
      for (const char* ending : {".ast.json", ".ast.sm.json", ".ast.err"}) {
        if (!name.ends_with(ending)) {
          continue;
        }
        const std::string stem = name.substr(0, name.size() - std::string_view(ending).size());
        auto text = ReadWhole(stem + ".earth");
        text = text ? std::move(text) : ReadWhole(stem);
        if (!text) {
          continue;
        }
        Case test;
        test.file = fs::path(stem + ".earth").lexically_relative(dir).string();
        test.text = std::move(*text);
        test.ok = !name.ends_with(".err");
        if (test.ok) {
          test.ast = json::parse(ReadWhole(path).value_or(""));
        }
        test.shown_name = NameInTree(test.ast);
        test.source_map = !test.shown_name.empty();
        cases.push_back(std::move(test));
      }
    }
  } catch (const json::exception& error) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{}: {}", dir, error.what()));
  } catch (const fs::filesystem_error& error) {
    return Unexpected(ErrorCode::kInvalidArgument, error.what());
  }
  return cases;
}

}  // namespace

bool HasEarthfiles(const std::string& dir) {
  std::error_code ignored;
  if (fs::is_directory(dir + "/ast", ignored)) {
    return true;
  }
  std::ifstream golden(dir + "/golden.jsonl");
  std::string line;
  if (!std::getline(golden, line)) {
    return false;
  }
  const json row = json::parse(line, nullptr, false);
  return row.is_object() && (row.contains("ast") || row.value("kind", "") == "earthfile");
}

Result<EarthfileTotals> RunEarthfiles(const std::string& dir, const EarthfileOptions& options, json& rows) {
  const std::vector<Case> cases = LOAM_TRY(Load(dir));
  EarthfileTotals totals;
  std::vector<double> times;
  for (const Case& test : cases) {
    if (test.file.find(options.only) == std::string::npos) {
      continue;
    }
    Outcome outcome = RunOnce(test);
    for (int i = 1; i < options.repeat; ++i) {
      outcome.microseconds = std::min(outcome.microseconds, RunOnce(test).microseconds);
    }
    times.push_back(outcome.microseconds);
    ++totals.cases;
    totals.accepted += test.ok ? 1 : 0;
    const bool same_verdict = test.ok == outcome.ok;
    const bool same_tree = test.ok && outcome.ok && test.ast == outcome.ast;
    totals.rejections += same_verdict ? 1 : 0;
    totals.trees += same_tree ? 1 : 0;
    if (!options.quiet && (!same_verdict || (test.ok && !same_tree))) {
      std::cout << fmt::format("{}:{}{}\n", test.file,
                               same_verdict ? " tree"
                               : test.ok    ? " rejected: "
                                            : " accepted",
                               same_verdict ? "" : outcome.error);
      if (options.diff && same_verdict) {
        std::cout << json::diff(test.ast, outcome.ast).dump(1) << "\n";
      }
    }
    json row{{"kind", "earthfile"}, {"file", test.file}, {"ok", outcome.ok}, {"microseconds", outcome.microseconds}};
    if (outcome.ok) {
      row["ast"] = std::move(outcome.ast);
    } else {
      row["error"] = outcome.error;
    }
    rows.push_back(std::move(row));
  }
  std::sort(times.begin(), times.end());
  totals.median_us = times.empty() ? 0 : times[times.size() / 2];
  return totals;
}

}  // namespace loam::conformance
