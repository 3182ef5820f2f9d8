// .dockerignore files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/sema/build_host.h"

namespace loam::sema {

// The patterns (as ParseIgnoreFile gives them) of "<Dockerfile>.dockerignore" beside the Dockerfile, or else of
// ".dockerignore" in the context; none if there is neither.
Result<std::vector<std::string>> ReadDockerignore(BuildHost& host, std::string_view context,
                                                  std::string_view dockerfile);

}  // namespace loam::sema
