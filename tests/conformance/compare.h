// What a case came out as, and where it differs.
#pragma once

#include <string>
#include <vector>

#include "compiler/driver/compile.h"
#include "tests/conformance/corpus.h"

namespace loam::conformance {

struct Outcome {
  bool ok = false;
  std::string error;  // the first error, as one line
  std::string head;
  std::vector<std::string> digests;
  std::string image;
  std::string warnings = "[]";
  std::string definition;  // bytes
  double microseconds = 0;
};

// The settings that the answers were recorded with.
driver::CompileOptions CaseOptions();
// Compiles once under them, with the build checks.
Outcome RunCase(Case& test);

bool SameLlb(const Case& test, const Outcome& outcome);
bool SameImage(const Case& test, const Outcome& outcome);
// Names, progress groups (their random ids apart), capabilities and source ranges of all ops. Nothing is recorded for
// it but the definition itself (<dir>/llb/<first 16 digits of the sha256>.pb).
bool SameMetadata(const std::string& dir, const Case& test, const Outcome& outcome);
bool SameWarnings(const Case& test, const Outcome& outcome);

// Text of the first ops that differ, ours and the recorded ones (<dir>/llb/<first 16 digits of the sha256>.pb).
std::string DescribeDifference(const std::string& dir, const Case& test, const Outcome& outcome);

}  // namespace loam::conformance
