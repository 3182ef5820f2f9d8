// EffectsHost behind a gateway: there is no machine of the invoker to do anything on, and one result is handed back.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "compiler/driver/earthfile/compile.h"
#include "compiler/sema/earthfile/effects_host.h"
#include "compiler/sema/earthfile/gate.h"
#include "frontend/gateway_client.h"

namespace loam::frontend {

class GatewayEffects final : public sema::earthfile::EffectsHost {
 public:
  // Both outlive it.
  GatewayEffects(GatewayClient& client, sema::earthfile::Gate& gate) : client_(client), gate_(gate) {}

  Result<sema::ProcessResult> RunLocally(const sema::earthfile::LocalCommand& command) override;
  Result<> ExportToHost(ir::Graph& graph, const sema::earthfile::HostExport& files) override;
  Result<ir::Value> ImportFromHost(ir::Graph& graph, const sema::earthfile::HostImport& files) override;
  // Builds everything, and keeps the images and artifacts for the result.
  Result<> Perform(ir::Graph& graph, const sema::earthfile::Outputs& outputs) override;
  Result<> RunTry(ir::Graph& graph, const sema::earthfile::TryStep& step) override;
  Result<> LoadIntoDocker(ir::Graph& graph, std::span<const sema::earthfile::DaemonImage> images) override;
  Result<> RunInteractive(ir::Graph& graph, const sema::earthfile::InteractiveStep& step) override;
  void Notice(std::string_view target, std::string_view text) override;
  void Warning(std::string_view target, std::string_view text) override;
  Result<bool> WasBuilt(std::string_view target, std::string_view hash) override;
  Result<> RecordBuilt(std::string_view target, std::string_view hash) override;

  // What inner WAITs have left.
  [[nodiscard]] std::vector<driver::earthfile::CompiledOutputs> TakePerformed();

 private:
  GatewayClient& client_;
  sema::earthfile::Gate& gate_;
  std::mutex mutex_;  // guards performed_
  std::vector<driver::earthfile::CompiledOutputs> performed_;
};

// Builds serialised pb.Definitions, all at once; empty ones are scratch. The first error, in their order.
Result<> BuildAll(GatewayClient& client, std::span<const std::string_view> definitions);

}  // namespace loam::frontend
