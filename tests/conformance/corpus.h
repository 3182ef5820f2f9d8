// The recorded answers: <dir>/dockerfile/golden.jsonl beside corpus/ and llb/.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "compiler/sema/json_build_host.h"

namespace loam::conformance {

struct Case {
  std::string file;  // under corpus/
  std::string text;
  std::string sha256;
  bool ok = false;
  std::string error;
  std::string head;
  std::vector<std::string> digests;
  std::string image;     // canonical JSON
  std::string warnings;  // canonical JSON
  sema::JsonBuildHost host;
};

Result<std::vector<Case>> LoadCases(const std::string& dir, const std::string& only);

}  // namespace loam::conformance
