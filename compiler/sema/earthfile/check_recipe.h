// What the static check knows of one recipe; private to check*.cpp.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/earthfile/project.h"

namespace loam::sema::earthfile::check {

// A mistake. `conditional`: it may be that the evaluation of the recipe does not come by.
struct Finding {
  diag::Diagnostic diagnostic;
  bool conditional = false;
  // Of the command in the recipe, if the diagnostic has another place.
  source::SourceRange place = {};
};

// An arg that is given to a target or function.
struct GivenArg {
  std::string name;
  source::SourceRange range;
  std::string value;  // its quotes removed if it is known, else as written
};

// An ARG of a recipe.
struct DeclaredArg {
  std::string name;
  std::string text;  // its default, as GivenArg::value
  source::SourceRange range;
};

// A use of another target or function, with a name that is known.
struct Use {
  std::string text;  // the reference, quotes removed
  source::SourceRange range;
  bool conditional = false;
  bool is_function = false;
  bool wildcard_feature = false;  // wildcards in the path may be used here
  std::vector<GivenArg> args;
  bool pass_args = false;
};

// What a base recipe gives to the recipes of its file.
struct BaseFacts {
  bool has_environment = false;
  // Globals and ENV of the base recipe.
  std::set<std::string, std::less<>> variables;
  std::set<std::string, std::less<>> global_args;
  ImportMap imports;
  bool has_dynamic_imports = false;
};

struct RecipeFacts {
  std::vector<Finding> findings;
  std::vector<Use> uses;
  ImportScopes imports;
  bool has_dynamic_imports = false;         // an alias may exist that is not in `imports`
  bool has_dynamic_uses = false;            // targets or functions whose names are not known
  std::set<std::string, std::less<>> args;  // names that are declared with ARG
  std::vector<DeclaredArg> declared;        // in their order, without the builtin ones
};

enum class RecipeKind : std::uint8_t { kBase, kTarget, kFunction };

struct Recipe {
  const ProjectFile* file = nullptr;
  RecipeKind kind{};
  ast::earthfile::Block block;
  std::string_view home;
};

// Looks at the recipe alone. `base` is of the same file; for the base recipe it is filled in.
RecipeFacts CheckRecipe(const Recipe& recipe, BaseFacts& base);

// A word that the evaluation takes as it stands, without its quotes; nullopt if it has variables or escapes other than
// `\+`.
std::optional<std::string> LiteralText(std::string_view text);
// Names in `$name` and `${name…}`.
std::vector<std::string_view> NamesIn(std::string_view text);
// Whether a condition (words of IF) has the same outcome always; nullopt if it is not known.
std::optional<bool> ConstantCondition(std::span<const Word> words);

}  // namespace loam::sema::earthfile::check
