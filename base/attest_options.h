// Which attestations a client asks for, as BuildKit's clients name them among the options of a frontend:
// "attest:sbom=generator=…", and the build arguments BUILDKIT_ATTEST_….
#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace loam {

// Attributes by kind: "provenance", "sbom". kInvalidArgument for another kind.
Result<std::map<std::string, std::map<std::string, std::string>>> ReadAttestOptions(
    const std::map<std::string, std::string>& options);

// What an SBOM is to be made with.
struct SbomScanner {
  std::string image;  // normalised reference
  std::map<std::string, std::string> parameters;
};
// kInvalidArgument if `attributes`, those of "sbom", name no image.
Result<SbomScanner> ReadSbomScanner(const std::map<std::string, std::string>& attributes);

}  // namespace loam
