// DO, IMPORT, PROJECT.
#include <algorithm>

#include <fmt/format.h>

#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

// Functions inside of functions; a recursion without end stops here.
constexpr std::size_t kMaxFunctionDepth = 300;

}  // namespace

Checked<> TargetEvaluation::Do(const ast::earthfile::Command& command) {
  const SourceRange range = range_;
  DoFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckArguments(command, words));
  const std::vector<PassedArg> args = LOAM_TRY(ReadPassedArgs(std::span(words).subspan(1), {}, range));
  const std::string text = LOAM_TRY(Expand(words[0], true));
  range_ = range;
  if (!Has(Feature::kPassArgs) && flags.pass_args) {
    return Fail<Kind::kEarthNeedsFeature>(range, "pass-args", "DO --pass-args");
  }
  if (functions_.size() >= kMaxFunctionDepth) {
    return Fail<Kind::kEarthCycle>(range, text).Hint("a function that calls itself needs an IF that ends it");
  }
  const Resolved function = LOAM_TRY(Resolve(text, words[0].range, flags.allow_privileged));
  if (!IsFunctionName(function.reference.reference.name)) {
    return Fail<Kind::kEarthBadReference>(words[0].range, text, "DO takes a function, and this names a target")
        .Hint("names of functions are in upper case; targets are used by BUILD, FROM and COPY");
  }
  const ProjectFile* file = LOAM_TRY(in_.project().Load(function.reference.reference, words[0].range));
  const ast::earthfile::Block recipe =
      LOAM_TRY(in_.project().FunctionRecipe(*file, function.reference.reference.name, words[0].range));

  Project::Resolved base = function.reference;
  base.reference = base.reference.WithName(std::string(kBaseTarget));
  base.written = base.written.WithName(std::string(kBaseTarget));
  Passing passing;
  passing.args = args;
  passing.pass_args = flags.pass_args;
  passing.platform = platforms_.current();
  Scope passed;
  TargetCall call = LOAM_TRY(MakeCall(base, function.privileged, passing, Edge::kFunctionBase, range, passed));
  const std::shared_ptr<TargetResult> globals =
      LOAM_TRY(Call(call, passed, base, flags.pass_args, Edge::kFunctionBase));

  Variables::Frame frame;
  frame.name = fmt::format("{} ({})", function.reference.reference.Canonical(), in_.PlaceOf(range));
  frame.project = file->project;
  frame.features = features_;
  frame.overriding = variables_->OverridingForFunction(passed, flags.pass_args);
  frame.globals = globals->globals;
  frame.imports = ImportScopes(globals->global_imports);
  variables_->EnterFrame(std::move(frame));
  functions_.emplace_back(fmt::format("function {}", function.reference.reference.Canonical()), range);
  const bool outer_privileged = std::exchange(allow_privileged_, function.privileged);
  LOAM_TRY(RunBlock(recipe));
  allow_privileged_ = outer_privileged;
  functions_.pop_back();
  variables_->ExitFrame();
  range_ = range;
  return {};
}

Checked<> TargetEvaluation::ImportCommand(const ast::earthfile::Command& command) {
  const SourceRange range = range_;
  ImportFlags flags;
  const std::vector<Word> words = LOAM_TRY(ParseFlags(WordsOf(command.args), {.features = &features_}, flags));
  LOAM_TRY(CheckArguments(command, words));
  const std::string reference = LOAM_TRY(Expand(words[0], true));
  const std::string alias = words.size() == 3 ? LOAM_TRY(Expand(words[2])) : std::string();
  range_ = range;
  ImportScopes::Declaration declaration;
  declaration.reference = reference;
  declaration.alias = alias;
  declaration.global = is_base_ && !variables_->InFunction();
  declaration.privileged = allow_privileged_;
  declaration.allow_privileged = flags.allow_privileged;
  declaration.home = in_.options().home;
  declaration.range = range;
  return variables_->imports().Add(declaration);
}

Checked<> TargetEvaluation::ProjectCommand(const ast::earthfile::Command& command) {
  if (!Has(Feature::kUseProjectSecrets)) {
    return Fail<Kind::kEarthNeedsFeature>(range_, "use-project-secrets", "PROJECT");
  }
  return CheckArguments(command, WordsOf(command.args));
}

}  // namespace loam::sema::earthfile
