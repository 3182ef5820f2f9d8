#include "runtime-executor/gateway/bridge/earthfile_frontend.h"

#include "base/platform.h"
#include "frontend/earthfile_build.h"
#include "frontend/status.h"
#include "frontend/stdio_channel.h"
#include "proto/google/rpc/status.pb.h"
#include "runtime-executor/gateway/bridge/stdio_bridge.h"

namespace loam::gateway {
namespace {

constexpr const char* kDefaultName = "Earthfile";

// What the compiler makes is handed over as any frontend hands it over: by a call of the bridge.
Result<> BuildAndReturn(frontend::GatewayClient& client, const frontend::Environment& environment) {
  const auto build = [&]() -> Result<bridge_api::Result> {
    LOAM_TRY(client.Connect());
    const std::map<std::string, std::string> inputs = LOAM_TRY(client.Inputs());
    const auto name = environment.options.find("filename");
    return frontend::BuildEarthfile(client, environment, inputs,
                                    name == environment.options.end() ? kDefaultName : name->second);
  };
  bridge_api::ReturnRequest request;
  if (Result<bridge_api::Result> built = build()) {
    *request.mutable_result() = *std::move(built);
  } else {
    frontend::SetStatus(built.error(), *request.mutable_error());
  }
  return client.Return(request);
}

Result<FrontendResult> Run(BridgeBuildOptions options, const frontend::Environment& environment) {
  const std::stop_token stop = options.stop;
  BridgeBuild build(std::move(options));
  Result<> ended;
  {
    const std::unique_ptr<StdioBridge> bridge = LOAM_TRY(StdioBridge::Start(build));
    const auto channel = LOAM_TRY(frontend::StdioChannel::Open(bridge->frontend_fd(), bridge->frontend_fd()));
    frontend::GatewayClient client(bridge_api::LLBBridge::NewStub(channel->channel()), environment.options);
    ended = BuildAndReturn(client, environment);
    build.Close();
  }
  std::optional<Result<FrontendResult>> returned = build.Returned();
  if (returned) {
    return *std::move(returned);
  }
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  LOAM_TRY(ended);
  return Unexpected(ErrorCode::kUnknown, "no result for incomplete build");
}

}  // namespace

Result<FrontendResult> RunEarthfile(BridgeBuildOptions bridge, const std::map<std::string, std::string>& options,
                                    const std::string& session_id) {
  frontend::Environment environment;
  environment.options = options;
  environment.session_id = session_id;
  if (!bridge.worker.platforms.empty()) {
    environment.build_platform = FormatPlatformAll(NormalizePlatform(bridge.worker.platforms.front()));
  }
  return Run(std::move(bridge), environment);
}

}  // namespace loam::gateway
