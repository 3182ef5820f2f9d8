#include "language-server/features/earthfile/entities.h"

#include <algorithm>

#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/project.h"

namespace loam::lsp::earthfile {
namespace {

using sema::earthfile::FileSymbols;
using sema::earthfile::ReferenceKind;
using sema::earthfile::ReferenceUse;
using sema::earthfile::ScopeKind;
using sema::earthfile::VariableDefinition;

std::size_t IndexOf(const FileSymbols& symbols, std::string_view name) {
  const auto* scope = symbols.FindRecipe(name);
  return scope == nullptr ? symbols.scopes.size() : static_cast<std::size_t>(scope - symbols.scopes.data());
}

Entity RecipeEntity(const Document& document, std::size_t index) {
  const FileSymbols& symbols = EarthfileAnalysis::Of(document).symbols();
  const auto& scope = symbols.scopes[index];
  Entity entity;
  entity.kind = EntityKind::kRecipe;
  entity.document = &document;
  entity.name = scope.name;
  entity.scope = index;
  entity.name_span = SpanOf(scope.name_range);
  entity.span = SpanOf(scope.range);
  return entity;
}

Entity VariableEntity(const Document& document, const VariableDefinition& variable) {
  Entity entity;
  entity.kind = EntityKind::kVariable;
  entity.document = &document;
  entity.name = variable.name;
  entity.scope = variable.scope;
  entity.name_span = SpanOf(variable.name_range);
  entity.span = SpanOf(variable.command_range);
  entity.variable = &variable;
  return entity;
}

Entity ImportEntity(const Document& document, const sema::earthfile::ImportDefinition& import) {
  Entity entity;
  entity.kind = EntityKind::kImport;
  entity.document = &document;
  entity.name = import.alias;
  entity.scope = import.scope;
  entity.name_span = SpanOf(import.alias_range);
  entity.span = SpanOf(import.command->location.range);
  entity.import = &import;
  return entity;
}

// An ARG that a caller of the recipe may set: its own, else a global one.
const VariableDefinition* ArgumentOf(const FileSymbols& symbols, std::size_t scope, std::string_view name) {
  const VariableDefinition* global = nullptr;
  for (const VariableDefinition& each : symbols.variables) {
    if (each.name == name && each.kind == sema::earthfile::VariableKind::kArg) {
      if (each.scope == scope) {
        return &each;
      }
      global = each.scope == 0 ? &each : global;
    }
  }
  return global;
}

std::optional<Entity> InReference(const Query& query, const ReferenceUse& use, std::uint32_t offset) {
  const FileSymbols& symbols = EarthfileAnalysis::Of(query.document).symbols();
  if (use.kind == ReferenceKind::kImport ? SpanOf(use.project).Touches(offset)
                                         : use.project.size() > 0 && SpanOf(use.project).Touches(offset)) {
    const auto* import = use.kind == ReferenceKind::kImport
                             ? nullptr
                             : symbols.FindImport(query.document.text().Of(SpanOf(use.project)), use.scope);
    if (import != nullptr) {
      return ImportEntity(query.document, *import);
    }
    if (const Document* other = DocumentOf(query, query.document, use); other != nullptr && other != &query.document) {
      Entity entity;
      entity.kind = EntityKind::kFile;
      entity.document = other;
      entity.origin = SpanOf(use.project);
      return entity;
    }
    return std::nullopt;
  }
  const Document* target = DocumentOf(query, query.document, use);
  if (target == nullptr || !use.reference) {
    return std::nullopt;
  }
  const FileSymbols& there = EarthfileAnalysis::Of(*target).symbols();
  const std::size_t scope = IndexOf(there, use.reference->name);
  if (scope == there.scopes.size()) {
    return std::nullopt;
  }
  if (use.artifact.size() > 0 && offset > use.artifact.begin && SpanOf(use.artifact).Touches(offset)) {
    for (const auto& save : there.artifacts) {
      if (save.scope == scope && (save.path == use.artifact_path || use.artifact_path.starts_with(save.path + "/"))) {
        Entity entity;
        entity.kind = EntityKind::kArtifact;
        entity.document = target;
        entity.name = save.path;
        entity.scope = scope;
        entity.name_span = SpanOf(save.source_range);
        entity.span = SpanOf(save.command->location.range);
        entity.origin = SpanOf(use.artifact);
        return entity;
      }
    }
    return std::nullopt;
  }
  for (const auto& argument : use.arguments) {
    if (SpanOf(argument.name_range).Touches(offset)) {
      if (const auto* variable = ArgumentOf(there, scope, argument.name)) {
        Entity entity = VariableEntity(*target, *variable);
        entity.origin = SpanOf(argument.name_range);
        return entity;
      }
      return std::nullopt;
    }
  }
  if (SpanOf(use.name).Touches(offset)) {
    Entity entity = RecipeEntity(*target, scope);
    entity.origin = SpanOf(use.name);
    return entity;
  }
  return std::nullopt;
}

void AddVariable(const Query& query, const Entity& entity, const Document& document, std::vector<Occurrence>& out) {
  const FileSymbols& symbols = EarthfileAnalysis::Of(document).symbols();
  const auto same_scope = [&](const VariableDefinition& each) {
    // A second ARG of the name, as in the branches of an IF, is the same to everyone who reads it.
    return each.name == entity.name && each.scope == entity.scope;
  };
  if (&document == entity.document) {
    for (const VariableDefinition& each : symbols.variables) {
      if (same_scope(each) && SpanOf(each.name_range) != entity.name_span) {
        out.push_back({&document, SpanOf(each.name_range), Role::kDefinition, each.scope});
      }
    }
    for (const auto& use : symbols.uses) {
      if (use.name != entity.name) {
        continue;
      }
      const VariableDefinition* found = symbols.FindVariable(use.name, use.scope, use.range.begin);
      if (found != nullptr && same_scope(*found)) {
        out.push_back({&document, SpanOf(use.range), use.is_set ? Role::kAssignment : Role::kUse, use.scope});
      }
    }
  }
  if (entity.variable == nullptr || entity.variable->kind != sema::earthfile::VariableKind::kArg) {
    return;
  }
  const FileSymbols& home = EarthfileAnalysis::Of(*entity.document).symbols();
  for (const ReferenceUse& use : symbols.references) {
    for (const auto& argument : use.arguments) {
      if (argument.name != entity.name || !use.reference || DocumentOf(query, document, use) != entity.document) {
        continue;
      }
      const std::size_t scope = IndexOf(home, use.reference->name);
      const VariableDefinition* found = scope < home.scopes.size() ? ArgumentOf(home, scope, argument.name) : nullptr;
      if (found != nullptr && same_scope(*found)) {
        out.push_back({&document, SpanOf(argument.name_range), Role::kUse, use.scope});
      }
    }
  }
}

}  // namespace

std::optional<Entity> EntityAt(const Query& query, std::uint32_t offset) {
  const Document& document = query.document;
  const FileSymbols& symbols = EarthfileAnalysis::Of(document).symbols();
  for (std::size_t i = 1; i < symbols.scopes.size(); ++i) {
    if (SpanOf(symbols.scopes[i].name_range).Touches(offset)) {
      Entity entity = RecipeEntity(document, i);
      entity.origin = entity.name_span;
      return entity;
    }
  }
  for (const VariableDefinition& variable : symbols.variables) {
    if (SpanOf(variable.name_range).Touches(offset)) {
      Entity entity = VariableEntity(document, variable);
      entity.origin = entity.name_span;
      return entity;
    }
  }
  for (const auto& use : symbols.uses) {
    if (SpanOf(use.range).Touches(offset)) {
      if (const auto* variable = symbols.FindVariable(use.name, use.scope, use.range.begin)) {
        Entity entity = VariableEntity(document, *variable);
        entity.origin = SpanOf(use.range);
        return entity;
      }
      return std::nullopt;
    }
  }
  for (const auto& import : symbols.imports) {
    if (import.has_as && SpanOf(import.alias_range).Touches(offset)) {
      Entity entity = ImportEntity(document, import);
      entity.origin = entity.name_span;
      return entity;
    }
  }
  for (const ReferenceUse& use : symbols.references) {
    bool touches = SpanOf(use.range).Touches(offset);
    for (const auto& argument : use.arguments) {
      touches = touches || SpanOf(argument.name_range).Touches(offset);
    }
    if (touches) {
      if (auto entity = InReference(query, use, offset)) {
        if (entity->origin.size() == 0) {
          entity->origin =
              SpanOf(use.project.size() > 0 && SpanOf(use.project).Touches(offset) ? use.project : use.range);
        }
        entity->use = &use;
        return entity;
      }
    }
  }
  return std::nullopt;
}

std::vector<Occurrence> OccurrencesOf(const Query& query, const Entity& entity, bool everywhere) {
  std::vector<Occurrence> out;
  if (entity.kind == EntityKind::kFile) {
    return out;
  }
  if (everywhere || entity.document == &query.document) {
    out.push_back({entity.document, entity.name_span, Role::kDefinition, entity.scope});
  }
  std::vector<const Document*> documents = {&query.document};
  if (everywhere) {
    documents = AllEarthfiles(query);
    if (std::find(documents.begin(), documents.end(), entity.document) == documents.end()) {
      documents.push_back(entity.document);
    }
  }
  for (const Document* document : documents) {
    const FileSymbols& symbols = EarthfileAnalysis::Of(*document).symbols();
    switch (entity.kind) {
      case EntityKind::kRecipe:
        for (const ReferenceUse& use : symbols.references) {
          if (use.reference && use.kind != ReferenceKind::kImport && use.reference->name == entity.name &&
              DocumentOf(query, *document, use) == entity.document) {
            out.push_back({document, SpanOf(use.name), Role::kUse, use.scope});
          }
        }
        break;
      case EntityKind::kVariable:
        AddVariable(query, entity, *document, out);
        break;
      case EntityKind::kImport:
        if (document == entity.document) {
          for (const ReferenceUse& use : symbols.references) {
            const std::string_view project = document->text().Of(SpanOf(use.project));
            if (use.kind != ReferenceKind::kImport && project == entity.name &&
                symbols.FindImport(project, use.scope) == entity.import) {
              out.push_back({document, SpanOf(use.project), Role::kUse, use.scope});
            }
          }
        }
        break;
      case EntityKind::kArtifact:
        for (const ReferenceUse& use : symbols.references) {
          const auto& home = EarthfileAnalysis::Of(*entity.document).symbols();
          if (use.reference && use.artifact.size() > 0 && use.reference->name == home.scopes[entity.scope].name &&
              (use.artifact_path == entity.name || use.artifact_path.starts_with(entity.name + "/")) &&
              DocumentOf(query, *document, use) == entity.document) {
            out.push_back({document, SpanOf(use.artifact), Role::kUse, use.scope});
          }
        }
        break;
      case EntityKind::kFile:
        break;
    }
  }
  return out;
}

Location PlaceOf(const Entity& entity) {
  Location place{entity.document->uri(), entity.span, entity.name_span, entity.origin};
  if (!place.span.Contains(place.selection)) {
    place.span = place.selection;
  }
  return place;
}

}  // namespace loam::lsp::earthfile
