#include "compiler/sema/earthfile/symbols.h"

#include "base/pattern_matcher.h"

namespace loam::sema::earthfile {

std::string_view KeywordOf(VariableKind kind) {
  switch (kind) {
    case VariableKind::kArg:
      return "ARG";
    case VariableKind::kLet:
      return "LET";
    case VariableKind::kEnv:
      return "ENV";
    case VariableKind::kFor:
      return "FOR";
  }
  return "";
}

std::size_t FileSymbols::ScopeAt(std::uint32_t offset) const {
  std::size_t best = 0;
  for (std::size_t i = 1; i < scopes.size(); ++i) {
    if (scopes[i].name_range.valid() && scopes[i].name_range.begin <= offset &&
        (best == 0 || scopes[i].name_range.begin > scopes[best].name_range.begin)) {
      best = i;
    }
  }
  return best;
}

const RecipeScope* FileSymbols::FindRecipe(std::string_view name) const {
  for (const RecipeScope& scope : scopes) {
    if (scope.name == name) {
      return &scope;
    }
  }
  return nullptr;
}

const VariableDefinition* FileSymbols::FindVariable(std::string_view name, std::size_t scope,
                                                    std::uint32_t before) const {
  const VariableDefinition* first = nullptr;
  const VariableDefinition* last = nullptr;
  const VariableDefinition* global = nullptr;
  for (const VariableDefinition& each : variables) {
    if (each.name != name) {
      continue;
    }
    if (each.scope == scope) {
      first = first == nullptr ? &each : first;
      last = each.name_range.begin <= before ? &each : last;
    } else if (each.scope == 0 && each.global && global == nullptr) {
      global = &each;
    }
  }
  // One that stands further down does not hide a global yet.
  return last != nullptr ? last : global != nullptr ? global : first;
}

const ImportDefinition* FileSymbols::FindImport(std::string_view alias, std::size_t scope) const {
  const ImportDefinition* global = nullptr;
  for (const ImportDefinition& each : imports) {
    if (each.alias == alias) {
      if (each.scope == scope) {
        return &each;
      }
      global = each.scope == 0 ? &each : global;
    }
  }
  return global;
}

const Reference* ProjectReference(const FileSymbols& symbols, const ReferenceUse& use) {
  if (!use.reference || !use.reference->IsUnresolvedImport()) {
    return use.reference ? &*use.reference : nullptr;
  }
  const ImportDefinition* import = symbols.FindImport(use.reference->alias, use.scope);
  const ReferenceUse* imported = import == nullptr ? nullptr : &symbols.references[import->reference];
  return imported != nullptr && imported->reference ? &*imported->reference : nullptr;
}

std::optional<std::string> DirectoryOf(const FileSymbols& symbols, const ReferenceUse& use,
                                       std::string_view directory) {
  const Reference* reference = ProjectReference(symbols, use);
  if (reference == nullptr || reference->local_path.empty() || reference->local_path.starts_with('~')) {
    return std::nullopt;
  }
  if (reference->local_path.starts_with('/')) {
    return CleanPath(reference->local_path);
  }
  return CleanPath(std::string(directory) + "/" + reference->local_path);
}

}  // namespace loam::sema::earthfile
