#include "tests/conformance/corpus.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace loam::conformance {
namespace {

Result<std::string> ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return UnexpectedErrno("open " + path);
  }
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

Result<Case> ReadCase(const std::string& dir, const nlohmann::json& row) {
  Case out;
  out.file = row.at("file").get<std::string>();
  out.text = LOAM_TRY(ReadWhole(dir + "/corpus/" + out.file));
  out.sha256 = row.value("sha256", "");
  out.ok = row.at("ok").get<bool>();
  out.error = row.value("error", "");
  out.head = row.value("head", "");
  if (row.contains("digests") && row["digests"].is_array()) {
    out.digests = row["digests"].get<std::vector<std::string>>();
  }
  if (row.contains("image")) {
    out.image = row["image"].dump();
  }
  out.warnings = row.contains("warnings") && row["warnings"].is_array() ? row["warnings"].dump() : "[]";
  if (row.contains("images") && row["images"].is_object()) {
    for (const auto& [ref, image] : row["images"].items()) {
      out.host.AddImage(ref, image.value("digest", ""), image.at("config").dump());
    }
  }
  return out;
}

}  // namespace

Result<std::vector<Case>> LoadCases(const std::string& dir, const std::string& only) {
  std::ifstream golden(dir + "/golden.jsonl");
  if (!golden) {
    return UnexpectedErrno("open " + dir + "/golden.jsonl");
  }
  std::vector<Case> cases;
  std::string line;
  while (std::getline(golden, line)) {
    try {
      const auto row = nlohmann::json::parse(line);
      if (only.empty() || row.at("file").get<std::string>().find(only) != std::string::npos) {
        cases.push_back(LOAM_TRY(ReadCase(dir, row)));
      }
    } catch (const nlohmann::json::exception& error) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("golden.jsonl: {}", error.what()));
    }
  }
  return cases;
}

}  // namespace loam::conformance
