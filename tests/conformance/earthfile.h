// The recorded syntax trees of Earthfiles: <dir>/golden.jsonl with corpus/, and ast/ with files beside their trees.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace loam::conformance {

struct EarthfileTotals {
  int cases = 0;
  int accepted = 0;      // by the reference
  int trees = 0;         // accepted by both, with the same tree
  int rejections = 0;    // accepted by both or rejected by both
  double median_us = 0;  // text to typed tree
};

struct EarthfileOptions {
  std::string only;  // only files whose path contains this
  bool quiet = false;
  bool diff = false;
  int repeat = 1;
};

// Whether `dir` is laid out like that.
bool HasEarthfiles(const std::string& dir);
// Prints what differs, unless quiet. Appends a record for each file to `rows`.
Result<EarthfileTotals> RunEarthfiles(const std::string& dir, const EarthfileOptions& options, nlohmann::json& rows);

}  // namespace loam::conformance
