#include "tests/conformance/format_earthfiles.h"

#include <filesystem>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/ast/earthfile/print.h"
#include "compiler/driver/earthfile/proof.h"
#include "compiler/format/earthfile.h"
#include "compiler/parse/earthfile.h"
#include "compiler/sema/earthfile/local_project.h"

namespace loam::conformance {
namespace {

using nlohmann::json;

Result<std::string> Format(const std::string& text) {
  source::SourceManager sources;
  const source::Buffer* buffer = LOAM_TRY(sources.AddText("Earthfile", text));
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  return format::FormatEarthfile(*buffer, emitter);
}

json TreeOf(const std::string& text) {
  source::SourceManager sources;
  const auto buffer = sources.AddText("Earthfile", text);
  if (!buffer) {
    return {};
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto file = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(**buffer, emitter), emitter);
  return emitter.has_errors() ? json() : json::parse(ast::earthfile::PrintJson(file, **buffer));
}

// What the targets build, before and after, with everything assumed that only a build can tell.
Result<> CompareBuilds(const std::string& path, const std::string& before, const std::string& after,
                       FormatTotals& totals) {
  sema::earthfile::LocalProjectHost host({.directory = path.substr(0, path.rfind('/')), .offline = true});
  const auto old = LOAM_TRY(driver::earthfile::BuildEarthfile(path, before, host));
  const auto now = LOAM_TRY(driver::earthfile::BuildEarthfile(path, after, host));
  totals.targets += static_cast<int>(old.targets);
  totals.evaluated += static_cast<int>(old.evaluated);
  for (const std::string& difference : driver::earthfile::Differences(old, now)) {
    ++totals.other_builds;
    std::cout << fmt::format("{}: {}\n", path, difference);
  }
  return {};
}

}  // namespace

Result<FormatTotals> FormatEarthfiles(const std::string& dir, const std::string& only, int builds) {
  std::ifstream rows(dir + "/golden.jsonl");
  if (!rows) {
    return Unexpected(ErrorCode::kNotFound, "there is no " + dir + "/golden.jsonl");
  }
  FormatTotals totals;
  for (std::string row; std::getline(rows, row);) {
    const json golden = json::parse(row);
    const auto file = golden.at("file").get<std::string>();
    if (!golden.at("ok").get<bool>() || file.find(only) == std::string::npos) {
      continue;
    }
    ++totals.accepted;
    const std::string before = LOAM_TRY(ReadFile(dir + "/corpus/" + file));
    const auto text = Format(before);
    if (!text) {
      std::cout << file << ": " << text.error().message() << "\n";
      continue;
    }
    ++totals.formatted;
    totals.changed += *text != before ? 1 : 0;
    const auto again = Format(*text);
    const bool stable = again && *again == *text;
    const bool same = TreeOf(*text) == golden.at("ast");
    totals.idempotent += stable ? 1 : 0;
    totals.same += same ? 1 : 0;
    if (!stable || !same) {
      std::cout << fmt::format("{}:{}{}\n", file, stable ? "" : " not idempotent", same ? "" : " another tree");
    }
    if (*text != before && totals.changed <= builds) {
      LOAM_TRY(CompareBuilds(std::filesystem::absolute(dir + "/corpus/" + file).lexically_normal().string(), before,
                             *text, totals));
    }
  }
  return totals;
}

}  // namespace loam::conformance
