#include "compiler/lint/earthfile/project_uses.h"

#include <fnmatch.h>

#include <algorithm>

#include "base/pattern_matcher.h"

namespace loam::lint::earthfile {

using sema::earthfile::FileSymbols;
using sema::earthfile::Reference;
using sema::earthfile::ReferenceKind;
using sema::earthfile::ReferenceUse;

namespace {

// Where the variable at `at` (a `$`) ends.
std::size_t EndOfVariable(std::string_view text, std::size_t at) {
  const char next = at + 1 < text.size() ? text[at + 1] : '\0';
  if (next == '{' || next == '(') {
    const char close = next == '{' ? '}' : ')';
    int depth = 0;
    for (std::size_t i = at + 1; i < text.size(); ++i) {
      depth += text[i] == next ? 1 : text[i] == close ? -1 : 0;
      if (depth == 0) {
        return i + 1;
      }
    }
    return text.size();
  }
  std::size_t end = at + 1;
  while (end < text.size() && (text[end] == '_' || (text[end] >= '0' && text[end] <= '9') ||
                               ((text[end] | 0x20) >= 'a' && (text[end] | 0x20) <= 'z'))) {
    ++end;
  }
  return end;
}

// `a-${x}` as `a-*`; wildcards of the text stay.
std::string PatternOf(std::string_view text) {
  std::string pattern;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '$') {
      pattern += pattern.ends_with('*') ? "" : "*";
      i = EndOfVariable(text, i);
    } else {
      pattern += text[i++];
    }
  }
  return pattern;
}

// The `+` that no variable holds; npos without one.
std::size_t PlusOutsideOfVariables(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '+') {
      return i;
    }
    i = text[i] == '$' ? EndOfVariable(text, i) : i + 1;
  }
  return std::string_view::npos;
}

bool IsFunction(std::string_view name) {
  return !name.empty() && name.front() >= 'A' && name.front() <= 'Z';
}

}  // namespace

void ProjectUses::Add(const FileSymbols& symbols, const std::string& directory) {
  AddValues(symbols, directory);
  for (const ReferenceUse& use : symbols.references) {
    if (use.kind == ReferenceKind::kImport) {
      continue;
    }
    if (!use.reference) {
      AddPattern(symbols, use, directory);
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

// A variable may be what a reference is made of: ARG builder=+build.
void ProjectUses::AddValues(const FileSymbols& symbols, const std::string& directory) {
  for (const sema::earthfile::VariableDefinition& variable : symbols.variables) {
    std::string_view value = variable.value;
    if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'')) {
      value = value.substr(1, value.size() - 2);
    }
    const std::size_t plus = value.find('+');
    if (plus == std::string_view::npos || value.find('$') != std::string_view::npos) {
      continue;
    }
    const std::size_t slash = value.find('/', plus);
    ReferenceUse use;
    use.scope = variable.scope;
    if (auto reference = sema::earthfile::ParseReference(value.substr(0, slash))) {
      use.reference = *std::move(reference);
    }
    if (const auto leads_to = sema::earthfile::DirectoryOf(symbols, use, directory)) {
      const std::string key = Key(*leads_to, use.reference->name);
      used_.insert(key);
      artifacts_[key].push_back(slash == std::string_view::npos ? std::string() : std::string(value.substr(slash)));
    }
  }
}

void ProjectUses::AddPattern(const FileSymbols& symbols, const ReferenceUse& use, const std::string& directory) {
  if (use.text.find('$') == std::string_view::npos) {
    return;  // half typed
  }
  Pattern pattern{"*", "*", std::nullopt, use.kind == ReferenceKind::kDo};
  const bool takes_artifact = use.kind == ReferenceKind::kCopy || use.kind == ReferenceKind::kDockerfile;
  const std::size_t plus = PlusOutsideOfVariables(use.text);
  if (plus == std::string_view::npos) {
    pattern.artifact = takes_artifact ? std::optional<std::string>("") : std::nullopt;
    patterns_.push_back(std::move(pattern));
    return;
  }
  const std::string project = PatternOf(use.text.substr(0, plus));
  const std::string_view behind = use.text.substr(plus + 1);
  std::size_t slash = 0;
  while (slash < behind.size() && behind[slash] != '/') {
    slash = behind[slash] == '$' ? EndOfVariable(behind, slash) : slash + 1;
  }
  pattern.name = PatternOf(behind.substr(0, slash));
  if (takes_artifact) {
    const std::string_view path = behind.substr(slash);
    pattern.artifact = path.find('$') == std::string_view::npos ? std::string(path) : std::string();
  }
  if (project.empty()) {
    pattern.directory = directory;
  } else if (project.starts_with('/')) {
    pattern.directory = CleanPath(project);
  } else if (project.starts_with('.')) {
    pattern.directory = CleanPath(directory + "/" + project);
  } else if (project.find('*') == std::string::npos) {
    // An alias, or a remote project, which is not ours.
    ReferenceUse alias = use;
    if (auto reference = sema::earthfile::ParseReference(project + "+x")) {
      alias.reference = *std::move(reference);
    }
    const auto leads_to = sema::earthfile::DirectoryOf(symbols, alias, directory);
    if (!leads_to) {
      return;
    }
    pattern.directory = *leads_to;
  }
  patterns_.push_back(std::move(pattern));
}

bool ProjectUses::Matches(const Pattern& pattern, const std::string& directory, std::string_view name) {
  // A variable in a path may hold slashes, and be empty.
  return pattern.function == IsFunction(name) &&
         (::fnmatch(pattern.directory.c_str(), directory.c_str(), 0) == 0 ||
          ::fnmatch(pattern.directory.c_str(), (directory + "/").c_str(), 0) == 0) &&
         ::fnmatch(pattern.name.c_str(), std::string(name).c_str(), 0) == 0;
}

bool ProjectUses::IsUsed(const std::string& directory, std::string_view name) const {
  return used_.contains(Key(directory, name)) ||
         std::any_of(wildcards_.begin(), wildcards_.end(),
                     [&](const auto& each) {
                       return each.second == name &&
                              ::fnmatch(each.first.c_str(), directory.c_str(), FNM_PATHNAME) == 0;
                     }) ||
         std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const Pattern& pattern) { return Matches(pattern, directory, name); });
}

bool ProjectUses::IsArtifactUsed(const std::string& directory, std::string_view target, std::string_view path) const {
  const bool by_wildcard = std::any_of(wildcards_.begin(), wildcards_.end(), [&](const auto& each) {
    return each.second == target && ::fnmatch(each.first.c_str(), directory.c_str(), FNM_PATHNAME) == 0;
  });
  if (by_wildcard) {
    return true;
  }
  const std::string saved(path);
  const auto may_be = [&](const std::string& taken) {
    // A folder that holds it, a part of it, or a pattern either way.
    return taken.empty() || taken == "/" || saved.empty() || taken == saved || taken.starts_with(saved + "/") ||
           saved.starts_with(taken.ends_with('/') ? taken : taken + "/") ||
           ::fnmatch(taken.c_str(), saved.c_str(), 0) == 0 || ::fnmatch(saved.c_str(), taken.c_str(), 0) == 0;
  };
  if (std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
        return pattern.artifact && Matches(pattern, directory, target) && may_be(*pattern.artifact);
      })) {
    return true;
  }
  const auto found = artifacts_.find(Key(directory, target));
  return found != artifacts_.end() && std::any_of(found->second.begin(), found->second.end(), may_be);
}

}  // namespace loam::lint::earthfile
