// -o, --push, --load and -t of `loam build`, turned into exports.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "runtime-executor/engine/engine.h"

namespace loam::cli {

struct BuildOutputs {
  std::vector<engine::ExportRequest> exports;
};

// A mistake is kInvalidArgument. `wants_image`: something asks for an image's id even without -t or -o.
Result<BuildOutputs> ParseBuildOutputs(const Context& context, const Flags& flags, bool wants_image);

// Whether a file can be put there, asked before a long build; `what` is the flag, for the message.
Result<> CheckFileToWrite(std::string_view what, const std::string& path);

}  // namespace loam::cli
