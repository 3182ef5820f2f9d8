#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <future>

#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "proto/opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h"
#include "runtime-executor/daemon/build_trace.h"
#include "tests/unit/runtime-executor/daemon/daemon_under_test.h"

namespace loam::daemon {
namespace {

namespace otlp = opentelemetry::proto::collector::trace::v1;
using opentelemetry::proto::trace::v1::Span;
using testing::HasSubstr;

const std::string kTrace = "0123456789abcdef0123456789abcdef";
const std::string kSpan = "fedcba9876543210";

TEST(TraceParentTest, Header) {
  const auto context = ParseTraceParent("00-" + kTrace + "-" + kSpan + "-01");
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id.size(), 16U);
  EXPECT_EQ(context->span_id, "\xfe\xdc\xba\x98\x76\x54\x32\x10");
  for (const std::string& header :
       {std::string(), "00-" + kTrace + "-" + kSpan, "00-" + kTrace + "x" + kSpan + "-01",
        "00-" + std::string(32, '0') + "-" + kSpan + "-01", "00-" + std::string(32, 'X') + "-" + kSpan + "-01"}) {
    EXPECT_FALSE(ParseTraceParent(header)) << header;
  }
}

// A collector that keeps what it gets.
class FakeCollector final : public otlp::TraceService::Service {
 public:
  explicit FakeCollector(const std::string& socket) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  grpc::Status Export(grpc::ServerContext*, const otlp::ExportTraceServiceRequest* request,
                      otlp::ExportTraceServiceResponse*) override {
    const std::lock_guard lock(mutex_);
    for (const auto& resource : request->resource_spans()) {
      for (const auto& scope : resource.scope_spans()) {
        spans_.insert(spans_.end(), scope.spans().begin(), scope.spans().end());
      }
    }
    changed_.notify_all();
    return grpc::Status::OK;
  }
  // Waits until `count` have come.
  std::vector<Span> Wait(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return spans_.size() >= count; });
    return spans_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Span> spans_;
  std::unique_ptr<grpc::Server> server_;
};

class TraceTest : public DaemonTest {
 protected:
  void TearDown() override { unsetenv("OTEL_EXPORTER_OTLP_ENDPOINT"); }
};

TEST_F(TraceTest, BuildsAndClientsSpansReachTheCollector) {
  FakeCollector collector(directory_.Child("collector.sock"));
  setenv("OTEL_EXPORTER_OTLP_ENDPOINT", ("unix://" + directory_.Child("collector.sock")).c_str(), 1);
  Config config;
  config.otel_socket = directory_.Child("otel.sock");
  Start(config);

  grpc::ClientContext context;
  context.AddMetadata("traceparent", "00-" + kTrace + "-" + kSpan + "-01");
  moby::buildkit::v1::SolveRequest request;
  request.set_ref("traced");
  *request.mutable_definition() = Files().Make("/a", "x").Definition();
  moby::buildkit::v1::SolveResponse response;
  ASSERT_TRUE(stub_->Solve(&context, request, &response).ok());

  const auto spans = collector.Wait(2);
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].name(), "moby.buildkit.v1.Control/Solve");
  EXPECT_EQ(spans[0].parent_span_id(), "\xfe\xdc\xba\x98\x76\x54\x32\x10");
  EXPECT_EQ(spans[1].parent_span_id(), spans[0].span_id());
  EXPECT_EQ(spans[1].trace_id(), spans[0].trace_id());
  EXPECT_THAT(spans[1].name(), HasSubstr("mkfile"));
  EXPECT_LE(spans[1].start_time_unix_nano(), spans[1].end_time_unix_nano());

  for (const std::string& path : {socket(), config.otel_socket}) {
    const auto stub =
        otlp::TraceService::NewStub(grpc::CreateChannel("unix:" + path, grpc::InsecureChannelCredentials()));
    grpc::ClientContext client;
    otlp::ExportTraceServiceRequest own;
    own.add_resource_spans()->add_scope_spans()->add_spans()->set_name("client");
    otlp::ExportTraceServiceResponse unused;
    EXPECT_TRUE(stub->Export(&client, own, &unused).ok());
  }
  EXPECT_EQ(collector.Wait(4).size(), 4U);
}

TEST_F(TraceTest, CollectorsThatSpeakHttp) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  setenv("OTEL_EXPORTER_OTLP_ENDPOINT", ("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port))).c_str(), 1);
  setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", 1);
  setenv("OTEL_EXPORTER_OTLP_HEADERS", "X-Key=secret", 1);
  auto exporter = TraceExporter::FromEnvironment(log_);
  unsetenv("OTEL_EXPORTER_OTLP_PROTOCOL");
  unsetenv("OTEL_EXPORTER_OTLP_HEADERS");
  ASSERT_TRUE(exporter) << exporter.error().message();
  opentelemetry::proto::trace::v1::ResourceSpans spans;
  spans.add_scope_spans()->add_spans()->set_name("RUN make");
  (*exporter)->Add(spans);

  const UniqueFd connection(::accept(listener.get(), nullptr, nullptr));
  std::string got;
  std::size_t head = std::string::npos;
  std::size_t length = 0;
  while (head == std::string::npos || got.size() < head + 4 + length) {
    char buffer[4096];
    const ssize_t count = ::read(connection.get(), buffer, sizeof buffer);
    ASSERT_GT(count, 0);
    got.append(buffer, static_cast<std::size_t>(count));
    head = got.find("\r\n\r\n");
    if (const std::size_t at = got.find("Content-Length: "); head != std::string::npos && at != std::string::npos) {
      length = std::stoul(got.substr(at + 16));
    }
  }
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  ASSERT_EQ(::write(connection.get(), answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
  EXPECT_TRUE(got.starts_with("POST /v1/traces HTTP/1.1\r\n")) << got;
  EXPECT_THAT(got, HasSubstr("application/x-protobuf"));
  EXPECT_THAT(got, HasSubstr("x-key: secret"));
  otlp::ExportTraceServiceRequest request;
  ASSERT_TRUE(request.ParseFromString(got.substr(head + 4)));
  EXPECT_EQ(request.resource_spans(0).scope_spans(0).spans(0).name(), "RUN make");
}

TEST_F(TraceTest, SettingsThatCannotBe) {
  setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", 1);
  setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", 1);
  const auto exporter = TraceExporter::FromEnvironment(log_);
  unsetenv("OTEL_EXPORTER_OTLP_PROTOCOL");
  ASSERT_FALSE(exporter);
  EXPECT_THAT(exporter.error().message(), HasSubstr("http/json is not supported"));
}

TEST(TraceJsonTest, OneSpanALine) {
  opentelemetry::proto::trace::v1::ResourceSpans spans;
  auto& span = *spans.add_scope_spans()->add_spans();
  span.set_name("RUN make");
  span.set_trace_id(std::string(16, '\x01'));
  span.set_span_id(std::string(8, '\x02'));
  span.set_end_time_unix_nano(1'500'000'000);
  span.mutable_status()->set_code(opentelemetry::proto::trace::v1::Status::STATUS_CODE_ERROR);
  const auto json = nlohmann::json::parse(TraceJson(spans));
  EXPECT_EQ(json["Name"], "RUN make");
  EXPECT_EQ(json["SpanContext"]["TraceID"], "01010101010101010101010101010101");
  EXPECT_EQ(json["Parent"]["SpanID"], "0000000000000000");
  EXPECT_EQ(json["EndTime"], "1970-01-01T00:00:01.5Z");
  EXPECT_EQ(json["Status"]["Code"], "Error");
}

}  // namespace
}  // namespace loam::daemon
