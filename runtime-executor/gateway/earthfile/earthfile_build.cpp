#include "runtime-executor/gateway/earthfile/earthfile_build.h"

#include <fmt/format.h>

#include "base/file_system.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/driver/earthfile/compile.h"
#include "compiler/sema/earthfile/project.h"
#include "runtime-executor/gateway/build_host.h"
#include "runtime-executor/gateway/earthfile/plan_effects.h"

namespace loam::gateway::earthfile {
namespace {

using driver::earthfile::CompiledOutputs;
using driver::earthfile::CompileResult;

void AddSteps(const CompileResult& compiled, StepRegistry& steps) {
  const ir::Graph& graph = compiled.module.graph;
  for (const CompiledOutputs* const outputs : {&compiled.outputs, &compiled.after_push}) {
    for (const auto& image : outputs->images) {
      steps.Add(graph, image.definition);
    }
    for (const auto& artifact : outputs->artifacts) {
      steps.Add(graph, artifact.definition);
    }
    for (const llb::Definition& state : outputs->states) {
      steps.Add(graph, state);
    }
  }
  if (compiled.wanted) {
    steps.Add(graph, compiled.wanted->definition);
  }
}

// In a plan nothing is written.
Result<> PlanOutputs(engine::Job& job, const CompileResult& compiled, const std::stop_token& stop) {
  std::vector<std::string_view> definitions;
  for (const CompiledOutputs* const outputs : {&compiled.outputs, &compiled.after_push}) {
    for (const auto& image : outputs->images) {
      definitions.emplace_back(image.definition.bytes);
    }
    for (const auto& artifact : outputs->artifacts) {
      definitions.emplace_back(artifact.definition.bytes);
    }
    for (const llb::Definition& state : outputs->states) {
      definitions.emplace_back(state.bytes);
    }
  }
  if (compiled.wanted) {
    definitions.emplace_back(compiled.wanted->definition.bytes);
  }
  LOAM_TRY(job.SolveAll(definitions, stop));
  return {};
}

Result<> PerformOutputs(const CompileResult& compiled, const EarthfileBuildRequest& request, OutputWriter& writer,
                        const std::stop_token& stop) {
  LOAM_TRY(writer.Perform(compiled.outputs, stop));
  if (compiled.wanted && !request.options.no_output) {
    LOAM_TRY(writer.WriteArtifact(*compiled.wanted, request.artifact_destination, stop));
  }
  return writer.Perform(compiled.after_push, stop);
}

}  // namespace

Result<> BuildEarthfile(engine::Job& job, session::ClientServices& client, const EarthfileBuildRequest& request,
                        EarthfileBuildReport& report, std::stop_token stop) {
  sema::earthfile::Gate gate;
  BuildHostOptions host_options;
  host_options.before_blocking = [&gate] { gate.Release(); };
  host_options.after_blocking = [&gate] { gate.Acquire(); };
  host_options.on_definition = [&report](const ir::Graph& graph, const llb::Definition& definition) {
    report.steps->Add(graph, definition);
  };
  const std::unique_ptr<sema::BuildHost> host = MakeBuildHost(job, client, stop, std::move(host_options));

  const TempDir staging = LOAM_TRY(TempDir::Create());
  OutputWriter writer(job, {.directory = request.options.invocation_directory,
                            .no_output = request.options.no_output,
                            .push = request.options.push});
  EffectsParts parts;
  parts.job = &job;
  parts.gate = &gate;
  parts.steps = report.steps.get();
  parts.outputs = &writer;
  parts.auto_skip = request.auto_skip;
  parts.messages = request.messages;
  parts.terminal = request.terminal;
  parts.docker_host = request.docker_host;
  parts.staging_directory = staging.path();
  const std::unique_ptr<sema::earthfile::EffectsHost> effects =
      job.is_plan() ? MakePlanEffects(std::move(parts), stop) : MakeEffectsHost(std::move(parts), stop);

  sema::earthfile::LocalProjectHost project_host(request.project);
  sema::earthfile::Project project(
      project_host, *report.sources,
      {.feature_overrides = request.feature_overrides, .home = request.options.home, .gate = &gate});

  sema::earthfile::EvaluateRequest evaluation;
  evaluation.roots = request.roots;
  evaluation.args = request.args;
  evaluation.options = request.options;
  evaluation.project = &project;
  evaluation.sources = report.sources.get();
  evaluation.host = host.get();
  evaluation.effects = effects.get();
  evaluation.gate = &gate;
  evaluation.warnings = request.messages.findings;
  evaluation.clone_url = [&request](std::string_view url) {
    return sema::earthfile::ConfiguredCloneUrl(url, request.project.sites);
  };

  driver::earthfile::CompileOptions options;
  options.level = request.optimization_level == 0 ? passes::OptLevel::kO0 : passes::OptLevel::kO1;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  auto compiled = driver::earthfile::Compile(evaluation, options, emitter);
  report.diagnostics = consumer.Take();
  const auto finish = [&] { report.written = writer.written(); };
  if (!compiled) {
    finish();
    return Unexpected(std::move(compiled).error());
  }
  if (stop.stop_requested()) {
    finish();
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  if (!*compiled) {
    finish();
    return Unexpected(ErrorCode::kInvalidArgument, "the Earthfile has mistakes");
  }
  const CompileResult& result = **compiled;
  report.notes = result.outcome.notes;
  AddSteps(result, *report.steps);
  if (job.is_plan()) {
    return PlanOutputs(job, result, stop);
  }
  const Result<> performed = PerformOutputs(result, request, writer, stop);
  finish();
  LOAM_TRY(Result<>(performed));
  if (request.auto_skip != nullptr) {
    for (const auto& [target, hash] : result.outcome.auto_skip) {
      LOAM_TRY_CONTEXT("record a skippable target", request.auto_skip->Add(target, hash));
    }
  }
  return {};
}

}  // namespace loam::gateway::earthfile
