// Which remote projects lie in the git cache, by the names that Earthfiles have for them. For those that must not
// fetch: an editor that answers while one types.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loam::sema::earthfile {

// `git_path` ("github.com/org/repo/sub") at `tag` ("": the default branch) was fetched to `directory`. The last one
// counts.
Result<> RememberProject(const std::string& cache_directory, std::string_view git_path, std::string_view tag,
                         std::string_view directory);
// Where it was fetched to; nullopt if it never was, or is not there any more.
std::optional<std::string> RecallProject(const std::string& cache_directory, std::string_view git_path,
                                         std::string_view tag);

}  // namespace loam::sema::earthfile
