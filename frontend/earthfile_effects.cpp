#include "frontend/earthfile_effects.h"

#include <algorithm>
#include <cstdio>
#include <thread>

#include <fmt/format.h>

#include "base/print.h"
#include "base/strings.h"
#include "frontend/status.h"

namespace loam::frontend {
namespace {

using sema::earthfile::Gate;
using sema::earthfile::StepName;

constexpr std::size_t kMaxThreads = 16;

Error NotHere(const StepName& name, std::string_view what) {
  return Error(ErrorCode::kUnimplemented,
               fmt::format("{}: {} ({}) {} behind a BuildKit gateway", name.target, name.command, name.place, what))
      .WithHint("`loam build` on the machine itself can do it");
}

}  // namespace

Result<> BuildAll(GatewayClient& client, std::span<const std::string_view> definitions) {
  std::vector<Result<>> results(definitions.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < definitions.size(); i = next++) {
      results[i] = [&]() -> Result<> {
        if (definitions[i].empty()) {
          return {};
        }
        const Ref ref = LOAM_TRY(client.Solve(std::string(definitions[i])));
        return client.Evaluate(ref);
      }();
      if (!results[i]) {
        results[i] = Unexpected(WithDefinition(std::move(results[i]).error(), definitions[i]));
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < std::min(definitions.size(), kMaxThreads); ++i) {
      threads.emplace_back(work);
    }
    work();
  }
  for (Result<>& result : results) {
    LOAM_TRY(std::move(result));
  }
  return {};
}

Result<sema::ProcessResult> GatewayEffects::RunLocally(const sema::earthfile::LocalCommand& command) {
  return Unexpected(NotHere(command.name, "LOCALLY cannot run"));
}

Result<> GatewayEffects::ExportToHost(ir::Graph&, const sema::earthfile::HostExport& files) {
  return Unexpected(NotHere(files.name, "LOCALLY cannot run"));
}

Result<ir::Value> GatewayEffects::ImportFromHost(ir::Graph&, const sema::earthfile::HostImport& files) {
  return Unexpected(NotHere(files.name, "LOCALLY cannot run"));
}

Result<> GatewayEffects::Perform(ir::Graph& graph, const sema::earthfile::Outputs& outputs) {
  driver::earthfile::CompiledOutputs compiled = LOAM_TRY(driver::earthfile::EmitOutputs(graph, outputs));
  std::vector<std::string_view> definitions;
  for (const auto& image : compiled.images) {
    definitions.emplace_back(image.definition.bytes);
  }
  for (const auto& artifact : compiled.artifacts) {
    definitions.emplace_back(artifact.definition.bytes);
  }
  for (const llb::Definition& state : compiled.states) {
    definitions.emplace_back(state.bytes);
  }
  {
    const Gate::Opened opened(&gate_);
    LOAM_TRY(BuildAll(client_, definitions));
  }
  const std::lock_guard lock(mutex_);
  performed_.push_back(std::move(compiled));
  return {};
}

Result<> GatewayEffects::RunTry(ir::Graph& graph, const sema::earthfile::TryStep& step) {
  const llb::Definition definition = LOAM_TRY(llb::Emit(graph, step.fs));
  const Gate::Opened opened(&gate_);
  const std::string_view bytes = definition.bytes;
  Result<> built = BuildAll(client_, std::span(&bytes, 1));
  if (built || step.files.empty()) {
    return built;
  }
  // Files of a failed step stay where they are: what fails behind a gateway hands nothing back, not even an export.
  std::vector<std::string> files;
  for (const sema::earthfile::TryStep::File& file : step.files) {
    files.push_back(file.source);
  }
  return Unexpected(std::move(built).error().Wrap(
      fmt::format("TRY cannot bring out {}, since a build behind a gateway that fails hands nothing back (`loam build "
                  "--engine` brings it out)",
                  Join(files, ", "))));
}

Result<> GatewayEffects::LoadIntoDocker(ir::Graph&, std::span<const sema::earthfile::DaemonImage> images) {
  return Unexpected(
      Error(ErrorCode::kUnimplemented, fmt::format("LOCALLY: WITH DOCKER cannot load {} behind a BuildKit gateway",
                                                   images.empty() ? std::string("images") : images.front().name))
          .WithHint("`loam build` on the machine itself can do it"));
}

Result<> GatewayEffects::RunInteractive(ir::Graph&, const sema::earthfile::InteractiveStep& step) {
  return Unexpected(NotHere(step.name, "there is no terminal"));
}

void GatewayEffects::Notice(std::string_view target, std::string_view text) {
  PrintTo(stderr, "{}{}{}\n", target, target.empty() ? "" : " | ", text);
}
void GatewayEffects::Warning(std::string_view target, std::string_view text) {
  PrintTo(stderr, "{}{}warning: {}\n", target, target.empty() ? "" : " | ", text);
}

Result<bool> GatewayEffects::WasBuilt(std::string_view, std::string_view) {
  return false;
}
Result<> GatewayEffects::RecordBuilt(std::string_view, std::string_view) {
  return {};
}

std::vector<driver::earthfile::CompiledOutputs> GatewayEffects::TakePerformed() {
  const std::lock_guard lock(mutex_);
  return std::move(performed_);
}

}  // namespace loam::frontend
