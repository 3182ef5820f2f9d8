// FileSend: what exporters of the daemon send back: one file, or a tree that is merged into a directory.
#include <fcntl.h>

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "proto/fsutil/types/wire.pb.h"
#include "proto/session/filesync/filesync.grpc.pb.h"
#include "runtime-executor/session/client/call_metadata.h"
#include "runtime-executor/session/client/offered_services.h"
#include "runtime-executor/session/remote/packets_as_bytes.h"
#include "runtime-executor/session/remote/server_status.h"

namespace loam::session {
namespace {

using moby::filesync::v1::BytesMessage;
using Call = grpc::ServerReaderWriter<BytesMessage, BytesMessage>;

class Outputs final : public moby::filesync::v1::FileSend::Service {
 public:
  explicit Outputs(std::vector<SessionOutput> outputs) : outputs_(std::move(outputs)) {}

  grpc::Status DiffCopy(grpc::ServerContext* context, Call* call) override {
    const std::string text = MetadataValue(*context, "buildkit-attachable-exporter-id");
    std::size_t index = 0;
    std::from_chars(text.data(), text.data() + text.size(), index);
    if (index >= outputs_.size()) {
      return {grpc::StatusCode::INVALID_ARGUMENT, fmt::format("there is no output {}", index)};
    }
    const SessionOutput& output = outputs_[index];
    switch (output.kind) {
      case SessionOutput::Kind::kFile:
        return ToGrpcStatus(TakeFile(output, *call));
      case SessionOutput::Kind::kDirectory:
        return ToGrpcStatus(TakeDirectory(output, *call));
      case SessionOutput::Kind::kNone:
        break;
    }
    return {grpc::StatusCode::FAILED_PRECONDITION, fmt::format("output {} is not for this machine", index)};
  }

 private:
  static Result<> TakeFile(const SessionOutput& output, Call& call) {
    std::optional<AtomicFile> file;
    if (output.path != "-") {
      file.emplace(LOAM_TRY(AtomicFile::Create(output.path)));
    }
    BytesMessage message;
    while (call.Read(&message)) {
      LOAM_TRY(WriteAll(file ? file->fd() : output.fd, message.data(), output.path));
    }
    return file ? file->Commit() : Result<>();
  }

  // Received beside the directory, so that one that exists loses nothing.
  static Result<> TakeDirectory(const SessionOutput& output, Call& call) {
    LOAM_TRY(MakeDirs(output.path));
    const TempDir staging = LOAM_TRY(TempDir::Create("", "loam-output-"));
    const std::string received = staging.Child("tree");
    PacketsAsBytes stream(call);
    LOAM_TRY(ReceiveTree(stream, received, {}, {}));
    const UniqueFd from = LOAM_TRY(OpenFile(received, O_RDONLY | O_DIRECTORY));
    const UniqueFd to = LOAM_TRY(OpenFile(output.path, O_RDONLY | O_DIRECTORY));
    return CopyTree(from.get(), to.get(), {});
  }

  const std::vector<SessionOutput> outputs_;
};

}  // namespace

OfferedService TakeOutputs(std::vector<SessionOutput> outputs) {
  return {std::make_unique<Outputs>(std::move(outputs)), {"/moby.filesync.v1.FileSend/DiffCopy"}};
}

}  // namespace loam::session
