// What the Earthfiles of a project refer to, so that a rule can tell what nobody uses.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/earthfile/symbols.h"

namespace loam::lint::earthfile {

class ProjectUses {
 public:
  // All references of one file. `directory`: absolute.
  void Add(const sema::earthfile::FileSymbols& symbols, const std::string& directory);

  // Some file refers to the target or function.
  [[nodiscard]] bool IsUsed(const std::string& directory, std::string_view name) const;
  // Some file takes an artifact of the target that this path may be.
  [[nodiscard]] bool IsArtifactUsed(const std::string& directory, std::string_view target, std::string_view path) const;
  // Some reference cannot be read without evaluating: nothing of the project is known to be unused.
  [[nodiscard]] bool has_dynamic() const { return has_dynamic_; }

 private:
  static std::string Key(const std::string& directory, std::string_view name) {
    return directory + "+" + std::string(name);
  }
  std::set<std::string> used_;
  std::map<std::string, std::vector<std::string>> artifacts_;   // by target; "" is any
  std::vector<std::pair<std::string, std::string>> wildcards_;  // directory pattern, name
  bool has_dynamic_ = false;
};

}  // namespace loam::lint::earthfile
