#include "compiler/driver/earthfile/compile.h"

#include <unordered_set>
#include <utility>

#include "compiler/driver/earthfile/dockerfile_compiler.h"
#include "compiler/ir/verifier.h"

namespace loam::driver::earthfile {
namespace {

#ifdef NDEBUG
constexpr bool kAlwaysVerify = false;
#else
constexpr bool kAlwaysVerify = true;
#endif

using sema::earthfile::ArtifactOutput;
using sema::earthfile::EvaluateOutcome;
using sema::earthfile::ImageOutput;
using sema::earthfile::Outputs;

// Every value of the outcome, so that passes can change all of them together.
std::vector<ir::Value*> ValuesOf(EvaluateOutcome& outcome) {
  std::vector<ir::Value*> values;
  for (Outputs* outputs : {&outcome.outputs, &outcome.after_push}) {
    for (ImageOutput& image : outputs->images) {
      values.push_back(&image.fs);
    }
    for (ArtifactOutput& artifact : outputs->artifacts) {
      values.push_back(&artifact.fs);
    }
    for (ir::Value& state : outputs->states) {
      values.push_back(&state);
    }
  }
  if (outcome.artifact) {
    values.push_back(&outcome.artifact->fs);
  }
  for (ir::Value& root : outcome.roots) {
    values.push_back(&root);
  }
  return values;
}

// A step that is never taken from the cache may have run already, for an IF, a WAIT or a TRY. A pass that changes what
// it is made of makes another step of it, which would run again.
bool HasUncachedSteps(const ir::Graph& graph, const std::vector<ir::Value*>& results) {
  std::vector<ir::Value> roots;
  for (const ir::Value* const result : results) {
    roots.push_back(*result);
  }
  for (const ir::NodeId id : graph.PostOrder(roots)) {
    for (const ir::Metadata* const metadata : graph.MetadataOf(id)) {
      if (metadata->ignore_cache) {
        return true;
      }
    }
  }
  return false;
}

// A filesystem that another one is made of is built with it.
void DropInnerStates(const ir::Graph& graph, Outputs& outputs) {
  std::vector<ir::Value> roots = outputs.states;
  for (const ImageOutput& image : outputs.images) {
    roots.push_back(image.fs);
  }
  for (const ArtifactOutput& artifact : outputs.artifacts) {
    roots.push_back(artifact.fs);
  }
  std::unordered_set<std::uint32_t> inner;
  for (const ir::NodeId id : graph.PostOrder(roots)) {
    for (const ir::Value operand : graph.node(id).operands()) {
      inner.insert(operand.node);
    }
  }
  std::erase_if(outputs.states, [&](ir::Value state) { return inner.contains(state.node); });
}

Result<CompiledOutputs> EmitAll(const ir::Graph& from, const Outputs& outputs, const llb::EmitOptions& options) {
  CompiledOutputs out;
  for (const ImageOutput& image : outputs.images) {
    out.images.push_back({image, LOAM_TRY(llb::Emit(from, image.fs, options))});
  }
  for (const ArtifactOutput& artifact : outputs.artifacts) {
    out.artifacts.push_back({artifact, LOAM_TRY(llb::Emit(from, artifact.fs, options))});
  }
  for (const ir::Value state : outputs.states) {
    out.states.push_back(LOAM_TRY(llb::Emit(from, state, options)));
  }
  return out;
}

}  // namespace

Result<CompiledOutputs> EmitOutputs(const ir::Graph& graph, const Outputs& outputs, const llb::EmitOptions& options) {
  return EmitAll(graph, outputs, options);
}

Result<std::optional<CompileResult>> Compile(const sema::earthfile::EvaluateRequest& request,
                                             const CompileOptions& options, diag::Emitter& emitter) {
  // project -> IR
  FromDockerfileCompiler dockerfiles(*request.sources);
  sema::earthfile::EvaluateRequest evaluation = request;
  if (evaluation.dockerfiles == nullptr) {
    evaluation.dockerfiles = &dockerfiles;
  }
  std::optional<EvaluateOutcome> outcome = LOAM_TRY(sema::earthfile::Evaluate(evaluation, emitter));
  if (!outcome) {
    return std::optional<CompileResult>();
  }
  CompileResult result;
  result.module = std::move(outcome->module);
  result.outcome = std::move(*outcome);

  // IR -> IR: all outputs are results of one module, so that what they share stays shared.
  const std::vector<ir::Value*> values = ValuesOf(result.outcome);
  for (const ir::Value* value : values) {
    ir::ModuleResult& made = result.module.results.emplace_back();
    made.fs = *value;
  }
  if (options.verify || kAlwaysVerify) {
    LOAM_TRY_CONTEXT("after evaluation", ir::Verify(result.module));
  }
  if (options.level != passes::OptLevel::kO0 && !HasUncachedSteps(result.module.graph, values)) {
    result.pass_reports =
        LOAM_TRY(passes::RunPasses(result.module, {.level = options.level, .verify = options.verify}));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    *values[i] = result.module.results[i].fs;
  }

  // IR -> LLB
  // Each step says where it stands (loam.place): the texts of all files in each definition would grow with their
  // square.
  const llb::EmitOptions emission{.metadata = options.metadata};
  DropInnerStates(result.module.graph, result.outcome.outputs);
  result.outputs = LOAM_TRY_CONTEXT("emit LLB", EmitAll(result.module.graph, result.outcome.outputs, emission));
  result.after_push = LOAM_TRY_CONTEXT("emit LLB", EmitAll(result.module.graph, result.outcome.after_push, emission));
  if (result.outcome.artifact) {
    result.wanted = CompiledWanted{
        *result.outcome.artifact,
        LOAM_TRY_CONTEXT("emit LLB", llb::Emit(result.module.graph, result.outcome.artifact->fs, emission))};
  }
  return std::optional(std::move(result));
}

}  // namespace loam::driver::earthfile
