// The step that runs an SBOM scanner over a result: BuildKit's protocol for them (docs/attestations/sbom-protocol.md
// there).
#pragma once

#include <map>
#include <string>

#include "base/platform.h"
#include "base/result.h"

namespace loam::llb {

struct ScanRequest {
  std::string scanner;         // pinned reference
  std::string scanner_config;  // JSON
  Platform platform;           // of the scanner
  std::string name;            // of the result, for people: "linux/amd64"
  // Become BUILDKIT_SCAN_<key>.
  std::map<std::string, std::string> parameters;
  // What else is to be scanned: serialised pb.Definitions by name; "" is scratch.
  std::map<std::string, std::string> extras;
  bool use_cache = true;
};

// A serialised pb.Definition whose result is the directory that the scanner writes. kInvalidArgument for a scanner
// without command, and for extras that are no definitions.
Result<std::string> MakeScanDefinition(const ScanRequest& request, const std::string& result_definition);

}  // namespace loam::llb
