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
Result<> PlanOutputs(BuildSite& site, const CompileResult& compiled, const std::stop_token& stop) {
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
  LOAM_TRY(site.BuildAll(definitions, stop));
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

enum class Wish : std::uint8_t { kBuild, kPlan };

// What both have in common: the evaluation. The steps of what came out are in the report.
class Frontend {
 public:
  Frontend(BuildSite& site, const EarthfileBuildRequest& request, EarthfileBuildReport& report,
           const std::stop_token& stop)
      : site_(site), request_(request), report_(report), stop_(stop) {}

  Result<CompileResult> Compile(Wish wish, OutputWriter& writer, const std::string& staging) {
    sema::earthfile::Gate gate;
    BuildHostOptions host_options;
    host_options.blocking.before = [&gate] { gate.Release(); };
    host_options.blocking.after = [&gate] { gate.Acquire(); };
    host_options.on_definition = [this](const ir::Graph& graph, const llb::Definition& definition) {
      report_.steps->Add(graph, definition);
    };
    const std::unique_ptr<sema::BuildHost> host = site_.MakeHost(std::move(host_options), stop_);

    EffectsParts parts;
    parts.site = &site_;
    parts.gate = &gate;
    parts.steps = report_.steps.get();
    parts.outputs = &writer;
    parts.auto_skip = request_.auto_skip;
    parts.messages = request_.messages;
    parts.terminal = request_.terminal;
    parts.docker_host = request_.docker_host;
    parts.staging_directory = staging;
    const std::unique_ptr<sema::earthfile::EffectsHost> effects =
        wish == Wish::kPlan ? MakePlanEffects(std::move(parts), stop_) : MakeEffectsHost(std::move(parts), stop_);

    sema::earthfile::LocalProjectHost project_host(request_.project);
    sema::earthfile::Project project(
        project_host, *report_.sources,
        {.feature_overrides = request_.feature_overrides, .home = request_.options.home, .gate = &gate});

    sema::earthfile::EvaluateRequest evaluation;
    evaluation.roots = request_.roots;
    evaluation.args = request_.args;
    evaluation.asked_args = request_.asked_args;
    evaluation.options = request_.options;
    evaluation.project = &project;
    evaluation.sources = report_.sources.get();
    evaluation.host = host.get();
    evaluation.effects = effects.get();
    evaluation.gate = &gate;
    evaluation.journal = request_.journal;
    evaluation.warnings = request_.messages.findings;
    evaluation.clone_url = [this](std::string_view url) -> Result<std::string> {
      const std::string configured = LOAM_TRY(sema::earthfile::ConfiguredCloneUrl(url, request_.project.sites));
      return configured == url ? sema::earthfile::MirroredCloneUrl(configured) : configured;
    };

    driver::earthfile::CompileOptions options;
    options.level = request_.optimization_level == 0 ? passes::OptLevel::kO0 : passes::OptLevel::kO1;
    diag::CollectingConsumer consumer;
    diag::Emitter emitter(consumer);
    auto compiled = driver::earthfile::Compile(evaluation, options, emitter);
    report_.diagnostics = consumer.Take();
    if (!compiled) {
      return Unexpected(std::move(compiled).error());
    }
    if (stop_.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    if (!*compiled) {
      return Unexpected(ErrorCode::kInvalidArgument, "the Earthfile has mistakes");
    }
    report_.notes = (*compiled)->outcome.notes;
    AddSteps(**compiled, *report_.steps);
    return *std::move(*compiled);
  }

 private:
  BuildSite& site_;
  const EarthfileBuildRequest& request_;
  EarthfileBuildReport& report_;
  const std::stop_token& stop_;
};

OutputOptions OutputsOf(const EarthfileBuildRequest& request) {
  return {.directory = request.options.invocation_directory,
          .no_output = request.options.no_output,
          .push = request.options.push,
          .on_file = request.messages.file,
          .docker = request.docker_load};
}

}  // namespace

Result<> BuildEarthfile(BuildSite& site, const EarthfileBuildRequest& request, EarthfileBuildReport& report,
                        const std::stop_token& stop) {
  const TempDir staging = LOAM_TRY(TempDir::Create());
  OutputWriter writer(site, OutputsOf(request));
  const Result<> done = [&]() -> Result<> {
    const CompileResult compiled =
        LOAM_TRY(Frontend(site, request, report, stop).Compile(Wish::kBuild, writer, staging.path()));
    LOAM_TRY(PerformOutputs(compiled, request, writer, stop));
    if (request.auto_skip != nullptr) {
      for (const auto& [target, hash] : compiled.outcome.auto_skip) {
        LOAM_TRY_CONTEXT("record a skippable target", request.auto_skip->Add(target, hash));
      }
    }
    return {};
  }();
  report.written = writer.written();
  return done;
}

Result<> PlanEarthfile(BuildSite& site, const EarthfileBuildRequest& request, EarthfileBuildReport& report,
                       const std::stop_token& stop) {
  const TempDir staging = LOAM_TRY(TempDir::Create());
  OutputWriter writer(site, OutputsOf(request));
  const CompileResult compiled =
      LOAM_TRY(Frontend(site, request, report, stop).Compile(Wish::kPlan, writer, staging.path()));
  return PlanOutputs(site, compiled, stop);
}

}  // namespace loam::gateway::earthfile
