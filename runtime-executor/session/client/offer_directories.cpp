// FileSync: directories of this machine, seen through the daemon's patterns.
#include <unordered_set>

#include "proto/fsutil/types/wire.pb.h"
#include "proto/session/filesync/filesync.grpc.pb.h"
#include "runtime-executor/session/client/call_metadata.h"
#include "runtime-executor/session/client/offered_services.h"
#include "runtime-executor/session/remote/file_sync.h"
#include "runtime-executor/session/remote/server_status.h"
#include "runtime-executor/snapshot/host_tree.h"

namespace loam::session {
namespace {

using fsutil::types::Packet;

class CallStream final : public PacketStream {
 public:
  explicit CallStream(grpc::ServerReaderWriter<Packet, Packet>& call) : call_(call) {}
  bool Read(Packet& packet) override { return call_.Read(&packet); }
  bool Write(const Packet& packet) override { return call_.Write(packet); }

 private:
  grpc::ServerReaderWriter<Packet, Packet>& call_;
};

class Directories final : public moby::filesync::v1::FileSync::Service {
 public:
  explicit Directories(std::shared_ptr<LocalDirs> directories) : directories_(std::move(directories)) {}

  grpc::Status DiffCopy(grpc::ServerContext* context, grpc::ServerReaderWriter<Packet, Packet>* call) override {
    return ToGrpcStatus(Send(*context, *call));
  }

 private:
  Result<> Send(const grpc::ServerContext& context, grpc::ServerReaderWriter<Packet, Packet>& call) {
    LocalDirRequest request;
    request.name = MetadataValue(context, "dir-name");
    request.include_patterns = MetadataOf(context, "include-patterns");
    request.exclude_patterns = MetadataOf(context, "exclude-patterns");
    request.follow_paths = MetadataOf(context, "followpaths");
    const LocalDir directory = LOAM_TRY(directories_->Open(request));
    SendOptions options;
    options.root_owner = true;
    std::unordered_set<std::string> visible;
    const bool all =
        request.include_patterns.empty() && request.exclude_patterns.empty() && request.follow_paths.empty();
    if (!directory.filtered && !all) {
      const auto tree = LOAM_TRY(snapshot::HostTree::Open(
          directory.path, {request.include_patterns, request.exclude_patterns, request.follow_paths}));
      for (const snapshot::TreeEntry& entry : LOAM_TRY(tree->Entries())) {
        visible.insert(entry.path);
      }
      options.visible = [&visible](const std::string& path) { return visible.contains(path); };
    }
    CallStream stream(call);
    return SendTree(stream, directory.path, {}, options);
  }

  const std::shared_ptr<LocalDirs> directories_;
};

}  // namespace

OfferedService OfferDirectories(std::shared_ptr<LocalDirs> directories) {
  return {std::make_unique<Directories>(std::move(directories)), {"/moby.filesync.v1.FileSync/DiffCopy"}};
}

}  // namespace loam::session
