// earthly's configuration file (~/.earthly/config.yml): what of it still means something. The part of YAML that such
// files use: nested maps by indentation, scalars, quotes, comments, lists.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/sema/earthfile/local_project.h"

namespace loam::cli {

// A tree of maps and scalars; keys in the order of the file.
struct YamlNode {
  std::string value;
  std::vector<std::pair<std::string, YamlNode>> members;
  std::vector<std::string> items;  // of a list of scalars

  [[nodiscard]] const YamlNode* Find(std::string_view key) const;
};
// kInvalidArgument names the line.
Result<YamlNode> ParseSimpleYaml(std::string_view text, std::string_view name);

struct EarthConfig {
  std::string secret_provider;
  int conversion_parallelism = 0;  // 0: not set
  std::vector<sema::earthfile::GitSite> sites;
  // Keys of `global` that have no effect here.
  std::vector<std::string> ignored;
};
Result<EarthConfig> ParseEarthConfig(std::string_view text, std::string_view name);

// `path` empty: ~/.earthly/config.yml or ~/.earthly/config.yaml, which need not exist; else it must exist.
Result<EarthConfig> LoadEarthConfig(const std::string& path, const std::string& home);

}  // namespace loam::cli
