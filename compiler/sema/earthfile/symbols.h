// What one Earthfile names, and where: recipes, references, imports, variables and artifacts, each with its place. Made
// from the typed tree alone: nothing is expanded or resolved, and half-typed files give what can be read of them. For
// lint and editors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/earthfile/ast.h"
#include "compiler/sema/earthfile/imports.h"
#include "compiler/sema/earthfile/reference.h"
#include "compiler/source/source_manager.h"

namespace loam::sema::earthfile {

enum class ScopeKind : std::uint8_t { kBase, kTarget, kFunction };

// A recipe.
struct RecipeScope {
  ScopeKind kind = ScopeKind::kBase;
  std::string_view name;  // "base" for the base recipe
  std::string_view docs;
  ast::earthfile::Block recipe;
  source::SourceRange name_range;  // invalid for the base recipe
  source::SourceRange range;       // header and recipe; of the base recipe: its statements, invalid if there are none
  bool is_local = false;           // has a LOCALLY
};

enum class ReferenceKind : std::uint8_t { kBuild, kFrom, kCopy, kDo, kLoad, kDockerfile, kImport };

// An argument of a reference: `--name=value`, `--name value`, `--build-arg name=value`.
struct PassedArgument {
  std::string name;
  std::string value;
  source::SourceRange name_range;  // without dashes
  source::SourceRange range;       // all its words
  bool build_arg = false;
};

struct ReferenceUse {
  ReferenceKind kind{};
  std::size_t scope = 0;
  const ast::earthfile::Command* command = nullptr;
  source::SourceRange range;     // as written, without arguments, quotes and parentheses
  source::SourceRange project;   // in front of `+`; empty in `+t`; of an IMPORT: all of it
  source::SourceRange name;      // behind `+`; empty if it is not typed yet, invalid for an IMPORT
  source::SourceRange artifact;  // behind the name, with its slash; empty if there is none
  std::string_view text;
  // nullopt: it has a `$`, or is no reference (yet).
  std::optional<Reference> reference;
  std::string artifact_path;
  std::vector<PassedArgument> arguments;
  bool pass_args = false;
};

enum class VariableKind : std::uint8_t { kArg, kLet, kEnv, kFor };
// "ARG", …
std::string_view KeywordOf(VariableKind kind);

struct VariableDefinition {
  VariableKind kind{};
  std::size_t scope = 0;
  std::string_view name;
  source::SourceRange name_range;
  source::SourceRange command_range;
  const ast::earthfile::Command* command = nullptr;  // null for FOR
  bool global = false;                               // --global, or in the base recipe before VERSION 0.7
  bool required = false;
  std::string_view value;  // as written; "" without one
  bool has_value = false;
  std::string_view docs;
};

// `$name`, `${name…}`, or the name behind SET.
struct VariableUse {
  std::string_view name;
  source::SourceRange range;  // of the name
  std::size_t scope = 0;
  bool in_shell = false;  // a shell reads it: RUN, IF, $(…)
  bool is_set = false;
  const ast::earthfile::Command* command = nullptr;  // null in conditions and FOR
};

struct ImportDefinition {
  std::string alias;
  source::SourceRange alias_range;  // behind AS; else the last element of the path
  bool has_as = false;
  std::size_t scope = 0;
  const ast::earthfile::Command* command = nullptr;
  std::size_t reference = 0;  // in FileSymbols::references
};

struct ArtifactSave {
  std::string_view source;
  std::string_view destination;  // "" without one
  source::SourceRange source_range;
  std::string path;  // in the artifact space: "/out/app"; "" if it has a `$`
  bool as_local = false;
  std::size_t scope = 0;
  const ast::earthfile::Command* command = nullptr;
};

struct FileSymbols {
  std::vector<RecipeScope> scopes;  // the base recipe first, then in the order of the file
  std::vector<ReferenceUse> references;
  std::vector<VariableDefinition> variables;
  std::vector<VariableUse> uses;
  std::vector<ImportDefinition> imports;
  std::vector<ArtifactSave> artifacts;

  // The recipe whose lines hold this byte; the base recipe if none does.
  [[nodiscard]] std::size_t ScopeAt(std::uint32_t offset) const;
  [[nodiscard]] const RecipeScope* FindRecipe(std::string_view name) const;
  // What a use in `scope` may mean: the definition in the scope, else a global one of the base recipe; null if there is
  // none. Of several in one scope the last in front of `before` counts, else the first.
  [[nodiscard]] const VariableDefinition* FindVariable(std::string_view name, std::size_t scope,
                                                       std::uint32_t before) const;
  // An import by its alias, as seen from `scope`; null if there is none.
  [[nodiscard]] const ImportDefinition* FindImport(std::string_view alias, std::size_t scope) const;
};

// `buffer` is the file's, and outlives the result, as `file` does.
FileSymbols ReadSymbols(const ast::earthfile::Earthfile& file, const source::Buffer& buffer);

// The reference that names the project: the IMPORT's if it begins with an alias. Null if that is not known, or has a
// `$`.
const Reference* ProjectReference(const FileSymbols& symbols, const ReferenceUse& use);
// The directory that a reference from a file of `directory` (absolute) leads to; nullopt if it is remote, has an alias
// that is not known, or an absolute path into the home directory without `home`.
std::optional<std::string> DirectoryOf(const FileSymbols& symbols, const ReferenceUse& use, std::string_view directory);

// All commands of a block, those in IF, FOR and other blocks too, in the order of the file; also the heads of blocks.
template <class Visit>
void EachStatement(ast::earthfile::Block block, const Visit& visit) {
  for (const ast::earthfile::Statement& statement : block) {
    visit(statement);
    switch (statement.kind) {
      case ast::earthfile::StatementKind::kCommand:
        break;
      case ast::earthfile::StatementKind::kWith:
        EachStatement(statement.with->body, visit);
        break;
      case ast::earthfile::StatementKind::kIf:
        EachStatement(statement.if_->body, visit);
        for (const ast::earthfile::ElseIf& each : statement.if_->else_ifs) {
          EachStatement(each.body, visit);
        }
        EachStatement(statement.if_->else_body, visit);
        break;
      case ast::earthfile::StatementKind::kTry:
        EachStatement(statement.try_->body, visit);
        EachStatement(statement.try_->catch_body, visit);
        EachStatement(statement.try_->finally_body, visit);
        break;
      case ast::earthfile::StatementKind::kFor:
        EachStatement(statement.for_->body, visit);
        break;
      case ast::earthfile::StatementKind::kWait:
        EachStatement(statement.wait->body, visit);
        break;
    }
  }
}

}  // namespace loam::sema::earthfile
