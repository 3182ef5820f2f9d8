#include "compiler/lint/earthfile/project_uses.h"

#include <fnmatch.h>

#include <algorithm>

namespace loam::lint::earthfile {

using sema::earthfile::ReferenceKind;
using sema::earthfile::ReferenceUse;

void ProjectUses::Add(const sema::earthfile::FileSymbols& symbols, const std::string& directory) {
  for (const ReferenceUse& use : symbols.references) {
    if (use.kind == ReferenceKind::kImport) {
      continue;
    }
    if (!use.reference) {
      has_dynamic_ = has_dynamic_ || use.text.find('$') != std::string_view::npos;
      continue;
    }
    const auto leads_to = sema::earthfile::DirectoryOf(symbols, use, directory);
    if (!leads_to) {
      continue;
    }
    const std::string& name = use.reference->name;
    if (sema::earthfile::HasPathWildcard(*use.reference)) {
      wildcards_.emplace_back(*leads_to, name);
      continue;
    }
    used_.insert(Key(*leads_to, name));
    if (!use.artifact_path.empty() || use.kind == ReferenceKind::kDockerfile) {
      const bool known = use.artifact_path.find('$') == std::string::npos;
      artifacts_[Key(*leads_to, name)].push_back(known ? use.artifact_path : std::string());
    }
  }
}

bool ProjectUses::IsUsed(const std::string& directory, std::string_view name) const {
  return used_.contains(Key(directory, name)) ||
         std::any_of(wildcards_.begin(), wildcards_.end(), [&](const auto& each) {
           return each.second == name && ::fnmatch(each.first.c_str(), directory.c_str(), FNM_PATHNAME) == 0;
         });
}

bool ProjectUses::IsArtifactUsed(const std::string& directory, std::string_view target, std::string_view path) const {
  const bool by_wildcard = std::any_of(wildcards_.begin(), wildcards_.end(), [&](const auto& each) {
    return each.second == target && ::fnmatch(each.first.c_str(), directory.c_str(), FNM_PATHNAME) == 0;
  });
  const auto found = artifacts_.find(Key(directory, target));
  if (by_wildcard || found == artifacts_.end()) {
    return by_wildcard;
  }
  const std::string saved(path);
  return std::any_of(found->second.begin(), found->second.end(), [&](const std::string& taken) {
    // A folder that holds it, a part of it, or a pattern either way.
    return taken.empty() || taken == "/" || saved.empty() || taken == saved || taken.starts_with(saved + "/") ||
           saved.starts_with(taken.ends_with('/') ? taken : taken + "/") ||
           ::fnmatch(taken.c_str(), saved.c_str(), 0) == 0 || ::fnmatch(saved.c_str(), taken.c_str(), 0) == 0;
  });
}

}  // namespace loam::lint::earthfile
