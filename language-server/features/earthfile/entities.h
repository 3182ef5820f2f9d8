// What the cursor is on: a target or function, a variable, an import, an artifact; where it is defined, and everything
// that refers to it, in all Earthfiles of the workspace.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/sema/earthfile/symbols.h"
#include "language-server/features/query.h"

namespace loam::lsp::earthfile {

enum class EntityKind : std::uint8_t { kRecipe, kVariable, kImport, kArtifact, kFile };

struct Entity {
  EntityKind kind{};
  const Document* document = nullptr;  // that defines it
  std::string name;
  std::size_t scope = 0;  // the recipe; of a variable: whose it is
  // Of the definition: the name, and all of it. Of a kFile: the first byte.
  Span name_span;
  Span span;
  Span origin;  // what the cursor touches
  // Of a variable or import.
  const sema::earthfile::VariableDefinition* variable = nullptr;
  const sema::earthfile::ImportDefinition* import = nullptr;
  // The reference that the cursor is in.
  const sema::earthfile::ReferenceUse* use = nullptr;
};

std::optional<Entity> EntityAt(const Query& query, std::uint32_t offset);

enum class Role : std::uint8_t { kDefinition, kUse, kAssignment };
struct Occurrence {
  const Document* document = nullptr;
  Span span;
  Role role = Role::kUse;
  std::size_t scope = 0;
};
// In the document alone, or in the whole workspace; the definition first.
std::vector<Occurrence> OccurrencesOf(const Query& query, const Entity& entity, bool everywhere);

// The definition as a place.
Location PlaceOf(const Entity& entity);

}  // namespace loam::lsp::earthfile
