// Other targets: what a command calls, with which values and rights.
#include <utility>

#include <fmt/format.h>

#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {

Checked<std::vector<PassedArg>> TargetEvaluation::ReadPassedArgs(std::span<const Word> words,
                                                                 const std::vector<std::string>& build_args,
                                                                 SourceRange range) {
  std::vector<std::string> texts;
  for (const Word& word : words) {
    texts.push_back(word.text);
  }
  return ReadPassedArgs(texts, build_args, range);
}

Checked<std::vector<PassedArg>> TargetEvaluation::ReadPassedArgs(const std::vector<std::string>& words,
                                                                 const std::vector<std::string>& build_args,
                                                                 SourceRange range) {
  const std::vector<std::string> expanded = LOAM_TRY(ExpandAll(std::span<const std::string>(words), range, true));
  const std::vector<std::string> expanded_build_args =
      LOAM_TRY(ExpandAll(std::span<const std::string>(build_args), range, true));
  std::vector<PassedArg> args = LOAM_TRY(PassedArgs(expanded, expanded_build_args, range));
  if (!Has(Feature::kShellOutAnywhere)) {
    for (PassedArg& arg : args) {
      if (arg.value && arg.value->starts_with("$(")) {
        arg.value = LOAM_TRY(ExpandValue(arg.name, *arg.value, range));
      }
    }
  }
  return args;
}

Checked<TargetEvaluation::Resolved> TargetEvaluation::Resolve(std::string_view text, SourceRange range,
                                                              bool allow_privileged) {
  Resolved out;
  out.reference = LOAM_TRY(in_.project().Resolve(text, variables_->project(), variables_->imports(), range));
  // A reference to a repository asks for its rights; an IMPORT can only take them away.
  const bool through_import = out.reference.allow_privileged.has_value();
  if (out.reference.written.IsRemote()) {
    out.privileged = allow_privileged_ && allow_privileged;
  } else {
    out.privileged = allow_privileged_;
  }
  if (through_import) {
    out.privileged = out.privileged && *out.reference.allow_privileged;
  }
  return out;
}

Checked<TargetCall> TargetEvaluation::MakeCall(const Project::Resolved& target, bool privileged, const Passing& passing,
                                               Edge edge, SourceRange range, Scope& passed) {
  passed = LOAM_TRY(variables_->ResolveArgs(passing.args));
  TargetCall call{.reference = target.reference, .platforms = platforms_.ForTarget(passing.platform)};
  call.overriding = edge == Edge::kFunctionBase ? variables_->OverridingForFunctionBase(passed)
                                                : variables_->OverridingFor(passed, target.written, passing.pass_args);
  call.allow_privileged = privileged;
  if (Has(Feature::kReferencedSaveOnly)) {
    call.saves = edge == Edge::kBuild && call_.saves && in_.options().mode != OutputMode::kImage;
    call.pushes = edge == Edge::kBuild && call_.pushes;
  } else {
    call.saves = call_.saves && !target.reference.IsRemote();
    call.pushes = call_.pushes && !target.reference.IsRemote();
  }
  call.chain = CurrentChain();
  call.range = range;
  call.command = recorded_ == nullptr ? 0 : recorded_->number;
  return call;
}

Checked<std::shared_ptr<TargetResult>> TargetEvaluation::Call(const TargetCall& call, const Scope& passed,
                                                              const Project::Resolved& target, bool pass_args,
                                                              Edge edge) {
  auto result = in_.Evaluate(call, &entry_);
  if (!result) {
    // It was told how it was reached.
    chain_told_ = chain_told_ || !result.error().diagnostics().empty();
    return result;
  }
  if (edge == Edge::kFunctionBase || pass_args || !target.written.IsExternal()) {
    variables_->MarkRead((*result)->names_read, passed);
  }
  result_->read_push = result_->read_push || ((*result)->read_push && edge == Edge::kBuild);
  return result;
}

Checked<std::shared_ptr<TargetResult>> TargetEvaluation::CallTarget(std::string_view text, const Passing& passing,
                                                                    Edge edge, SourceRange range) {
  const Resolved target = LOAM_TRY(Resolve(text, range, passing.allow_privileged));
  Scope passed;
  TargetCall call = LOAM_TRY(MakeCall(target.reference, target.privileged, passing, edge, range, passed));
  return Call(call, passed, target.reference, passing.pass_args, edge);
}

void TargetEvaluation::TakeGlobals(const TargetResult& result) {
  variables_->SetGlobals(result.globals);
  variables_->imports().set_global(result.global_imports);
}

}  // namespace loam::sema::earthfile
