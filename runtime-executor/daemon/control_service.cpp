#include "runtime-executor/daemon/control_service.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/strings.h"
#include "proto/api/services/control/control.grpc.pb.h"
#include "runtime-executor/daemon/build_status.h"
#include "runtime-executor/daemon/solve_request.h"
#include "runtime-executor/daemon/wire_time.h"
#include "runtime-executor/gateway/bridge/bridge_service.h"
#include "runtime-executor/session/remote/server_status.h"
#include "runtime-executor/session/remote/session_manager.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;
using session::ToGrpcStatus;

constexpr std::chrono::milliseconds kStatusPatience{6000};
constexpr std::chrono::milliseconds kPoll{50};

// A gRPC session stream as bytes.
class SessionStream final : public session::ByteStream {
 public:
  using Call = grpc::ServerReaderWriter<control::BytesMessage, control::BytesMessage>;
  SessionStream(grpc::ServerContext& context, Call& call) : context_(context), call_(call) {}

  bool Read(std::string& bytes) override {
    control::BytesMessage message;
    if (!call_.Read(&message)) {
      return false;
    }
    bytes = std::move(*message.mutable_data());
    return true;
  }
  bool Write(std::string_view bytes) override {
    control::BytesMessage message;
    message.set_data(bytes.data(), bytes.size());
    return call_.Write(message);
  }
  void Cancel() override { context_.TryCancel(); }

 private:
  grpc::ServerContext& context_;
  Call& call_;
};

session::SessionHeader ReadHeader(const grpc::ServerContext& context) {
  session::SessionHeader header;
  for (const auto& [key, value] : context.client_metadata()) {
    const std::string_view name(key.data(), key.size());
    const std::string text(value.data(), value.size());
    if (name == session::kSessionIdHeader) {
      header.id = text;
    } else if (name == session::kSessionSharedKeyHeader) {
      header.shared_key = text;
    } else if (name == session::kSessionMethodHeader) {
      header.methods.insert(ToLowerAscii(text));
    }
  }
  return header;
}

std::string_view RecordType(engine::DiskUsageEntry::Kind kind) {
  switch (kind) {
    case engine::DiskUsageEntry::Kind::kCacheRecord:
    case engine::DiskUsageEntry::Kind::kLayer:
    case engine::DiskUsageEntry::Kind::kContent:
    case engine::DiskUsageEntry::Kind::kImage:
      return "regular";
    case engine::DiskUsageEntry::Kind::kCacheMount:
      return "exec.cachemount";
  }
  return "regular";
}

void SetUsage(const engine::DiskUsageEntry& entry, control::UsageRecord& record) {
  record.set_id(entry.id);
  record.set_mutable_(entry.kind == engine::DiskUsageEntry::Kind::kCacheMount);
  record.set_inuse(entry.in_use);
  record.set_size(entry.size);
  record.set_description(entry.description);
  record.set_recordtype(std::string(RecordType(entry.kind)));
  record.set_usagecount(entry.usage_count);
  SetTime(entry.created, record, &control::UsageRecord::mutable_createdat);
  SetTime(entry.last_used, record, &control::UsageRecord::mutable_lastusedat);
}

}  // namespace

class ControlServices::State final : public control::Control::Service {
 public:
  explicit State(ControlOptions options) : options_(std::move(options)) {
    services_.engine = options_.engine;
    services_.sessions = &sessions_;
    services_.bridge_builds = &bridge_builds_;
    services_.allowed_entitlements = options_.allowed_entitlements;
    bridge_ = gateway::MakeBridgeService([this](const std::string& build_id) { return bridge_builds_.Find(build_id); });
  }

  [[nodiscard]] std::vector<grpc::Service*> services() { return {this, bridge_.get()}; }
  void Stop() { stop_.request_stop(); }

  grpc::Status Solve(grpc::ServerContext* context, const control::SolveRequest* request,
                     control::SolveResponse* response) override {
    Result<std::shared_ptr<BuildStatus>> status = hub_.Start(request->ref());
    if (!status) {
      return ToGrpcStatus(status.error());
    }
    const CallStop call(*context, stop_.get_token());
    const auto result = RunSolve(services_, *request, *status, call.token());
    hub_.End(request->ref());
    if (!result) {
      return ToGrpcStatus(result.error());
    }
    response->mutable_exporterresponse()->insert(result->begin(), result->end());
    return grpc::Status::OK;
  }

