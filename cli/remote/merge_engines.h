// One build over engines of several platforms: which engine builds what, what each is asked to export, and how the
// parts become one result.
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/session/client_services.h"

namespace loam::cli {

// The platforms that one engine builds.
struct EngineShare {
  std::size_t engine = 0;
  std::vector<std::string> platforms;
};

// Every platform goes to the first engine whose workers are of it, else to the first that emulates it; engines with
// nothing to do are left out. `offered` has the platforms of each engine, its own first. kFailedPrecondition if a
// platform is nobody's.
Result<std::vector<EngineShare>> ShareOut(const std::vector<std::string>& wanted,
                                          std::span<const std::vector<std::string>> offered);

// What one of several engines is asked to export: images by digest, folders with one folder a platform. kUnimplemented
// for what cannot be put together again.
Result<std::vector<engine::ExportRequest>> PartialExports(const std::vector<engine::ExportRequest>& exports);

// Pushes an index of the images that the engines have pushed by digest (`parts` are their responses), under the names
// of `exports`; gives the response of the whole. No image among the exports: an empty response.
Result<std::map<std::string, std::string>> MergePushed(const std::vector<engine::ExportRequest>& exports,
                                                       std::span<const std::map<std::string, std::string>> parts,
                                                       session::ClientServices& client, std::stop_token stop);

}  // namespace loam::cli
