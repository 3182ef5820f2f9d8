#include "runtime-executor/gateway/earthfile/plan_effects.h"

#include <atomic>

#include <fmt/format.h>

#include "compiler/driver/earthfile/compile.h"
#include "llb-emit/emit.h"
#include "runtime-executor/gateway/earthfile/image_layout.h"

namespace loam::gateway::earthfile {
namespace {

using sema::earthfile::Gate;

class PlanEffects final : public sema::earthfile::EffectsHost {
 public:
  PlanEffects(EffectsParts parts, std::stop_token stop) : parts_(std::move(parts)), stop_(std::move(stop)) {}

  Result<sema::ProcessResult> RunLocally(const sema::earthfile::LocalCommand& command) override {
    if (command.capture || command.condition) {
      return Unexpected(
          ErrorCode::kFailedPrecondition,
          fmt::format("`{}` runs on this machine, and only its answer says what follows", command.name.command));
    }
    Notice(command.name.target, fmt::format("would run on this machine: {}", command.name.command));
    return sema::ProcessResult{};
  }
  Result<> ExportToHost(ir::Graph& graph, const sema::earthfile::HostExport& files) override {
    return Solve(graph, files.fs);
  }
  Result<ir::Value> ImportFromHost(ir::Graph&, const sema::earthfile::HostImport& files) override {
    return Unexpected(ErrorCode::kFailedPrecondition,
                      fmt::format("{} is known only after the commands on this machine have run", files.source));
  }
  Result<> Perform(ir::Graph& graph, const sema::earthfile::Outputs& outputs) override {
    const driver::earthfile::CompiledOutputs compiled = LOAM_TRY(driver::earthfile::EmitOutputs(graph, outputs));
    std::vector<const llb::Definition*> definitions;
    for (const auto& image : compiled.images) {
      definitions.push_back(&image.definition);
    }
    for (const auto& artifact : compiled.artifacts) {
      definitions.push_back(&artifact.definition);
    }
    for (const llb::Definition& state : compiled.states) {
      definitions.push_back(&state);
    }
    return SolveAll(graph, definitions);
  }
  Result<> RunTry(ir::Graph& graph, const sema::earthfile::TryStep& step) override { return Solve(graph, step.fs); }
  Result<ir::Value> ImageLayout(ir::Graph& graph, const sema::earthfile::DaemonImage& image) override {
    const llb::Definition definition = LOAM_TRY(llb::Emit(graph, image.fs));
    parts_.steps->Add(graph, definition);
    const std::string directory = fmt::format("{}/image-{}", parts_.staging_directory, next_image_.fetch_add(1));
    {
      const Gate::Opened opened(parts_.gate);
      const std::string_view bytes = definition.bytes;
      const TreeRef tree = LOAM_TRY(parts_.site->BuildAll(std::span(&bytes, 1), stop_)).front();
      if (tree->is_scratch()) {
        return Unexpected(ErrorCode::kFailedPrecondition,
                          "it has to be built first, and its contents decide what follows");
      }
      LOAM_TRY(WriteImageLayout(*parts_.site, image, tree, directory, stop_));
    }
    return graph.Add<ir::OpKind::kSourceLocal>({}, {.identifier = directory, .attrs = {}});
  }
  Result<> LoadIntoDocker(ir::Graph& graph, std::span<const sema::earthfile::DaemonImage> images) override {
    for (const sema::earthfile::DaemonImage& image : images) {
      LOAM_TRY(Solve(graph, image.fs));
    }
    return {};
  }
  Result<> RunInteractive(ir::Graph& graph, const sema::earthfile::InteractiveStep& step) override {
    return Solve(graph, step.fs);
  }
  void Notice(std::string_view target, std::string_view text) override {
    if (parts_.messages.notice) {
      parts_.messages.notice(target, text);
    }
  }
  void Warning(std::string_view target, std::string_view text) override {
    if (parts_.messages.warning) {
      parts_.messages.warning(target, text);
    }
  }
  Result<bool> WasBuilt(std::string_view target, std::string_view hash) override {
    return parts_.auto_skip == nullptr ? Result<bool>(false) : parts_.auto_skip->Contains(target, hash);
  }
  Result<> RecordBuilt(std::string_view, std::string_view) override { return {}; }

 private:
  Result<> Solve(const ir::Graph& graph, ir::Value fs) {
    const llb::Definition definition = LOAM_TRY(llb::Emit(graph, fs));
    return SolveAll(graph, {&definition});
  }
  Result<> SolveAll(const ir::Graph& graph, const std::vector<const llb::Definition*>& definitions) {
    std::vector<std::string_view> bytes;
    for (const llb::Definition* const definition : definitions) {
      parts_.steps->Add(graph, *definition);
      bytes.emplace_back(definition->bytes);
    }
    const Gate::Opened opened(parts_.gate);
    LOAM_TRY(parts_.site->BuildAll(bytes, stop_));
    return {};
  }

  const EffectsParts parts_;
  const std::stop_token stop_;
  std::atomic<std::uint64_t> next_image_{0};
};

}  // namespace

std::unique_ptr<sema::earthfile::EffectsHost> MakePlanEffects(EffectsParts parts, std::stop_token stop) {
  return std::make_unique<PlanEffects>(std::move(parts), std::move(stop));
}

}  // namespace loam::gateway::earthfile
