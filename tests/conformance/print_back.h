// Every accepted Dockerfile printed back in its plain form (compiler/driver/plain_dockerfile.h) and compiled again.
#pragma once

#include <string>

#include "tests/conformance/compare.h"

namespace loam::conformance {

struct PrintBack {
  bool plain = false;   // the same ops and the same image config
  bool pinned = false;  // the same with the digests of the images written into the file
  // What differs, and the printed file; empty if nothing does.
  std::string difference;
};

// `outcome` is that of the case itself.
PrintBack RunPrintBack(Case& test, const Outcome& outcome);

}  // namespace loam::conformance
