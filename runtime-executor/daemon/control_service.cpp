#include "runtime-executor/daemon/control_service.h"

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/strings.h"
#include "proto/api/services/control/control.grpc.pb.h"
#include "runtime-executor/daemon/blocking_call.h"
#include "runtime-executor/daemon/build_record.h"
#include "runtime-executor/daemon/build_status.h"
#include "runtime-executor/daemon/content_service.h"
#include "runtime-executor/daemon/provenance_environment.h"
#include "runtime-executor/daemon/solve_request.h"
#include "runtime-executor/daemon/usage_records.h"
#include "runtime-executor/gateway/bridge/bridge_service.h"
#include "runtime-executor/gateway/bridge/error_status.h"
#include "runtime-executor/session/remote/session_manager.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;
using gateway::ToWireStatus;

constexpr std::chrono::milliseconds kStatusPatience{6000};
constexpr std::uint64_t kMaxLogs = std::uint64_t{4} << 30;

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
    } else if (name == session::kSessionHealthHeader) {
      header.health_timeout = std::chrono::milliseconds(std::strtoll(text.c_str(), nullptr, 10));
    }
  }
  return header;
}

std::optional<TraceContext> TraceParentOf(const grpc::CallbackServerContext& context) {
  const auto header = context.client_metadata().find("traceparent");
  return header == context.client_metadata().end()
             ? std::nullopt
             : ParseTraceParent(std::string_view(header->second.data(), header->second.size()));
}

void SetVersion(control::types::BuildkitVersion& version) {
  version.set_package("loam");
  version.set_version("v" LOAM_VERSION);
  version.set_dockerfileversion(std::string(kDockerfileVersion));
}

// BuildKit gives what fails in a build no code, and its clients would print one before the message.
Error AsBuildFailure(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kCanceled:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnimplemented:
    case ErrorCode::kInternal:
    case ErrorCode::kUnknown:
      return error;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kAborted:
    case ErrorCode::kOutOfRange:
    case ErrorCode::kUnavailable:
    case ErrorCode::kDataLoss:
    case ErrorCode::kUnauthenticated:
      break;
  }
  Error plain(ErrorCode::kUnknown, error.message());
  if (!error.hint().empty()) {
    plain = std::move(plain).WithHint(error.hint());
  }
  return error.detail() == nullptr ? plain : std::move(plain).WithDetail(error.detail());
}

}  // namespace

// Calls that last have to hear of clients that leave.
using ControlBase = control::Control::WithCallbackMethod_Solve<
    control::Control::WithCallbackMethod_Status<control::Control::WithCallbackMethod_ListenBuildHistory<
        control::Control::WithCallbackMethod_Prune<control::Control::Service>>>>;
using StatusCall = StreamCall<control::StatusResponse>;
using PruneCall = StreamCall<control::UsageRecord>;
using HistoryCall = StreamCall<control::BuildHistoryEvent>;

class ControlServices::State final : public ControlBase {
 public:
  using ControlBase::ListenBuildHistory;
  using ControlBase::Prune;
  using ControlBase::Solve;
  using ControlBase::Status;

  explicit State(ControlOptions options) : options_(std::move(options)), stops_(stop_.get_token()) {
    services_.engine = options_.engine;
    services_.sessions = &sessions_;
    services_.bridge_builds = &bridge_builds_;
    services_.allowed_entitlements = options_.allowed_entitlements;
    services_.step_proxies = options_.step_proxies;
    services_.proxy_network = options_.proxy_network;
    services_.frontends = options_.frontends;
    services_.requests = &requests_;
    services_.worker = {options_.worker_id, options_.worker_labels, options_.platforms};
    bridge_ = gateway::MakeBridgeService([this](const std::string& build_id) { return bridge_builds_.Find(build_id); });
    content_ = MakeContentService({&options_.engine->content(), &options_.history->blobs()});
    traces_ = MakeTraceService(options_.traces);
  }

  [[nodiscard]] std::vector<grpc::Service*> services() { return {this, bridge_.get(), content_.get(), traces_.get()}; }

