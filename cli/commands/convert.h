// Dockerfile <-> Earthfile, for `loam convert` and `earthly docker2earthly`.
#pragma once

#include <string>

#include "cli/command.h"

namespace loam::cli {

struct ConvertRequest {
  // A Dockerfile, `-` for standard input; or a reference to a target: `+build`, `./lib+build`.
  std::string input;
  // `-` for standard output. A file that is there already is not replaced.
  std::string output = "-";
  // What SAVE IMAGE names; "" for none.
  std::string image;
};

// Prints what is wrong or lost on standard error.
Exit Convert(Context& context, const ConvertRequest& request);

}  // namespace loam::cli
