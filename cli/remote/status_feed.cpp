#include "cli/remote/status_feed.h"

#include "proto/api/services/control/control.grpc.pb.h"

namespace loam::cli {
namespace {

namespace control = moby::buildkit::v1;

WallTime TimeOf(const wkt::Timestamp& wire) {
  return WallTime(std::chrono::seconds(wire.seconds()) + std::chrono::nanoseconds(wire.nanos()));
}

template <class Message>
std::optional<WallTime> Started(const Message& message) {
  return message.has_started() ? std::optional(TimeOf(message.started())) : std::nullopt;
}
template <class Message>
std::optional<WallTime> Completed(const Message& message) {
  return message.has_completed() ? std::optional(TimeOf(message.completed())) : std::nullopt;
}

// The engine's word for a vertex that was given up because of another.
bool IsCanceled(const std::string& error) {
  return error.find("context canceled") != std::string::npos;
}

}  // namespace

StatusFeed::StatusFeed(const std::shared_ptr<grpc::Channel>& channel, std::string build,
                       std::shared_ptr<solver::ProgressSink> progress)
    : channel_(channel), build_(std::move(build)), progress_(std::move(progress)), thread_([this] { Follow(); }) {}

StatusFeed::~StatusFeed() {
  context_.TryCancel();
}

void StatusFeed::Finish() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void StatusFeed::Follow() {
  const auto stub = control::Control::NewStub(channel_);
  control::StatusRequest request;
  request.set_ref(build_);
  const auto call = stub->Status(&context_, request);
  control::StatusResponse response;
  while (call->Read(&response)) {
    for (const control::Vertex& vertex : response.vertexes()) {
      const auto digest = Digest::Parse(vertex.digest());
      if (!digest) {
        continue;
      }
      solver::VertexEvent event;
      event.digest = *digest;
      event.name = vertex.name();
      for (const std::string& input : vertex.inputs()) {
        if (const auto parsed = Digest::Parse(input)) {
          event.inputs.push_back(*parsed);
        }
      }
      if (vertex.has_progressgroup()) {
        event.progress_group = std::make_shared<const solver::ProgressGroup>(solver::ProgressGroup{
            vertex.progressgroup().id(), vertex.progressgroup().name(), vertex.progressgroup().weak()});
      }
      event.started = Started(vertex);
      event.completed = Completed(vertex);
      event.cached = vertex.cached();
      event.error = IsCanceled(vertex.error()) ? "context canceled" : vertex.error();
      if (!vertex.error().empty() && !IsCanceled(vertex.error()) && !failure_) {
        failure_ = Failure{event.digest, event.name};
      }
      progress_->OnEvent(std::move(event));
    }
    for (const control::VertexStatus& status : response.statuses()) {
      if (const auto digest = Digest::Parse(status.vertex())) {
        progress_->OnEvent(solver::StatusEvent{.vertex = *digest,
                                               .id = status.id(),
                                               .current = status.current(),
                                               .total = status.total(),
                                               .timestamp = TimeOf(status.timestamp()),
                                               .started = Started(status),
                                               .completed = Completed(status)});
      }
    }
    for (const control::VertexLog& log : response.logs()) {
      if (const auto digest = Digest::Parse(log.vertex())) {
        progress_->OnEvent(
            solver::LogEvent{.vertex = *digest,
                             .stream = log.stream() == 2 ? solver::LogStream::kStderr : solver::LogStream::kStdout,
                             .data = log.msg(),
                             .timestamp = TimeOf(log.timestamp())});
      }
    }
  }
  static_cast<void>(call->Finish());  // the build's own call has the error
}

}  // namespace loam::cli
