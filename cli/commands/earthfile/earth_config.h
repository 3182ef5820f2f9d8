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

struct YamlMember;

// A tree of maps and scalars; keys in the order of the file.
struct YamlNode {
  std::string value;
  std::vector<YamlMember> members;
  std::vector<std::string> items;  // of a list of scalars

  [[nodiscard]] const YamlNode* Find(std::string_view key) const;
};
struct YamlMember {
  std::string key;
  YamlNode value;
};

// kInvalidArgument names the line.
Result<YamlNode> ParseSimpleYaml(std::string_view text, std::string_view name);
// One value as it is written in a line: a scalar, `[a, 'b']` or `{a: {b: c}}`.
Result<YamlNode> ParseYamlValue(std::string_view text);

struct EarthConfig {
  std::string secret_provider;
  int conversion_parallelism = 0;  // 0: not set
  std::vector<sema::earthfile::GitSite> sites;
  // Keys of `global` that have no effect here.
  std::vector<std::string> ignored;
};
Result<EarthConfig> ParseEarthConfig(std::string_view text, std::string_view name);

// ~/.earthly/config.yml; `installation` (earthly's --installation-name, "" for its own) instead of "earthly".
std::string DefaultEarthConfig(const std::string& home, const std::string& installation);

// `path` empty: the default, also as config.yaml, which need not exist; else it must exist.
Result<EarthConfig> LoadEarthConfig(const std::string& path, const std::string& home, const std::string& installation);

}  // namespace loam::cli
