// The options of build checks: `# check=skip=A,B;error=true;experimental=all`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::sema {

struct CheckOptions {
  bool skip_all = false;
  std::vector<std::string> skip;
  bool experimental_all = false;
  std::vector<std::string> experimental;
  // A warning fails the build.
  bool error = false;
};

// kInvalidArgument names the part that is wrong.
Result<CheckOptions> ParseCheckOptions(std::string_view text);

}  // namespace loam::sema
