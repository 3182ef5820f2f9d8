// The little that this program can do as a client of a daemon: what BuildKit's clients expect inside a container of the
// engine under the name `buildctl`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loam::daemon {

// `dial-stdio`, `debug workers`, `debug info`, after `--addr ADDRESS`. The exit code; errors go to standard error.
int RunClientVerb(std::string_view program, const std::vector<std::string>& arguments);

}  // namespace loam::daemon