  bool Drain(std::chrono::nanoseconds patience, std::stop_token stop) {
    std::unique_lock lock(builds_mutex_);
    draining_ = true;
    const auto idle = [this] { return running_builds_ == 0; };
    return patience.count() == 0 ? builds_changed_.wait(lock, std::move(stop), idle)
                                 : builds_changed_.wait_for(lock, std::move(stop), patience, idle);
  }
  void Stop() {
    {
      const std::lock_guard lock(builds_mutex_);
      draining_ = true;
    }
    stop_.request_stop();
    std::unique_lock lock(builds_mutex_);
    builds_changed_.wait(lock, [this] { return running_builds_ == 0; });
  }

  grpc::ServerUnaryReactor* Solve(grpc::CallbackServerContext* context, const control::SolveRequest* request,
                                  control::SolveResponse* response) override {
    return new UnaryCall(stops_,
                         [=, this](std::stop_token stop) { return Solve(*context, *request, *response, stop); });
  }

  grpc::Status Solve(const grpc::CallbackServerContext& context, const control::SolveRequest& request,
                     control::SolveResponse& response, const std::stop_token& stop) {
    const Running running(*this);
    if (!running.admitted()) {
      return {grpc::StatusCode::UNAVAILABLE, "the daemon is stopping"};
    }
    Result<std::shared_ptr<BuildStatus>> status = hub_.Start(request.ref());
    if (!status) {
      return ToWireStatus(status.error());
    }
    std::optional<BuildRecording> recording;
    if (!request.internal()) {
      recording.emplace(
          BuildRecording::Parts{options_.history, &options_.engine->content(), options_.traces, TraceParentOf(context)},
          request);
    }
    options_.log->Debug("build starts", {{"ref", request.ref()}});
    SolveEvents events;
    if (recording) {
      events.exported = [&recording](int index, const std::map<std::string, std::string>& made) {
        return recording->Exported(index, made);
      };
      events.done = [&recording](const std::map<std::string, std::string>& provenance) {
        return recording->Explained(provenance);
      };
    }
    const auto result = RunSolve(services_, request, *status, events, stop);
    grpc::Status answer = result ? grpc::Status::OK : ToWireStatus(AsBuildFailure(result.error()));
    if (result) {
      response.mutable_exporterresponse()->insert(result->begin(), result->end());
    } else {
      options_.log->Error("build failed", {{"ref", request.ref()}, {"error", answer.error_message()}});
    }
    AfterEnd after = AfterEnd::kInHub;
    if (recording) {
      const Result<> recorded =
          recording->Finish(**status, result ? *result : std::map<std::string, std::string>(), answer);
      after = recorded ? AfterEnd::kInHistory : AfterEnd::kInHub;
      if (!recorded && answer.ok()) {
        answer = ToWireStatus(recorded.error().Wrap("the build succeeded, but its history could not be written"));
      }
    }
    hub_.End(request.ref(), after);
    options_.collector->BuildEnded();
    return answer;
  }

  grpc::ServerWriteReactor<control::StatusResponse>* Status(grpc::CallbackServerContext*,
                                                            const control::StatusRequest* request) override {
    return new StatusCall(stops_, [request, this](StatusCall& writer, std::stop_token stop) {
      return Status(request->ref(), writer, stop);
    });
  }

  grpc::Status Status(const std::string& ref, StatusCall& writer, const std::stop_token& stop) {
    if (hub_.Find(ref) == nullptr) {
      if (const auto replayed = ReplayLogs(ref, writer)) {
        return *replayed;
      }
    }
    const Result<std::shared_ptr<BuildStatus>> status = hub_.Wait(ref, kStatusPatience, stop);
    if (!status) {
      return ToWireStatus(status.error());
    }
    if (*status == nullptr) {
      return ReplayLogs(ref, writer).value_or(grpc::Status(grpc::StatusCode::NOT_FOUND, "no such job " + ref));
    }
    std::size_t position = 0;
    control::StatusResponse response;
    while ((*status)->Next(position, response, stop)) {
      if (!writer.Write(response)) {
        return grpc::Status::CANCELLED;
      }
      response.Clear();
    }
    return grpc::Status::OK;
  }

  grpc::Status Session(grpc::ServerContext* context, SessionStream::Call* call) override {
    SessionStream stream(*context, *call);
    call->SendInitialMetadata();
    return ToWireStatus(sessions_.Serve(ReadHeader(*context), stream, stop_.get_token()));
  }

