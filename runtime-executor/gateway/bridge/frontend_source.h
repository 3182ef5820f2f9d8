// Where a frontend image comes from: an image of a registry, or what a named context puts in its place.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/engine/engine.h"

namespace loam::gateway {

struct FrontendSource {
  // Serialised pb.Definition of its root filesystem.
  std::string definition;
  // Of its image config.
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  std::map<std::string, std::string> labels;
};

// `options` as gateway.v0 has them: "source", and "context:<source>" for another place. kInvalidArgument without a
// source.
Result<FrontendSource> ResolveFrontendSource(engine::Job& job, const std::map<std::string, std::string>& options,
                                             const std::map<std::string, std::string>& inputs, std::stop_token stop);

}  // namespace loam::gateway
