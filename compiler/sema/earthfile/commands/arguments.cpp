// ARG, LET, SET, ENV.
#include <fmt/format.h>

#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {

Checked<> TargetEvaluation::Arg(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  const SourceRange range = range_;
  const bool in_base = is_base_ && !variables_->InFunction();
  const ArgDeclaration arg = LOAM_TRY(ParseArg(WordsOf(command.args), features_, in_base, range));
  std::string value;
  // The default is evaluated whatever comes of it: it may run a command that fails.
  if (arg.value && (variables_->NeedsDefault(arg.name) || IsBuiltinArg(arg.name))) {
    value = LOAM_TRY(ExpandValue(arg.name, arg.value->text, arg.value->range));
  }
  range_ = range;
  if (arg.name == "EARTHLY_PUSH" || arg.name == "EARTH_PUSH") {
    result_->read_push = true;
  }
  LOAM_TRY(variables_->DeclareArg(
      arg.name, value, {.required = arg.required, .global = arg.global, .has_default = arg.value.has_value()}, range));
  return {};
}

Checked<> TargetEvaluation::Let(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  if (!Has(Feature::kArgScopeAndSet)) {
    return Fail<Kind::kEarthNeedsFeature>(range_, "arg-scope-and-set", "LET and SET");
  }
  const SourceRange range = range_;
  const Assignment let = LOAM_TRY(ParseLet(WordsOf(command.args), features_, range));
  const std::string value = LOAM_TRY(Expand(let.value));
  range_ = range;
  return variables_->DeclareLet(let.name, value, range);
}

Checked<> TargetEvaluation::Set(const ast::earthfile::Command& command) {
  if (!Has(Feature::kArgScopeAndSet)) {
    return Fail<Kind::kEarthNeedsFeature>(range_, "arg-scope-and-set", "LET and SET");
  }
  const SourceRange range = range_;
  const Assignment set = LOAM_TRY(ParseSet(WordsOf(command.args), features_, range));
  const std::string value = LOAM_TRY(Expand(set.value));
  range_ = range;
  return variables_->Assign(set.name, value, range);
}

Checked<> TargetEvaluation::Env(const ast::earthfile::Command& command) {
  LOAM_TRY(RejectAfterPush());
  LOAM_TRY(CheckArguments(command, {}));
  const SourceRange range = range_;
  const ast::earthfile::KeyValue& pair = command.pairs.front();
  std::string value;
  if (pair.value.present()) {
    value = LOAM_TRY(Expand(pair.value.text, pair.value.range));
  }
  range_ = range;
  variables_->DeclareEnv(pair.key.text, value);
  SetImageEnv(state_.image.env, pair.key.text, value, graph());
  return {};
}

}  // namespace loam::sema::earthfile
