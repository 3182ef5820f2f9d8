#include "runtime-executor/gateway/bridge/bridge_service.h"

#include <grpcpp/grpcpp.h>

#include "proto/frontend/gateway/pb/gateway.grpc.pb.h"
#include "runtime-executor/gateway/bridge/error_status.h"

namespace loam::gateway {
namespace {

constexpr const char* kBuildId = "buildkit-controlapi-buildid";

class ServerExecStream final : public ExecStream {
 public:
  using Call = grpc::ServerReaderWriter<bridge_api::ExecMessage, bridge_api::ExecMessage>;
  ServerExecStream(grpc::ServerContext& context, Call& call) : context_(context), call_(call) {}
  bool Read(bridge_api::ExecMessage& message) override { return call_.Read(&message); }
  bool Write(const bridge_api::ExecMessage& message) override { return call_.Write(message); }
  void Cancel() override { context_.TryCancel(); }
  [[nodiscard]] bool canceled() const override { return context_.IsCancelled(); }

 private:
  grpc::ServerContext& context_;
  Call& call_;
};

class BridgeService final : public bridge_api::LLBBridge::Service {
 public:
  explicit BridgeService(FindBridgeBuild find) : find_(std::move(find)) {}

  grpc::Status Ping(grpc::ServerContext* context, const bridge_api::PingRequest*,
                    bridge_api::PongResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.Ping(*response); });
  }
  grpc::Status Inputs(grpc::ServerContext* context, const bridge_api::InputsRequest*,
                      bridge_api::InputsResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.Inputs(*response); });
  }
  grpc::Status ResolveImageConfig(grpc::ServerContext* context, const bridge_api::ResolveImageConfigRequest* request,
                                  bridge_api::ResolveImageConfigResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.ResolveImageConfig(*request, *response); });
  }
  grpc::Status ResolveSourceMeta(grpc::ServerContext* context, const bridge_api::ResolveSourceMetaRequest* request,
                                 bridge_api::ResolveSourceMetaResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.ResolveSourceMeta(*request, *response); });
  }
  grpc::Status Solve(grpc::ServerContext* context, const bridge_api::SolveRequest* request,
                     bridge_api::SolveResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.Solve(*request, *response); });
  }
  grpc::Status Evaluate(grpc::ServerContext* context, const bridge_api::EvaluateRequest* request,
                        bridge_api::EvaluateResponse*) override {
    return Call(*context, [&](BridgeBuild& build) { return build.Evaluate(*request); });
  }
  grpc::Status ReadFile(grpc::ServerContext* context, const bridge_api::ReadFileRequest* request,
                        bridge_api::ReadFileResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.ReadFile(*request, *response); });
  }
  grpc::Status ReadDir(grpc::ServerContext* context, const bridge_api::ReadDirRequest* request,
                       bridge_api::ReadDirResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.ReadDir(*request, *response); });
  }
  grpc::Status StatFile(grpc::ServerContext* context, const bridge_api::StatFileRequest* request,
                        bridge_api::StatFileResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.StatFile(*request, *response); });
  }
  grpc::Status NewContainer(grpc::ServerContext* context, const bridge_api::NewContainerRequest* request,
                            bridge_api::NewContainerResponse*) override {
    return Call(*context, [&](BridgeBuild& build) { return build.NewContainer(*request); });
  }
  grpc::Status ReleaseContainer(grpc::ServerContext* context, const bridge_api::ReleaseContainerRequest* request,
                                bridge_api::ReleaseContainerResponse*) override {
    return Call(*context, [&](BridgeBuild& build) { return build.ReleaseContainer(*request); });
  }
  grpc::Status ReadFileContainer(grpc::ServerContext* context, const bridge_api::ReadFileRequest* request,
                                 bridge_api::ReadFileResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.ReadFileContainer(*request, *response); });
  }
  grpc::Status ReadDirContainer(grpc::ServerContext* context, const bridge_api::ReadDirRequest* request,
                                bridge_api::ReadDirResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.ReadDirContainer(*request, *response); });
  }
  grpc::Status StatFileContainer(grpc::ServerContext* context, const bridge_api::StatFileRequest* request,
                                 bridge_api::StatFileResponse* response) override {
    return Call(*context, [&](BridgeBuild& build) { return build.StatFileContainer(*request, *response); });
  }
  grpc::Status ExecProcess(grpc::ServerContext* context, ServerExecStream::Call* call) override {
    ServerExecStream stream(*context, *call);
    return Call(*context, [&](BridgeBuild& build) { return build.ExecProcess(stream); });
  }
  grpc::Status Warn(grpc::ServerContext* context, const bridge_api::WarnRequest* request,
                    bridge_api::WarnResponse*) override {
    return Call(*context, [&](BridgeBuild& build) { return build.Warn(*request); });
  }
  grpc::Status Return(grpc::ServerContext* context, const bridge_api::ReturnRequest* request,
                      bridge_api::ReturnResponse*) override {
    return Call(*context, [&](BridgeBuild& build) { return build.Return(*request); });
  }

 private:
  template <class Body>
  grpc::Status Call(grpc::ServerContext& context, Body body) const {
    std::string build_id;
    const auto sent = context.client_metadata().find(kBuildId);
    if (sent != context.client_metadata().end()) {
      build_id.assign(sent->second.data(), sent->second.size());
    }
    const Result<std::shared_ptr<BridgeBuild>> build = find_(build_id);
    if (!build) {
      return ToWireStatus(build.error());
    }
    const Result<BridgeBuild::Use> use = (*build)->Enter();
    if (!use) {
      return ToWireStatus(use.error());
    }
    return ToWireStatus(body(**build));
  }

  const FindBridgeBuild find_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeBridgeService(FindBridgeBuild find) {
  return std::make_unique<BridgeService>(std::move(find));
}

}  // namespace loam::gateway
