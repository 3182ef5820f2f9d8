// Traces of OpenTelemetry to a collector (OTLP over gRPC or HTTP), as the environment says:
// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL,
// OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_EXPORTER, OTEL_SERVICE_NAME.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/impl/codegen/service_type.h>

#include "base/result.h"
#include "proto/opentelemetry/proto/trace/v1/trace.pb.h"
#include "runtime-executor/daemon/log.h"

namespace loam::daemon {

// Thread-safe. Spans are sent in the background; more than can be sent are dropped, with a warning.
class TraceExporter {
 public:
  using ResourceSpans = opentelemetry::proto::trace::v1::ResourceSpans;

  // Null if the environment names no collector. kInvalidArgument or kUnimplemented for what cannot be.
  static Result<std::unique_ptr<TraceExporter>> FromEnvironment(Log& log);
  // Sends what is left, for a moment.
  ~TraceExporter();
  TraceExporter(const TraceExporter&) = delete;
  TraceExporter& operator=(const TraceExporter&) = delete;

  void Add(ResourceSpans spans);

 private:
  class Collector;
  class GrpcCollector;
  class HttpCollector;
  TraceExporter(std::unique_ptr<Collector> collector, Log& log);
  void Loop(const std::stop_token& ended);

  const std::unique_ptr<Collector> collector_;
  Log& log_;
  std::mutex mutex_;  // guards queue_
  std::condition_variable_any wake_;
  std::vector<ResourceSpans> queue_;
  std::jthread thread_;
};

// The service by which clients hand their own spans to the daemon, which passes them on. `exporter` may be null: spans
// are accepted and go nowhere.
std::unique_ptr<grpc::Service> MakeTraceService(TraceExporter* exporter);

}  // namespace loam::daemon