  grpc::Status ListWorkers(grpc::ServerContext*, const control::ListWorkersRequest* request,
                           control::ListWorkersResponse* response) override {
    const auto filter = Filter::Parse(std::vector<std::string>(request->filter().begin(), request->filter().end()));
    if (!filter) {
      return ToWireStatus(filter.error());
    }
    if (!filter->Matches([this](std::span<const std::string> path) { return WorkerField(path); })) {
      return grpc::Status::OK;
    }
    auto& record = *response->add_record();
    record.set_id(options_.worker_id);
    record.mutable_labels()->insert(options_.worker_labels.begin(), options_.worker_labels.end());
    for (const Platform& platform : options_.platforms) {
      pb::Platform& wire = *record.add_platforms();
      wire.set_os(platform.os);
      wire.set_architecture(platform.architecture);
      wire.set_variant(platform.variant);
    }
    for (const GcRule& rule : options_.gc_policy) {
      control::types::GCPolicy& wire = *record.add_gcpolicy();
      wire.set_all(rule.all);
      wire.mutable_filters()->Assign(rule.filters.begin(), rule.filters.end());
      wire.set_keepduration(rule.keep_duration.count());
      wire.set_reservedspace(rule.reserved);
      wire.set_maxusedspace(rule.max_used);
      wire.set_minfreespace(rule.min_free);
    }
    SetVersion(*record.mutable_buildkitversion());
    const cdi::Devices& devices = options_.engine->devices();
    for (const cdi::Device& device : devices.List()) {
      control::types::CDIDevice& wire = *record.add_cdidevices();
      wire.set_name(device.name);
      wire.set_autoallow(devices.IsAutoAllowed(device));
      wire.mutable_annotations()->insert(device.annotations.begin(), device.annotations.end());
    }
    return grpc::Status::OK;
  }

  grpc::Status Info(grpc::ServerContext*, const control::InfoRequest*, control::InfoResponse* response) override {
    SetVersion(*response->mutable_buildkitversion());
    return grpc::Status::OK;
  }

  grpc::Status DiskUsage(grpc::ServerContext*, const control::DiskUsageRequest* request,
                         control::DiskUsageResponse* response) override {
    const auto filter = Filter::Parse(std::vector<std::string>(request->filter().begin(), request->filter().end()));
    if (!filter) {
      return ToWireStatus(filter.error().Wrap("failed to parse diskusage filters"));
    }
    const auto units = options_.engine->CacheUnits();
    if (!units) {
      return ToWireStatus(units.error());
    }
    const WallTime newest = SystemClock().Now() - std::chrono::nanoseconds(request->agelimit());
    for (const engine::CacheUnit& unit : *units) {
      const bool too_new = request->agelimit() > 0 && unit.last_used && *unit.last_used > newest;
      if (!too_new && Matches(*filter, unit)) {
        *response->add_record() = ToUsageRecord(unit);
      }
    }
    return grpc::Status::OK;
  }

  grpc::ServerWriteReactor<control::UsageRecord>* Prune(grpc::CallbackServerContext*,
                                                        const control::PruneRequest* request) override {
    return new PruneCall(
        stops_, [request, this](PruneCall& writer, std::stop_token stop) { return Prune(*request, writer, stop); });
  }

  grpc::Status Prune(const control::PruneRequest& request, PruneCall& writer, const std::stop_token& stop) {
    const auto rule = ToPruneRule({.all = request.all(),
                                   .filters = {request.filter().begin(), request.filter().end()},
                                   .keep_duration = std::chrono::nanoseconds(request.keepduration()),
                                   .reserved = request.reservedspace(),
                                   .max_used = request.maxusedspace(),
                                   .min_free = request.minfreespace()});
    if (!rule) {
      return ToWireStatus(rule.error());
    }
    // Sent afterwards: a client that does not read must not hold up other collections.
    std::vector<control::UsageRecord> removed;
    const Result<> pruned = options_.engine->PruneCache(
        std::span(&*rule, 1), [&](const engine::CacheUnit& unit) { removed.push_back(ToUsageRecord(unit)); }, stop);
    for (const control::UsageRecord& record : removed) {
      if (!writer.Write(record)) {
        return grpc::Status::CANCELLED;
      }
    }
    return ToWireStatus(pruned);
  }