  grpc::Status Status(grpc::ServerContext* context, const control::StatusRequest* request,
                      grpc::ServerWriter<control::StatusResponse>* writer) override {
    const CallStop call(*context, stop_.get_token());
    const Result<std::shared_ptr<BuildStatus>> status = hub_.Wait(request->ref(), kStatusPatience, call.token());
    if (!status) {
      return ToGrpcStatus(status.error());
    }
    std::size_t position = 0;
    control::StatusResponse response;
    while ((*status)->Next(position, response, call.token())) {
      if (!writer->Write(response)) {
        return grpc::Status::CANCELLED;
      }
      response.Clear();
    }
    return grpc::Status::OK;
  }

  grpc::Status Session(grpc::ServerContext* context, SessionStream::Call* call) override {
    SessionStream stream(*context, *call);
    call->SendInitialMetadata();
    return ToGrpcStatus(sessions_.Serve(ReadHeader(*context), stream, stop_.get_token()));
  }

  grpc::Status ListWorkers(grpc::ServerContext*, const control::ListWorkersRequest*,
                           control::ListWorkersResponse* response) override {
    auto& record = *response->add_record();
    record.set_id(options_.worker_id);
    record.mutable_labels()->insert(options_.worker_labels.begin(), options_.worker_labels.end());
    for (const Platform& platform : options_.platforms) {
      pb::Platform& wire = *record.add_platforms();
      wire.set_os(platform.os);
      wire.set_architecture(platform.architecture);
      wire.set_variant(platform.variant);
    }
    SetVersion(*record.mutable_buildkitversion());
    return grpc::Status::OK;
  }

  grpc::Status Info(grpc::ServerContext*, const control::InfoRequest*, control::InfoResponse* response) override {
    SetVersion(*response->mutable_buildkitversion());
    return grpc::Status::OK;
  }

  grpc::Status DiskUsage(grpc::ServerContext*, const control::DiskUsageRequest* request,
                         control::DiskUsageResponse* response) override {
    if (request->filter_size() != 0) {
      return {grpc::StatusCode::UNIMPLEMENTED, "filters of disk usage are not supported yet"};
    }
    const auto entries = options_.engine->DiskUsage();
    if (!entries) {
      return ToGrpcStatus(entries.error());
    }
    for (const engine::DiskUsageEntry& entry : *entries) {
      SetUsage(entry, *response->add_record());
    }
    return grpc::Status::OK;
  }

  grpc::Status Prune(grpc::ServerContext*, const control::PruneRequest* request,
                     grpc::ServerWriter<control::UsageRecord>* writer) override {
    if (request->filter_size() != 0) {
      return {grpc::StatusCode::UNIMPLEMENTED, "filters of prune are not supported yet"};
    }
    engine::PruneOptions options;
    options.all = true;
    options.cache_mounts = true;
    if (request->keepduration() > 0) {
      options.unused_for = std::chrono::seconds(request->keepduration() / 1'000'000'000);
    }
    const std::int64_t keep = std::max(request->maxusedspace(), request->reservedspace());
    if (keep > 0) {
      options.keep_bytes = keep;
    }
    const auto report = options_.engine->Prune(options);
    if (!report) {
      return ToGrpcStatus(report.error());
    }
    for (const engine::DiskUsageEntry& entry : report->removed) {
      control::UsageRecord record;
      SetUsage(entry, record);
      if (!writer->Write(record)) {
        return grpc::Status::CANCELLED;
      }
    }
    return grpc::Status::OK;
  }

 private:
  // Stops when the client goes away or the daemon stops.
  class CallStop {
   public:
    CallStop(grpc::ServerContext& context, std::stop_token daemon)
        : on_daemon_stop_(std::move(daemon), [this] { source_.request_stop(); }),
          watcher_([this, &context](const std::stop_token& ended) {
            // The synchronous API has no callback for a client that went away.
            std::unique_lock lock(mutex_);
            while (!ended.stop_requested()) {
              if (context.IsCancelled()) {
                source_.request_stop();
                return;
              }
              wake_.wait_for(lock, ended, kPoll, [] { return false; });
            }
          }) {}
    [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

   private:
    std::stop_source source_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::stop_callback<std::function<void()>> on_daemon_stop_;
    std::jthread watcher_;
  };

  static void SetVersion(control::types::BuildkitVersion& version) {
    version.set_package("loam");
    version.set_version("v" LOAM_VERSION);
    version.set_dockerfileversion("1.26.0");
  }

  const ControlOptions options_;
  std::stop_source stop_;
  session::SessionManager sessions_;
  StatusHub hub_;
  BridgeBuilds bridge_builds_;
  SolveServices services_;
  std::unique_ptr<grpc::Service> bridge_;
};

ControlServices::ControlServices(ControlOptions options) : state_(std::make_unique<State>(std::move(options))) {}
ControlServices::~ControlServices() = default;

std::vector<grpc::Service*> ControlServices::services() {
  return state_->services();
}

void ControlServices::Stop() {
  state_->Stop();
}

}  // namespace loam::daemon
