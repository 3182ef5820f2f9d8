// What a frontend makes, on its way to the exporters: BuildKit's result with references and metadata.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/engine/engine.h"

namespace loam::gateway {

// Metadata of results as BuildKit names it; the first two also with "/<platform>" appended.
inline constexpr std::string_view kImageConfigKey = "containerimage.config";
inline constexpr std::string_view kBaseImageConfigKey = "containerimage.base.config";
inline constexpr std::string_view kPlatformsKey = "refs.platforms";

struct FrontendResult {
  // By platform ("linux/amd64"), or "" for the only one. In the order of `refs.platforms`.
  std::vector<std::pair<std::string, snapshot::FsRef>> refs;
  // The filesystems of `refs` are not made yet, where `definitions` says of what to make them.
  bool lazy = false;
  // What they were made from, where it is known: serialised pb.Definitions by the same names.
  std::map<std::string, std::string> definitions;
  // True: `refs` is a map (an index of platforms, or any names), even with one entry.
  bool is_map = false;
  // What the frontend that made each reference was asked.
  std::map<std::string, engine::FrontendRequest> requests;
  // What was used beside `definitions`; may be null.
  std::shared_ptr<const engine::FrontendSources> sources;
  // By the names of the references.
  std::map<std::string, engine::ScanExtras> scans;
  // By platform, or "".
  std::map<std::string, std::vector<exporter::Attestation>> attestations;
  std::map<std::string, std::string> metadata;
};

// For the exporters. kInvalidArgument if the platforms and the references do not agree.
Result<std::vector<engine::PlatformResult>> PlatformResultsOf(const FrontendResult& result);
// The other way: with image configs as metadata.
FrontendResult FrontendResultOf(std::vector<engine::PlatformResult> platforms, bool multi_platform,
                                std::map<std::string, std::string> metadata);

}  // namespace loam::gateway
