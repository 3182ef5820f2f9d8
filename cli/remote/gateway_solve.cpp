#include "cli/remote/gateway_solve.h"

#include <future>
#include <optional>
#include <random>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/digest.h"
#include "cli/remote/remote_channel.h"
#include "cli/remote/status_feed.h"
#include "frontend/status.h"
#include "proto/api/services/control/control.grpc.pb.h"
#include "runtime-executor/session/remote/rpc.h"
#include "runtime-executor/solver/op.h"

namespace loam::cli {
namespace {

namespace control = moby::buildkit::v1;
namespace api = frontend::api;
using Response = std::map<std::string, std::string>;

Error WithVertex(Error error, const std::optional<StatusFeed>& feed) {
  if (!feed || !feed->failure() || error.Detail<solver::VertexErrorDetail>() != nullptr) {
    return error;
  }
  const std::shared_ptr<const ErrorDetail> inner = error.detail();
  return std::move(error).WithDetail(
      std::make_shared<solver::VertexErrorDetail>(feed->failure()->vertex, feed->failure()->name, inner));
}

// `returned`: the engine has a result, or the error instead of one.
Result<> Compile(const std::shared_ptr<grpc::Channel>& channel, const std::string& session_id,
                 const std::map<std::string, std::string>& options, const GatewayAnswer& answer, bool& returned) {
  frontend::GatewayClient client(api::LLBBridge::NewStub(channel), options);
  LOAM_TRY(client.Connect());
  api::ReturnRequest done;
  Result<api::Result> result = answer(client, session_id);
  if (result) {
    *done.mutable_result() = std::move(*result);
  } else {
    done.mutable_error()->set_code(static_cast<std::int32_t>(result.error().code()));
    done.mutable_error()->set_message(result.error().message());
  }
  LOAM_TRY(client.Return(done));
  returned = true;
  return result ? Result<>() : Unexpected(std::move(result).error());
}

}  // namespace

std::string NewReference() {
  std::random_device device;
  std::string text;
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  for (int i = 0; i < 25; ++i) {
    text += kLetters[device() % kLetters.size()];
  }
  return text;
}

Result<Response> SolveOverGateway(GatewaySolve solve, const GatewayAnswer& answer, const std::stop_token& stop) {
  const std::string reference = NewReference();
  const RemoteChannel remote = LOAM_TRY(RemoteChannel::Open(*solve.address, *solve.tls, reference));
  const std::unique_ptr<session::SessionClient> client = LOAM_TRY(session::SessionClient::Open(
      remote.channel(),
      {.services = solve.services, .shared_key = Digest::Of(solve.build_key).Hex(), .outputs = solve.outputs}));
  control::SolveRequest& request = solve.request;
  request.set_ref(reference);
  request.set_session(client->id());
  if (request.exporters_size() == 1) {
    // Daemons of before several exporters read these.
    request.set_exporterdeprecated(request.exporters(0).type());
    *request.mutable_exporterattrsdeprecated() = request.exporters(0).attrs();
  }
  if (solve.entitlements.network_host) {
    request.add_entitlements("network.host");
  }
  if (solve.entitlements.security_insecure) {
    request.add_entitlements("security.insecure");
  }
  if (const auto& devices = solve.entitlements.devices) {
    if (devices->all) {
      request.add_entitlements("device");
    }
    for (const auto& [name, target] : devices->names) {
      request.add_entitlements(target.empty() ? "device=" + name : fmt::format("device={},alias={}", target, name));
    }
  }

  std::optional<StatusFeed> feed;
  if (solve.progress != nullptr) {
    feed.emplace(remote.channel(), reference, std::move(solve.progress));
  }
  std::stop_source either;
  const std::stop_callback by_user(stop, [&] { either.request_stop(); });
  // Blocks until the build has returned its result, and the result is exported.
  std::future<Result<Response>> solved = std::async(std::launch::async, [&]() -> Result<Response> {
    session::CallContext context(either.get_token());
    const auto stub = control::Control::NewStub(remote.channel());
    control::SolveResponse response;
    const grpc::Status status = stub->Solve(context.get(), request, &response);
    if (!status.ok()) {
      return Unexpected(frontend::FromGrpcStatus(status));
    }
    return Response(response.exporterresponse().begin(), response.exporterresponse().end());
  });
  bool returned = false;
  const Result<> compiled = Compile(remote.channel(), client->id(), solve.options, answer, returned);
  if (!compiled && !returned) {
    either.request_stop();  // the engine would wait for a result
  }
  Result<Response> response = solved.get();
  if (feed) {
    feed->Finish();
  }
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  if (!compiled && (returned || response || response.error().Is(ErrorCode::kCanceled))) {
    return Unexpected(WithVertex(compiled.error(), feed));
  }
  if (!response) {
    return Unexpected(WithVertex(std::move(response).error(), feed));
  }
  return response;
}

}  // namespace loam::cli
