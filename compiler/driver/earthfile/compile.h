// The way from a project of Earthfiles to LLB: evaluation, passes, one definition an output.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/ir/module.h"
#include "compiler/passes/pass_manager.h"
#include "compiler/sema/earthfile/evaluate.h"
#include "llb-emit/emit.h"

namespace loam::driver::earthfile {

struct CompileOptions {
  passes::OptLevel level = passes::OptLevel::kO1;
  bool metadata = true;
  bool verify = false;
};

struct CompiledImage {
  sema::earthfile::ImageOutput output;
  llb::Definition definition;
};
struct CompiledArtifact {
  sema::earthfile::ArtifactOutput output;
  llb::Definition definition;
};
// `value`s in `output` refer to the graph that the definitions were emitted from.
struct CompiledOutputs {
  std::vector<CompiledImage> images;
  std::vector<CompiledArtifact> artifacts;
  std::vector<llb::Definition> states;
};
struct CompiledWanted {
  sema::earthfile::WantedArtifact artifact;
  llb::Definition definition;
};

struct CompileResult {
  // After the passes; `outcome.module` is moved here.
  ir::Module module;
  sema::earthfile::EvaluateOutcome outcome;
  std::vector<passes::PassReport> pass_reports;

  CompiledOutputs outputs;
  CompiledOutputs after_push;
  std::optional<CompiledWanted> wanted;
};

// nullopt: mistakes were reported to `emitter`.
Result<std::optional<CompileResult>> Compile(const sema::earthfile::EvaluateRequest& request,
                                             const CompileOptions& options, diag::Emitter& emitter);

// The definitions of the outputs of an inner WAIT, from the graph that is being made (for EffectsHost::Perform).
// Definitions of scratch are empty.
Result<CompiledOutputs> EmitOutputs(const ir::Graph& graph, const sema::earthfile::Outputs& outputs,
                                    const llb::EmitOptions& options = {});

}  // namespace loam::driver::earthfile
