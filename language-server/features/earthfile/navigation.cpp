// Definition, declaration, references, highlights, rename and linked ranges: all from entities.h.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "compiler/ast/earthfile/texts.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/reference.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/dockerfiles.h"
#include "language-server/features/earthfile/entities.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/earthfile/other_projects.h"
#include "language-server/features/earthfile/project.h"

namespace loam::lsp::earthfile {
namespace {

bool CanBeRenamed(const Query& query, const Entity& entity) {
  if (IsOfOtherProject(query, entity.document->path())) {
    return false;
  }
  switch (entity.kind) {
    case EntityKind::kRecipe:
      return entity.name != sema::earthfile::kBaseTarget;
    case EntityKind::kVariable:
      // An ENV is also a name in scripts and of whoever runs the image; a builtin is a name of the language.
      return !sema::earthfile::IsBuiltinArg(entity.name);
    case EntityKind::kImport:
      return true;
    case EntityKind::kArtifact:
    case EntityKind::kFile:
      return false;
  }
  return false;
}

Result<> CheckName(const Entity& entity, std::string_view name) {
  const auto wrong = [&](std::string_view what) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` cannot be the name of {}", name, what));
  };
  const auto& symbols = EarthfileAnalysis::Of(*entity.document).symbols();
  switch (entity.kind) {
    case EntityKind::kRecipe: {
      const bool is_target = symbols.scopes[entity.scope].kind == sema::earthfile::ScopeKind::kTarget;
      if (is_target ? !sema::earthfile::IsTargetName(name) || name == sema::earthfile::kBaseTarget
                    : !sema::earthfile::IsFunctionName(name)) {
        return wrong(is_target ? "a target" : "a function");
      }
      if (name != entity.name && symbols.FindRecipe(name) != nullptr) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("there is a `{}` already", name));
      }
      return {};
    }
    case EntityKind::kVariable:
      if (!ast::earthfile::IsVariableName(name) || sema::earthfile::IsBuiltinArg(name)) {
        return wrong("a variable");
      }
      return {};
    case EntityKind::kImport:
      if (name.empty() || name.find_first_of("/:+ \t") != std::string_view::npos) {
        return wrong("an import");
      }
      if (name != entity.name && symbols.FindImport(name, entity.scope) != nullptr) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("there is an import `{}` already", name));
      }
      return {};
    case EntityKind::kArtifact:
    case EntityKind::kFile:
      break;
  }
  return wrong("this");
}

}  // namespace

std::vector<Location> Definition(const Query& query, std::uint32_t offset) {
  const auto entity = EntityAt(query, offset);
  if (!entity) {
    const auto dockerfile = DockerfileAt(query, offset);
    return dockerfile ? DockerfileDefinition(query, *dockerfile, offset) : std::vector<Location>();
  }
  // On an import's alias in a reference one wants to go to the project, on the IMPORT's own as well.
  if (entity->kind == EntityKind::kImport) {
    const auto& symbols = EarthfileAnalysis::Of(*entity->document).symbols();
    if (const Document* project = DocumentOf(query, *entity->document, symbols.references[entity->import->reference]);
        project != nullptr && entity->use == nullptr) {
      return {{project->uri(), {}, {}, entity->origin}};
    }
  }
  if (entity->kind == EntityKind::kFile) {
    return {{entity->document->uri(), {}, {}, entity->origin}};
  }
  return {PlaceOf(*entity)};
}

// Of a variable the first place that declares it, of all others the definition.
std::vector<Location> Declaration(const Query& query, std::uint32_t offset) {
  const auto entity = EntityAt(query, offset);
  if (!entity || entity->kind != EntityKind::kVariable) {
    return Definition(query, offset);
  }
  for (const auto& variable : EarthfileAnalysis::Of(*entity->document).symbols().variables) {
    if (variable.scope == entity->scope && variable.name == entity->name) {
      Location place{entity->document->uri(), SpanOf(variable.command_range), SpanOf(variable.name_range),
                     entity->origin};
      return {place};
    }
  }
  return {PlaceOf(*entity)};
}

std::vector<Location> References(const Query& query, std::uint32_t offset, bool with_declaration) {
  const auto entity = EntityAt(query, offset);
  std::vector<Location> places;
  if (!entity) {
    return places;
  }
  for (const Occurrence& each : OccurrencesOf(query, *entity, true)) {
    if (with_declaration || each.role != Role::kDefinition) {
      places.push_back({each.document->uri(), each.span, each.span, std::nullopt});
    }
  }
  return places;
}

std::vector<Highlight> Highlights(const Query& query, std::uint32_t offset) {
  const auto entity = EntityAt(query, offset);
  std::vector<Highlight> out;
  if (!entity) {
    return out;
  }
  for (const Occurrence& each : OccurrencesOf(query, *entity, false)) {
    out.push_back({each.span, each.role == Role::kUse ? HighlightKind::kRead : HighlightKind::kWrite});
  }
  std::sort(out.begin(), out.end(), [](const Highlight& a, const Highlight& b) { return a.span < b.span; });
  return out;
}

std::optional<RenameTarget> PrepareRename(const Query& query, std::uint32_t offset) {
  const auto entity = EntityAt(query, offset);
  if (!entity || !CanBeRenamed(query, *entity)) {
    return std::nullopt;
  }
  return RenameTarget{entity->origin, entity->name};
}

Result<WorkspaceEdit> Rename(const Query& query, std::uint32_t offset, std::string_view name) {
  const auto entity = EntityAt(query, offset);
  if (!entity || !CanBeRenamed(query, *entity)) {
    return Unexpected(ErrorCode::kInvalidArgument, "nothing here can be renamed");
  }
  LOAM_TRY(CheckName(*entity, name));
  std::map<const Document*, std::vector<TextEdit>> edits;
  for (const Occurrence& each : OccurrencesOf(query, *entity, true)) {
    TextEdit edit{each.span, std::string(name)};
    if (entity->kind == EntityKind::kImport && each.role == Role::kDefinition && !entity->import->has_as) {
      // The name was the last element of the path.
      const auto& symbols = EarthfileAnalysis::Of(*entity->document).symbols();
      const std::uint32_t end = symbols.references[entity->import->reference].range.end;
      edit = {{end, end}, fmt::format(" AS {}", name)};
    }
    edits[each.document].push_back(std::move(edit));
  }
  WorkspaceEdit out;
  for (auto& [document, list] : edits) {
    std::sort(list.begin(), list.end(), [](const TextEdit& a, const TextEdit& b) { return a.span < b.span; });
    list.erase(
        std::unique(list.begin(), list.end(), [](const TextEdit& a, const TextEdit& b) { return a.span == b.span; }),
        list.end());
    out.push_back({document->uri(), std::move(list)});
  }
  std::sort(out.begin(), out.end(), [](const FileEdits& a, const FileEdits& b) { return a.uri < b.uri; });
  return out;
}

// Names of variables that only their own recipe knows: LET, FOR.
std::optional<LinkedRanges> Linked(const Query& query, std::uint32_t offset) {
  const auto entity = EntityAt(query, offset);
  if (!entity || entity->kind != EntityKind::kVariable ||
      (entity->variable->kind != sema::earthfile::VariableKind::kLet &&
       entity->variable->kind != sema::earthfile::VariableKind::kFor)) {
    return std::nullopt;
  }
  LinkedRanges ranges;
  for (const Occurrence& each : OccurrencesOf(query, *entity, false)) {
    ranges.spans.push_back(each.span);
  }
  std::sort(ranges.spans.begin(), ranges.spans.end());
  return ranges.spans.size() > 1 ? std::optional(std::move(ranges)) : std::nullopt;
}

}  // namespace loam::lsp::earthfile
