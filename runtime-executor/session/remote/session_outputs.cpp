#include "runtime-executor/session/remote/session_outputs.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "proto/fsutil/types/wire.pb.h"
#include "proto/session/filesync/filesync.grpc.pb.h"
#include "runtime-executor/session/remote/packets_as_bytes.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::session {
namespace {

using moby::filesync::v1::BytesMessage;

constexpr std::string_view kDiffCopy = "/moby.filesync.v1.FileSend/DiffCopy";
constexpr std::size_t kPiece = std::size_t{1} << 20;

Result<> CheckSupport(const Session& session) {
  if (!session.Supports(kDiffCopy)) {
    return Unexpected(ErrorCode::kFailedPrecondition, fmt::format("method {} not supported by the client", kDiffCopy));
  }
  return {};
}

void AddExporter(grpc::ClientContext& context, int exporter_index) {
  AddMetadata(context, "buildkit-attachable-exporter-id", {std::to_string(exporter_index)});
}

// Counts the bytes of files.
class CountedPackets final : public PacketStream {
 public:
  CountedPackets(PacketStream& inner, const std::function<void(std::uint64_t)>& progress)
      : inner_(inner), progress_(progress) {}
  bool Read(fsutil::types::Packet& packet) override { return inner_.Read(packet); }
  bool Write(const fsutil::types::Packet& packet) override {
    if (!inner_.Write(packet)) {
      return false;
    }
    if (progress_ && !packet.data().empty()) {
      progress_(sent_ += packet.data().size());
    }
    return true;
  }

 private:
  PacketStream& inner_;
  const std::function<void(std::uint64_t)>& progress_;
  std::uint64_t sent_ = 0;
};

}  // namespace

Result<> SendFile(const std::shared_ptr<Session>& session, int exporter_index,
                  const std::map<std::string, std::string>& metadata, const UniqueFd& input, std::stop_token stop) {
  LOAM_TRY(CheckSupport(*session));
  const auto stub = moby::filesync::v1::FileSend::NewStub(session->channel());
  CallContext context(stop);
  AddExporter(*context, exporter_index);
  for (const auto& [key, value] : metadata) {
    context->AddMetadata("exporter-md-" + key, value);
  }
  const auto call = stub->DiffCopy(context.get());
  BytesMessage message;
  bool wanted = true;
  while (wanted) {
    std::string& data = *message.mutable_data();
    data.resize(kPiece);
    const ssize_t got = read(input.get(), data.data(), data.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      const auto failed = UnexpectedErrno("read what is exported");
      context->TryCancel();
      call->Finish();
      return failed;
    }
    if (got == 0) {
      break;
    }
    data.resize(static_cast<std::size_t>(got));
    wanted = call->Write(message);
  }
  call->WritesDone();
  while (call->Read(&message)) {
  }
  return CheckGrpcStatus(call->Finish(), "output to the client");
}

Result<> SendDirectory(const std::shared_ptr<Session>& session, int exporter_index, const std::string& directory,
                       std::stop_token stop, const std::function<void(std::uint64_t)>& progress) {
  LOAM_TRY(CheckSupport(*session));
  const auto stub = moby::filesync::v1::FileSend::NewStub(session->channel());
  CallContext context(stop);
  AddExporter(*context, exporter_index);
  AddMetadata(*context, "buildkit-exporter-multi-platform", {"1"});
  const auto call = stub->DiffCopy(context.get());
  PacketsAsBytes packets(*call);
  CountedPackets stream(packets, progress);
  const Result<> sent = SendTree(stream, directory, stop);
  if (!sent) {
    context->TryCancel();
  } else {
    call->WritesDone();
    fsutil::types::Packet rest;
    while (stream.Read(rest)) {
    }
  }
  const grpc::Status status = call->Finish();
  if (!sent && (status.ok() || status.error_code() == grpc::StatusCode::CANCELLED)) {
    return sent;
  }
  return CheckGrpcStatus(status, "output to the client");
}

}  // namespace loam::session
