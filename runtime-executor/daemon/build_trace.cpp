#include "runtime-executor/daemon/build_trace.h"

#include <cstdlib>
#include <map>
#include <random>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "proto/api/services/control/control.pb.h"

namespace loam::daemon {
namespace {

namespace otel = opentelemetry::proto;

constexpr std::size_t kTraceIdSize = 16;
constexpr std::size_t kSpanIdSize = 8;

// Of lower-case digits, as the header has them.
std::optional<std::string> FromHex(std::string_view hex) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const std::size_t high = kDigits.find(hex[i]);
    const std::size_t low = kDigits.find(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return std::nullopt;
    }
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string ToHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

// Ids that no other trace has. Seeded once a trace: asking the machine for each costs more than the spans.
class RandomIds {
 public:
  std::string Next(std::size_t size) {
    std::string id;
    while (id.size() < size) {
      const std::uint64_t bits = engine_();
      for (std::size_t i = 0; i < sizeof(bits) && id.size() < size; ++i) {
        id += static_cast<char>((bits >> (8 * i)) & 0xff);
      }
    }
    return id;
  }

 private:
  static std::mt19937_64 Seeded() {
    std::random_device random;
    std::seed_seq seed{random(), random(), random(), random()};
    return std::mt19937_64(seed);
  }
  std::mt19937_64 engine_ = Seeded();
};

std::uint64_t Nanoseconds(WallTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}
std::uint64_t Nanoseconds(const wkt::Timestamp& time) {
  return static_cast<std::uint64_t>(time.seconds()) * 1'000'000'000 + static_cast<std::uint64_t>(time.nanos());
}

void AddText(google::protobuf::RepeatedPtrField<otel::common::v1::KeyValue>& attributes, const std::string& key,
             const std::string& value) {
  auto& attribute = *attributes.Add();
  attribute.set_key(key);
  attribute.mutable_value()->set_string_value(value);
}

void SetError(otel::trace::v1::Span& span, const std::string& error) {
  if (!error.empty()) {
    span.mutable_status()->set_code(otel::trace::v1::Status::STATUS_CODE_ERROR);
    span.mutable_status()->set_message(error);
  }
}

std::string Quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string ValueJson(const otel::common::v1::AnyValue& value) {
  switch (value.value_case()) {
    case otel::common::v1::AnyValue::kBoolValue:
      return fmt::format(R"({{"Type":"BOOL","Value":{}}})", value.bool_value());
    case otel::common::v1::AnyValue::kIntValue:
      return fmt::format(R"({{"Type":"INT64","Value":{}}})", value.int_value());
    case otel::common::v1::AnyValue::kDoubleValue:
      return fmt::format(R"({{"Type":"FLOAT64","Value":{}}})", value.double_value());
    default:
      return fmt::format(R"({{"Type":"STRING","Value":{}}})", Quoted(value.string_value()));
  }
}

std::string AttributesJson(const google::protobuf::RepeatedPtrField<otel::common::v1::KeyValue>& attributes) {
  std::string list;
  for (const auto& attribute : attributes) {
    list += fmt::format(R"({}{{"Key":{},"Value":{}}})", list.empty() ? "" : ",", Quoted(attribute.key()),
                        ValueJson(attribute.value()));
  }
  return "[" + list + "]";
}

std::string ContextJson(const std::string& trace_id, const std::string& span_id) {
  return fmt::format(R"({{"TraceID":"{}","SpanID":"{}","TraceFlags":"01","TraceState":"","Remote":false}})",
                     ToHex(trace_id), span_id.empty() ? std::string(2 * kSpanIdSize, '0') : ToHex(span_id));
}

std::string TimeJson(std::uint64_t nanoseconds) {
  return FormatRfc3339(WallTime(std::chrono::nanoseconds(nanoseconds)));
}

}  // namespace

std::optional<TraceContext> ParseTraceParent(std::string_view header) {
  // version-trace-span-flags
  if (header.size() < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-' || header.starts_with("ff")) {
    return std::nullopt;
  }
  const auto trace = FromHex(header.substr(3, 2 * kTraceIdSize));
  const auto span = FromHex(header.substr(36, 2 * kSpanIdSize));
  if (!trace || !span || *trace == std::string(kTraceIdSize, '\0') || *span == std::string(kSpanIdSize, '\0')) {
    return std::nullopt;
  }
  return TraceContext{*trace, *span};
}

otel::trace::v1::ResourceSpans TraceOf(BuildStatus& status, const BuildTraceOptions& options) {
  otel::trace::v1::ResourceSpans result;
  const char* service = std::getenv("OTEL_SERVICE_NAME");
  AddText(*result.mutable_resource()->mutable_attributes(), "service.name", service == nullptr ? "loamd" : service);
  auto& scope = *result.add_scope_spans();
  scope.mutable_scope()->set_name("loam");

  RandomIds ids;
  const std::string trace_id = options.parent ? options.parent->trace_id : ids.Next(kTraceIdSize);
  const std::string root_id = ids.Next(kSpanIdSize);
  auto& root = *scope.add_spans();
  root.set_trace_id(trace_id);
  root.set_span_id(root_id);
  root.set_parent_span_id(options.parent ? options.parent->span_id : "");
  root.set_name("moby.buildkit.v1.Control/Solve");
  root.set_kind(otel::trace::v1::Span::SPAN_KIND_SERVER);
  root.set_start_time_unix_nano(Nanoseconds(options.started));
  root.set_end_time_unix_nano(Nanoseconds(options.completed));
  AddText(*root.mutable_attributes(), "ref", options.ref);
  SetError(root, options.error);

  // The last that was said of each vertex, in the order in which they appeared.
  std::map<std::string, std::size_t> index;
  std::vector<moby::buildkit::v1::Vertex> vertices;
  std::size_t position = 0;
  StatusResponse response;
  while (status.NextIfThere(position, response)) {
    for (const auto& vertex : response.vertexes()) {
      const auto [found, added] = index.emplace(vertex.digest(), vertices.size());
      if (added) {
        vertices.push_back(vertex);
      } else {
        vertices[found->second] = vertex;
      }
    }
    response.Clear();
  }
  for (const auto& vertex : vertices) {
    if (!vertex.has_started() || !vertex.has_completed()) {
      continue;
    }
    auto& span = *scope.add_spans();
    span.set_trace_id(trace_id);
    span.set_span_id(ids.Next(kSpanIdSize));
    span.set_parent_span_id(root_id);
    span.set_name(vertex.name());
    span.set_kind(otel::trace::v1::Span::SPAN_KIND_INTERNAL);
    span.set_start_time_unix_nano(Nanoseconds(vertex.started()));
    span.set_end_time_unix_nano(Nanoseconds(vertex.completed()));
    AddText(*span.mutable_attributes(), "vertex", vertex.digest());
    auto& cached = *span.add_attributes();
    cached.set_key("cached");
    cached.mutable_value()->set_bool_value(vertex.cached());
    SetError(span, vertex.error());
  }
  return result;
}

std::string TraceJson(const otel::trace::v1::ResourceSpans& spans) {
  std::string text;
  const std::string resource = AttributesJson(spans.resource().attributes());
  for (const auto& scope : spans.scope_spans()) {
    const std::string library =
        fmt::format(R"({{"Name":{},"Version":"","SchemaURL":""}})", Quoted(scope.scope().name()));
    for (const auto& span : scope.spans()) {
      const bool failed = span.status().code() == otel::trace::v1::Status::STATUS_CODE_ERROR;
      text += fmt::format(
          R"({{"Name":{},"SpanContext":{},"Parent":{},"SpanKind":{},"StartTime":"{}","EndTime":"{}","Attributes":{},)"
          R"("Events":null,"Links":null,"Status":{{"Code":"{}","Description":{}}},"DroppedAttributes":0,)"
          R"("DroppedEvents":0,"DroppedLinks":0,"ChildSpanCount":0,"Resource":{},"InstrumentationLibrary":{}}})"
          "\n",
          Quoted(span.name()), ContextJson(span.trace_id(), span.span_id()),
          ContextJson(span.trace_id(), span.parent_span_id()), static_cast<int>(span.kind()),
          TimeJson(span.start_time_unix_nano()), TimeJson(span.end_time_unix_nano()), AttributesJson(span.attributes()),
          failed ? "Error" : "Unset", Quoted(span.status().message()), resource, library);
    }
  }
  return text;
}

}  // namespace loam::daemon
