#include "runtime-executor/daemon/trace_exporter.h"

#include <cstdlib>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/strings.h"
#include "proto/opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h"
#include "runtime-executor/registry/http_client.h"

namespace loam::daemon {
namespace {

namespace otlp = opentelemetry::proto::collector::trace::v1;

constexpr std::size_t kMaxQueue = 4096;
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kBatch{200};

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string FirstOf(const char* specific, const char* general) {
  const std::string value = Environment(specific);
  return value.empty() ? Environment(general) : value;
}

}  // namespace

// The other end.
class TraceExporter::Collector {
 public:
  virtual ~Collector() = default;
  virtual Result<> Send(const otlp::ExportTraceServiceRequest& request) = 0;
};

class TraceExporter::GrpcCollector final : public Collector {
 public:
  GrpcCollector(const std::string& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                std::vector<std::pair<std::string, std::string>> headers)
      : stub_(otlp::TraceService::NewStub(grpc::CreateChannel(target, credentials))), headers_(std::move(headers)) {}

  Result<> Send(const otlp::ExportTraceServiceRequest& request) override {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    for (const auto& [name, value] : headers_) {
      context.AddMetadata(name, value);
    }
    otlp::ExportTraceServiceResponse response;
    if (const grpc::Status sent = stub_->Export(&context, request, &response); !sent.ok()) {
      return Unexpected(ErrorCode::kUnavailable, sent.error_message());
    }
    return {};
  }

 private:
  std::unique_ptr<otlp::TraceService::Stub> stub_;
  const std::vector<std::pair<std::string, std::string>> headers_;
};

class TraceExporter::HttpCollector final : public Collector {
 public:
  HttpCollector(std::string url, const std::vector<std::pair<std::string, std::string>>& headers)
      : http_({.user_agent = "loamd", .connect_timeout = kPatience, .stall_timeout = kPatience}), url_(std::move(url)) {
    headers_.emplace_back("Content-Type: application/x-protobuf");
    for (const auto& [name, value] : headers) {
      headers_.push_back(fmt::format("{}: {}", name, value));
    }
  }

  Result<> Send(const otlp::ExportTraceServiceRequest& request) override {
    const std::string body = request.SerializeAsString();
    registry::HttpRequest post;
    post.method = "POST";
    post.url = url_;
    post.headers = headers_;
    post.body = body;
    const registry::HttpResponse answer = LOAM_TRY(http_.Perform(post, {}));
    if (!answer.ok()) {
      return Unexpected(ErrorCode::kUnavailable, fmt::format("{}: HTTP status {}", url_, answer.status));
    }
    return {};
  }

 private:
  registry::HttpClient http_;
  const std::string url_;
  std::vector<std::string> headers_;
};

Result<std::unique_ptr<TraceExporter>> TraceExporter::FromEnvironment(Log& log) {
  const std::string kind = Environment("OTEL_TRACES_EXPORTER");
  // The specific one is the whole URL, the general one is what paths are put after.
  const bool whole = !Environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").empty();
  std::string endpoint = FirstOf("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT");
  if (kind == "none" || endpoint.empty()) {
    return std::unique_ptr<TraceExporter>();
  }
  if (!kind.empty() && kind != "otlp") {
    return Unexpected(ErrorCode::kUnimplemented,
                      fmt::format("OTEL_TRACES_EXPORTER={} is not supported; use otlp", kind));
  }
  const std::string protocol = FirstOf("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL");
  if (!protocol.empty() && protocol != "grpc" && protocol != "http/protobuf") {
    return Unexpected(ErrorCode::kUnimplemented,
                      fmt::format("OTLP by {} is not supported; use grpc or http/protobuf", protocol));
  }
  std::vector<std::pair<std::string, std::string>> headers;
  const std::string header_text = FirstOf("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS");
  for (const std::string_view header : Split(header_text, ',')) {
    if (const auto pair = SplitOnce(header, '=')) {
      headers.emplace_back(ToLowerAscii(TrimSpace(pair->first)), TrimSpace(pair->second));
    }
  }
  if (protocol == "http/protobuf") {
    if (!whole) {
      endpoint += endpoint.ends_with('/') ? "v1/traces" : "/v1/traces";
    }
    return std::unique_ptr<TraceExporter>(
        new TraceExporter(std::make_unique<HttpCollector>(std::move(endpoint), headers), log));
  }
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (endpoint.starts_with("https://")) {
    credentials = grpc::SslCredentials({});
  }
  if (const std::size_t scheme = endpoint.find("://"); scheme != std::string::npos) {
    endpoint = endpoint.starts_with("unix://") ? "unix:" + endpoint.substr(scheme + 3) : endpoint.substr(scheme + 3);
  }
  while (endpoint.ends_with('/')) {
    endpoint.pop_back();
  }
  return std::unique_ptr<TraceExporter>(
      new TraceExporter(std::make_unique<GrpcCollector>(endpoint, credentials, std::move(headers)), log));
}

TraceExporter::TraceExporter(std::unique_ptr<Collector> collector, Log& log)
    : collector_(std::move(collector)), log_(log), thread_([this](const std::stop_token& ended) { Loop(ended); }) {}

TraceExporter::~TraceExporter() = default;

void TraceExporter::Add(ResourceSpans spans) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kMaxQueue) {
      log_.Warning("spans are dropped: the collector of traces does not keep up");
      return;
    }
    queue_.push_back(std::move(spans));
  }
  wake_.notify_one();
}

void TraceExporter::Loop(const std::stop_token& ended) {
  while (true) {
    std::vector<ResourceSpans> batch;
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait(lock, ended, [this] { return !queue_.empty(); })) {
        // Others come with it.
        wake_.wait_for(lock, ended, kBatch, [] { return false; });
      }
      batch.swap(queue_);
    }
    if (batch.empty()) {
      return;
    }
    otlp::ExportTraceServiceRequest request;
    for (ResourceSpans& each : batch) {
      *request.add_resource_spans() = std::move(each);
    }
    if (const auto sent = collector_->Send(request); !sent) {
      log_.Warning("traces could not be sent", {{"error", sent.error().message()}});
    }
  }
}

namespace {

class TraceService final : public otlp::TraceService::Service {
 public:
  explicit TraceService(TraceExporter* exporter) : exporter_(exporter) {}

  grpc::Status Export(grpc::ServerContext*, const otlp::ExportTraceServiceRequest* request,
                      otlp::ExportTraceServiceResponse*) override {
    if (exporter_ != nullptr) {
      for (const auto& spans : request->resource_spans()) {
        exporter_->Add(spans);
      }
    }
    return grpc::Status::OK;
  }

 private:
  TraceExporter* const exporter_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeTraceService(TraceExporter* exporter) {
  return std::make_unique<TraceService>(exporter);
}

}  // namespace loam::daemon
