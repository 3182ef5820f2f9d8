// A build as spans of OpenTelemetry: one for the build, one for each vertex that did something.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "proto/opentelemetry/proto/trace/v1/trace.pb.h"
#include "runtime-executor/daemon/build_status.h"

namespace loam::daemon {

// Where a caller stands in its trace: ids of 16 and 8 bytes.
struct TraceContext {
  std::string trace_id;
  std::string span_id;
};

// The W3C header `traceparent` ("00-<trace>-<span>-01"); nullopt if it is none.
std::optional<TraceContext> ParseTraceParent(std::string_view header);

struct BuildTraceOptions {
  // The caller's; a trace of its own begins without.
  std::optional<TraceContext> parent;
  std::string ref;
  WallTime started;
  WallTime completed;
  // Empty if the build succeeded.
  std::string error;
};

opentelemetry::proto::trace::v1::ResourceSpans TraceOf(BuildStatus& status, const BuildTraceOptions& options);

// The spans as BuildKit keeps them in its history: one JSON object a line.
std::string TraceJson(const opentelemetry::proto::trace::v1::ResourceSpans& spans);
inline constexpr std::string_view kTraceJsonType = "application/vnd.buildkit.otlp.json.v0";

}  // namespace loam::daemon
