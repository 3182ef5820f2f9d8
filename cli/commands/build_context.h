// Where the files of a build come from: PATH, `-` and -f as `docker build` understands them.
#pragma once

#include <optional>
#include <string>

#include "base/file_system.h"
#include "cli/command.h"

namespace loam::cli {

struct BuildContext {
  // Directory of the context; empty if the context is a URL.
  std::string context_dir;
  // A git or HTTP URL instead.
  std::string remote_url;
  // Directory and name of the Dockerfile; with a URL, the directory is empty unless the Dockerfile came over standard
  // input.
  std::string dockerfile_dir;
  std::string dockerfile_name;
  // As it is shown to people: "sub/Dockerfile", "<stdin>".
  std::string display_name;
  // Holds what came over standard input.
  std::optional<TempDir> temporary;
};

// `path` is the positional argument ("" is "."), `file` the value of -f ("" if it was not given).
Result<BuildContext> PrepareBuildContext(const Context& context, const std::string& path, const std::string& file);

}  // namespace loam::cli
