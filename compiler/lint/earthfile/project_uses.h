// What the Earthfiles of a project refer to, so that a rule can tell what nobody uses.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/earthfile/symbols.h"

namespace loam::lint::earthfile {

class ProjectUses {
 public:
  // All references of one file, also those that are values of variables. One with a `$` uses everything that it may
  // come to mean: what its fixed parts match, targets or functions as its command has them. `directory`: absolute.
  void Add(const sema::earthfile::FileSymbols& symbols, const std::string& directory);

  // Some file refers to the target or function.
  [[nodiscard]] bool IsUsed(const std::string& directory, std::string_view name) const;
  // Some file takes an artifact of the target that this path may be.
  [[nodiscard]] bool IsArtifactUsed(const std::string& directory, std::string_view target, std::string_view path) const;

 private:
  // A reference with a `$`: patterns of fnmatch, in which `*` stands for what a variable may be.
  struct Pattern {
    std::string directory;
    std::string name;
    std::optional<std::string> artifact;  // nullopt: it takes none
    bool function = false;
  };
  void AddPattern(const sema::earthfile::FileSymbols& symbols, const sema::earthfile::ReferenceUse& use,
                  const std::string& directory);
  void AddValues(const sema::earthfile::FileSymbols& symbols, const std::string& directory);
  static bool Matches(const Pattern& pattern, const std::string& directory, std::string_view name);

  static std::string Key(const std::string& directory, std::string_view name) {
    return directory + "+" + std::string(name);
  }
  std::set<std::string> used_;
  std::map<std::string, std::vector<std::string>> artifacts_;   // by target; "" is any
  std::vector<std::pair<std::string, std::string>> wildcards_;  // directory pattern, name
  std::vector<Pattern> patterns_;
};

}  // namespace loam::lint::earthfile