  grpc::ServerWriteReactor<control::BuildHistoryEvent>* ListenBuildHistory(
      grpc::CallbackServerContext*, const control::BuildHistoryRequest* request) override {
    auto* const call = new HistoryCall(stops_, [request, this](HistoryCall& writer, std::stop_token stop) {
      writer.StartSendInitialMetadata();
      return ToWireStatus(options_.history->Listen(
          *request, [&writer](const control::BuildHistoryEvent& event) { return writer.Write(event); }, stop));
    });
    return call;
  }

  grpc::Status UpdateBuildHistory(grpc::ServerContext*, const control::UpdateBuildHistoryRequest* request,
                                  control::UpdateBuildHistoryResponse*) override {
    if (request->delete_()) {
      return ToWireStatus(options_.history->Delete(request->ref()));
    }
    if (request->finalize()) {
      return grpc::Status::OK;  // records are final when their build ends
    }
    return ToWireStatus(options_.history->SetPinned(request->ref(), request->pinned()));
  }

 private:
  // Counts a build, unless the daemon stops.
  class Running {
   public:
    explicit Running(State& state) : state_(state) {
      const std::lock_guard lock(state_.builds_mutex_);
      admitted_ = !state_.draining_;
      state_.running_builds_ += admitted_ ? 1 : 0;
    }
    ~Running() {
      const std::lock_guard lock(state_.builds_mutex_);
      state_.running_builds_ -= admitted_ ? 1 : 0;
      state_.builds_changed_.notify_all();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    [[nodiscard]] bool admitted() const { return admitted_; }

   private:
    State& state_;
    bool admitted_ = false;
  };

  // "id", "labels.NAME"
  [[nodiscard]] std::optional<std::string> WorkerField(std::span<const std::string> path) const {
    if (path[0] == "id") {
      return options_.worker_id;
    }
    if (path[0] != "labels" || path.size() < 2) {
      return std::nullopt;
    }
    const auto label = options_.worker_labels.find(Join({path.begin() + 1, path.end()}, "."));
    return label == options_.worker_labels.end() ? std::nullopt : std::optional(label->second);
  }

  // The logs of a build that has ended; nullopt if there is none of that ref.
  std::optional<grpc::Status> ReplayLogs(const std::string& ref, StatusCall& writer) {
    const auto record = options_.history->Find(ref);
    if (!record) {
      return ToWireStatus(record.error());
    }
    if (!*record) {
      return std::nullopt;
    }
    const auto digest = Digest::Parse((*record)->logs().digest());
    const auto bytes = digest ? options_.history->blobs().ReadBlob(*digest, kMaxLogs) : Result<std::string>("");
    if (!bytes) {
      return ToWireStatus(bytes.error());
    }
    const bool whole =
        DecodeStatus(*bytes, [&writer](const control::StatusResponse& response) { return writer.Write(response); });
    return whole ? grpc::Status::OK : grpc::Status(grpc::StatusCode::DATA_LOSS, "the logs are damaged");
  }

  const ControlOptions options_;
  std::stop_source stop_;
  CallStops stops_;
  session::SessionManager sessions_;
  StatusHub hub_;
  BridgeBuilds bridge_builds_;
  provenance::RequestRegistry requests_;
  SolveServices services_;
  std::unique_ptr<grpc::Service> bridge_;
  std::unique_ptr<grpc::Service> content_;
  std::unique_ptr<grpc::Service> traces_;
  std::mutex builds_mutex_;  // guards the rest
  std::condition_variable_any builds_changed_;
  bool draining_ = false;
  int running_builds_ = 0;
};

ControlServices::ControlServices(ControlOptions options) : state_(std::make_unique<State>(std::move(options))) {}
ControlServices::~ControlServices() = default;

std::vector<grpc::Service*> ControlServices::services() {
  return state_->services();
}

bool ControlServices::Drain(std::chrono::nanoseconds patience, std::stop_token stop) {
  return state_->Drain(patience, std::move(stop));
}

void ControlServices::Stop() {
  state_->Stop();
}

}  // namespace loam::daemon
