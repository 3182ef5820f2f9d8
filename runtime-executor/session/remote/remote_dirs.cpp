#include "runtime-executor/session/remote/remote_dirs.h"

#include <fcntl.h>

#include <map>
#include <mutex>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/digest.h"
#include "base/file_system.h"
#include "base/pattern_matcher.h"
#include "proto/session/filesync/filesync.grpc.pb.h"
#include "runtime-executor/session/remote/client_dirs.h"
#include "runtime-executor/session/remote/file_sync.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::session {
namespace {

constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::string_view kDiffCopy = "/moby.filesync.v1.FileSync/DiffCopy";

class CallStream final : public PacketStream {
 public:
  using Call = grpc::ClientReaderWriter<fsutil::types::Packet, fsutil::types::Packet>;
  explicit CallStream(Call& call) : call_(call) {}
  bool Read(fsutil::types::Packet& packet) override {
    ended_ = !call_.Read(&packet);
    return !ended_;
  }
  bool Write(const fsutil::types::Packet& packet) override { return call_.Write(packet); }
  // The client has ended the stream: its status says why.
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  Call& call_;
  bool ended_ = false;
};

class RemoteDirs final : public LocalDirs {
 public:
  explicit RemoteDirs(const RemoteClientOptions& options) : options_(options) {}

  Result<LocalDir> Open(const LocalDirRequest& request, std::stop_token stop) override {
    // As upstream: where the session that is asked for is not there, or has no such directory, the build's is asked.
    if (!request.session_id.empty() && request.session_id != options_.session_id) {
      if (const auto other = options_.sessions->Get(request.session_id, kPatience, stop)) {
        Result<LocalDir> opened = OpenIn(**other, request, stop);
        if (opened || !opened.error().Is(ErrorCode::kNotFound)) {
          return opened;
        }
      }
    }
    return OpenIn(*LOAM_TRY(options_.sessions->Get(options_.session_id, kPatience, stop)), request, stop);
  }

 private:
  struct Transfer {
    std::mutex mutex;
    std::weak_ptr<HeldClientDir> directory;
  };

  Result<LocalDir> OpenIn(const Session& session, const LocalDirRequest& request, const std::stop_token& stop) {
    if (!session.Supports(kDiffCopy)) {
      return Unexpected(ErrorCode::kNotFound, "no local sources enabled");
    }
    const ClientDirKey wanted = KeyOf(session, request);
    const std::shared_ptr<Transfer> transfer =
        TransferOf(fmt::format("{} {} {}", session.id(), wanted.key, wanted.patterns));
    // Whoever asks for the same during the transfer waits for it and shares it.
    const std::lock_guard lock(transfer->mutex);
    if (std::shared_ptr<HeldClientDir> held = transfer->directory.lock()) {
      return DirOf(held);
    }
    auto held = LOAM_TRY(HoldClientDir(options_.directory_cache, wanted));
    LOAM_TRY_CONTEXT(fmt::format("transfer of directory `{}`", request.name),
                     Fetch(session, request, held->path, stop));
    held->directory = LOAM_TRY(OpenFile(held->path, O_PATH | O_DIRECTORY));
    transfer->directory = held;
    return DirOf(held);
  }

  static Result<LocalDir> DirOf(const std::shared_ptr<HeldClientDir>& held) {
    LocalDir dir;
    dir.path = held->path;
    dir.filtered = true;
    dir.keep = held;
    dir.directory = LOAM_TRY(OpenFileAt(held->directory.get(), ".", O_PATH | O_DIRECTORY));
    dir.give_away = [held](const auto& move) { return GiveAwayClientDir(*held, move); };
    return dir;
  }

  // As upstream: a directory is known by who sends it, its name and the frontend's hint, whatever part of it is wanted.
  static ClientDirKey KeyOf(const Session& session, const LocalDirRequest& request) {
    std::string text;
    const auto add = [&text](std::string_view part) { text += fmt::format("{}:{},", part.size(), part); };
    const auto add_list = [&](const std::vector<std::string>& list) {
      text += fmt::format("[{}]", list.size());
      for (const std::string& item : list) {
        add(item);
      }
    };
    ClientDirKey made;
    made.name = request.name;
    // Clients without a key share what has the same name: it is brought up to date anyway.
    add(session.shared_key());
    add(request.name);
    add(request.shared_key_hint);
    if (request.metadata_only) {
      add("metadata");
    }
    made.key = Digest::Of(text).Hex();
    text.clear();
    add_list(request.include_patterns);
    add_list(request.exclude_patterns);
    add_list(request.follow_paths);
    add_list(request.metadata_exceptions);
    made.patterns = Digest::Of(text).Hex();
    return made;
  }

  std::shared_ptr<Transfer> TransferOf(const std::string& key) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Transfer>& transfer = transfers_[key];
    if (transfer == nullptr) {
      transfer = std::make_shared<Transfer>();
    }
    return transfer;
  }

  static Result<> Fetch(const Session& session, const LocalDirRequest& request, const std::string& path,
                        const std::stop_token& stop) {
    const auto stub = moby::filesync::v1::FileSync::NewStub(session.channel());
    CallContext context(stop);
    AddMetadata(*context, "dir-name", {request.name});
    AddMetadata(*context, "include-patterns", request.include_patterns);
    AddMetadata(*context, "exclude-patterns", request.exclude_patterns);
    AddMetadata(*context, "followpaths", request.follow_paths);
    const auto call = stub->DiffCopy(context.get());
    CallStream stream(*call);
    ReceiveOptions options;
    options.refetch = request.refetch;
    const PatternMatcher exceptions = LOAM_TRY(PatternMatcher::Create(request.metadata_exceptions));
    if (request.metadata_only) {
      options.wanted = [&exceptions](const std::string& file) { return exceptions.MatchesOrParentMatches(file); };
    }
    const Result<SyncReport> received = ReceiveTree(stream, path, request.progress, stop, options);
    if (!received && !stream.ended()) {
      context->TryCancel();
    } else {
      call->WritesDone();
    }
    const grpc::Status status = call->Finish();
    if (stop.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    // What the client says is the cause of what the receiver saw.
    if (!status.ok() && !(status.error_code() == grpc::StatusCode::CANCELLED && !received)) {
      return Unexpected(FromGrpcStatus(status, "client"));
    }
    if (!received) {
      return Unexpected(received.error());
    }
    return {};
  }

  const RemoteClientOptions options_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Transfer>> transfers_;
};

}  // namespace

std::shared_ptr<LocalDirs> MakeRemoteDirs(const RemoteClientOptions& options) {
  return std::make_shared<RemoteDirs>(options);
}

}  // namespace loam::session
