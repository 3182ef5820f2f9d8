// The static check of a recipe: ARG, LET, SET and IMPORT, and the names that are not used or not known.
#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/check_walk.h"

namespace loam::sema::earthfile::check {

// A value as messages have it.
std::string ShownText(std::string_view text) {
  auto literal = LiteralText(text);
  return literal ? *std::move(literal) : std::string(text);
}

void Walk::Declare(const std::string& name, bool is_let, SourceRange range) {
  const auto [other, is_new] = variables_.try_emplace(name);
  Variable& variable = other->second;
  if (!is_new && features_.Has(Feature::kArgScopeAndSet)) {
    // In different branches both may be declared: only one of them is reached.
    if (!variable.conditional || !IsConditional()) {
      const bool conditional = variable.conditional || IsConditional();
      diag::Diagnostic diagnostic = !variable.is_let || is_let ? MakeDiagnostic<Kind::kEarthRedeclared>(range, name)
                                                               : MakeDiagnostic<Kind::kEarthArgAfterLet>(range, name);
      // A LET may take the name of an ARG.
      if (variable.is_let || !is_let) {
        diagnostic.labels.push_back({variable.range, "first declared here"});
        diagnostic.hints.push_back(HintForRedeclaring(name, variable.is_let, is_let));
        facts_.findings.push_back({std::move(diagnostic), conditional});
      }
    }
    variable.conditional = variable.conditional && IsConditional();
    variable.is_let = is_let;
    return;
  }
  variable = {is_let, IsConditional(), false, range, step_};
}

void Walk::WalkArg(const Command& command) {
  const auto arg =
      ParseArg(ToWords(command.args), features_, recipe_.kind == RecipeKind::kBase, command.location.range);
  if (!arg) {
    Add(arg.error());
    return;
  }
  facts_.args.insert(arg->name);
  const SourceRange range = command.pairs.empty() ? command.location.range : command.pairs.front().key.range;
  const bool is_global = recipe_.kind == RecipeKind::kBase && (arg->global || !features_.Has(Feature::kExplicitGlobal));
  if (is_global) {
    base_.variables.insert(arg->name);
    base_.global_args.insert(arg->name);
  }
  if (IsBuiltinArg(arg->name)) {
    other_names_.insert(arg->name);
    if (const auto value = arg->value ? LiteralText(arg->value->text) : std::nullopt; value && !value->empty()) {
      Add<Kind::kEarthBuiltinDefault>(range, fmt::format("write `ARG {}`", arg->name), arg->name);
    }
    return;
  }
  facts_.declared.push_back({arg->name, arg->value ? ShownText(arg->value->text) : std::string(), range});
  if (recipe_.kind == RecipeKind::kBase && !is_global && base_.variables.contains(arg->name)) {
    // A global may be redeclared as a local ARG, in base too.
    return;
  }
  if (const auto known = variables_.find(arg->name); is_global && known != variables_.end() && !known->second.is_let &&
                                                     !known->second.is_reported &&
                                                     features_.Has(Feature::kArgScopeAndSet)) {
    diag::Diagnostic diagnostic = MakeDiagnostic<Kind::kEarthGlobalAfterLocal>(range, arg->name);
    diagnostic.labels.push_back({known->second.range, "first declared here"});
    diagnostic.hints.push_back(HintForGlobalAfterLocal(arg->name));
    facts_.findings.push_back({std::move(diagnostic), IsConditional() || known->second.conditional});
    return;
  }
  Declare(arg->name, false, range);
  if (is_global) {
    variables_.find(arg->name)->second.is_reported = true;
  }
}

void Walk::WalkLet(const Command& command) {
  if (!features_.Has(Feature::kArgScopeAndSet)) {
    Add<Kind::kEarthNeedsFeature>(command.keyword.range, FeatureHint(Feature::kArgScopeAndSet), "arg-scope-and-set",
                                  "LET and SET");
    return;
  }
  const auto let = ParseLet(ToWords(command.args), features_, command.location.range);
  if (!let) {
    Add(let.error());
    return;
  }
  const SourceRange range = command.pairs.empty() ? command.location.range : command.pairs.front().key.range;
  if (IsBuiltinArg(let->name)) {
    Add<Kind::kEarthBuiltinLet>(range, "choose another name", let->name);
    return;
  }
  Declare(let->name, true, range);
}

void Walk::WalkSet(const Command& command) {
  if (!features_.Has(Feature::kArgScopeAndSet)) {
    Add<Kind::kEarthNeedsFeature>(command.keyword.range, FeatureHint(Feature::kArgScopeAndSet), "arg-scope-and-set",
                                  "LET and SET");
    return;
  }
  const auto set = ParseSet(ToWords(command.args), features_, command.location.range);
  if (!set) {
    Add(set.error());
    return;
  }
  const auto found = variables_.find(set->name);
  if (found != variables_.end() && found->second.is_let) {
    return;
  }
  const SourceRange range = command.pairs.empty() ? command.location.range : command.pairs.front().key.range;
  if (found != variables_.end() || base_.global_args.contains(set->name)) {
    Add<Kind::kEarthSetArg>(range, HintForSetOfArg(set->name), set->name);
    return;
  }
  std::vector<std::string> lets;
  for (const auto& [name, variable] : variables_) {
    if (variable.is_let) {
      lets.push_back(name);
    }
  }
  diag::Diagnostic diagnostic = MakeDiagnostic<Kind::kEarthSetUnknown>(range, set->name);
  if (const auto near = NearestWord(set->name, lets)) {
    diagnostic.hints.push_back(fmt::format("did you mean `{}`?", *near));
  }
  diagnostic.hints.push_back(HintForSetOfUnknown(set->name));
  Add(std::move(diagnostic));
}

void Walk::WalkImport(const Command& command) {
  ImportFlags flags;
  const std::vector<Word> words = ReadFlags(command, flags);
  if (words.empty()) {
    return;
  }
  const bool as = words.size() == 3;
  const auto reference = LiteralText(words[0].text);
  const auto alias = as ? LiteralText(words[2].text) : std::optional<std::string>("");
  if (!reference || !alias) {
    facts_.has_dynamic_imports = true;
    return;
  }
  const Checked<> added = facts_.imports.Add({.reference = *reference,
                                              .alias = *alias,
                                              .global = recipe_.kind == RecipeKind::kBase,
                                              .privileged = true,
                                              .allow_privileged = flags.allow_privileged,
                                              .home = recipe_.home,
                                              .range = command.location.range});
  if (!added && IsConditional()) {
    facts_.has_dynamic_imports = true;  // it may be another branch that declares the alias
  } else if (!added) {
    Add(added.error());
  }
}

// Every command that runs sees all variables as environment; so only those can be told to be unused that none follows.
void Walk::ReportUnused() {
  if (recipe_.kind == RecipeKind::kFunction) {
    return;
  }
  for (const auto& [name, variable] : variables_) {
    if (variable.is_reported || mentioned_.contains(name) || variable.step <= last_sight_) {
      continue;
    }
    // What flows on to other targets may be declared for the reader.
    if (!variable.is_let && (!facts_.uses.empty() || facts_.has_dynamic_uses)) {
      continue;
    }
    diag::Diagnostic diagnostic = MakeDiagnostic<Kind::kEarthUnused>(variable.range, name);
    diagnostic.hints.emplace_back("remove it; no command behind it runs or names it");
    facts_.findings.push_back({std::move(diagnostic), true});
  }
}

// Names without a value are empty, and images bring variables of their own: only what looks like a slip is told.
void Walk::ReportUnknownNames() {
  if (recipe_.kind == RecipeKind::kFunction) {
    return;
  }
  std::vector<std::string> known;
  for (const auto& [name, variable] : variables_) {
    known.push_back(name);
  }
  known.insert(known.end(), other_names_.begin(), other_names_.end());
  known.insert(known.end(), base_.variables.begin(), base_.variables.end());
  std::set<std::string, std::less<>> told;
  for (const auto& [name, range] : expanded_names_) {
    if (std::find(known.begin(), known.end(), name) != known.end() || !told.insert(name).second) {
      continue;
    }
    if (const auto near = NearestWord(name, known)) {
      diag::Diagnostic diagnostic = MakeDiagnostic<Kind::kEarthUnknownVariable>(range, name);
      diagnostic.hints.push_back(fmt::format("did you mean `{}`?", *near));
      facts_.findings.push_back({std::move(diagnostic), true});
    }
  }
}

}  // namespace loam::sema::earthfile::check
