// The walk of the static check over one recipe; private to check*.cpp. check_recipe.cpp has statements and commands,
// check_variables.cpp what they declare and name.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/check_recipe.h"
#include "compiler/sema/earthfile/flags.h"

namespace loam::sema::earthfile::check {

using ast::earthfile::Block;
using ast::earthfile::Command;
using ast::earthfile::CommandKind;
using ast::earthfile::Statement;
using ast::earthfile::StatementKind;
using diag::Kind;
using source::SourceRange;

// A value as messages have it.
std::string ShownText(std::string_view text);

class Walk {
 public:
  Walk(const Recipe& recipe, BaseFacts& base, RecipeFacts& facts)
      : recipe_(recipe),
        base_(base),
        facts_(facts),
        features_(recipe.file->features),
        // A function runs in the environment of whoever calls it.
        has_environment_(recipe.kind == RecipeKind::kFunction || base.has_environment) {
    if (recipe.kind != RecipeKind::kBase) {
      facts_.imports = ImportScopes(base.imports);
      facts_.has_dynamic_imports = base.has_dynamic_imports;
    }
  }

  void Run() {
    WalkBlock(recipe_.block);
    ReportUnused();
    ReportUnknownNames();
    if (recipe_.kind == RecipeKind::kBase) {
      base_.has_environment = has_environment_;
      base_.imports = facts_.imports.global();
      base_.has_dynamic_imports = facts_.has_dynamic_imports;
    }
  }

 private:
  struct Variable {
    bool is_let = false;
    bool conditional = false;
    bool is_reported = false;  // as unused, if it is
    SourceRange range;
    unsigned step = 0;
  };

  [[nodiscard]] bool IsConditional() const { return conditions_ > 0; }

  void Add(diag::Diagnostic diagnostic) { facts_.findings.push_back({std::move(diagnostic), IsConditional()}); }
  void Add(const Failure& failure) {
    for (const diag::Diagnostic& diagnostic : failure.diagnostics()) {
      Add(diagnostic);
    }
  }
  template <Kind kKind, class... Args>
  void Add(SourceRange range, std::string hint, const Args&... args) {
    diag::Diagnostic diagnostic = MakeDiagnostic<kKind>(range, args...);
    if (!hint.empty()) {
      diagnostic.hints.push_back(std::move(hint));
    }
    Add(std::move(diagnostic));
  }

  // The words behind the flags; empty, with a finding, if the flags are wrong.
  template <class Flags>
  std::vector<Word> ReadFlags(const std::vector<Word>& words, Flags& flags, bool exec_mode = false) {
    FlagParsing parsing{.features = &features_, .expand = {}, .already_joined = exec_mode};
    parsing.expand = [](const Word& value) -> Checked<std::string> {
      return value.text.find('$') == std::string::npos ? value.text : std::string("true");
    };
    auto rest = ParseFlags(words, parsing, flags);
    if (!rest) {
      Add(rest.error());
      return {};
    }
    return *std::move(rest);
  }
  // Also with a finding if the words are not as many as the command takes.
  template <class Flags>
  std::vector<Word> ReadFlags(const Command& command, Flags& flags) {
    const std::size_t findings = facts_.findings.size();
    std::vector<Word> words = ReadFlags(ToWords(command.args), flags, command.exec_mode);
    if (facts_.findings.size() != findings || !Fits(CheckArguments(command, words))) {
      return {};
    }
    return words;
  }
  bool Fits(const Checked<>& shape) {
    if (!shape) {
      Add(shape.error());
    }
    return shape.has_value();
  }

  void RequireEnvironment(std::string_view command, SourceRange range) {
    if (!has_environment_ && !std::exchange(told_environment_, true)) {
      Add<Kind::kEarthNeedsFrom>(range, "add `FROM <image>` on a line before it", command);
    }
  }
  void RequireFeature(Feature feature, SourceRange range, std::string_view what) {
    if (!features_.Has(feature)) {
      Add<Kind::kEarthNotInVersion>(range, FeatureHint(feature), what);
    }
  }

  void WalkBlock(Block block) {
    for (const Statement& statement : block) {
      ++step_;
      WalkStatement(statement);
    }
  }
  void WalkConditional(Block block) {
    ++conditions_;
    WalkBlock(block);
    --conditions_;
  }
  void WalkStatement(const Statement& statement);
  void WalkIf(const ast::earthfile::If& branch, SourceRange keyword);
  void WalkWith(const ast::earthfile::With& with);
  void WalkCommand(const Command& command);
  void WalkArg(const Command& command);
  void WalkLet(const Command& command);
  void WalkSet(const Command& command);
  void WalkImport(const Command& command);
  void WalkCopy(const Command& command);

  // Words that are expanded, or that a shell sees.
  void See(ast::earthfile::List<ast::earthfile::Word> words, bool is_expanded);
  void SeesEverything() { last_sight_ = step_; }

  void Declare(const std::string& name, bool is_let, SourceRange range);
  void UseTarget(const Word& word, std::span<const Word> args, const std::vector<std::string>& build_args,
                 bool conditional, bool wildcard_feature, bool pass_args, bool is_function = false);
  void UseText(const std::string& text, SourceRange range, std::vector<GivenArg> args, bool conditional,
               bool wildcard_feature, bool is_function, bool pass_args);
  static std::vector<GivenArg> ArgsIn(std::span<const Word> words, const std::vector<std::string>& build_args,
                                      SourceRange range);
  void ReportUnused();
  void ReportUnknownNames();

  const Recipe& recipe_;
  BaseFacts& base_;
  RecipeFacts& facts_;
  const Features& features_;

  unsigned conditions_ = 0;
  unsigned step_ = 0;
  unsigned last_sight_ = 0;  // the last step that sees all variables: a command that runs, --pass-args
  bool has_environment_;
  bool told_environment_ = false;
  std::map<std::string, Variable, std::less<>> variables_;
  std::set<std::string, std::less<>> other_names_;  // ENV, FOR
  std::set<std::string, std::less<>> mentioned_;
  std::vector<std::pair<std::string, SourceRange>> expanded_names_;
};

}  // namespace loam::sema::earthfile::check
