#include "runtime-executor/session/remote/file_sync.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/go_file_mode.h"
#include "base/rooted_fs.h"
#include "proto/fsutil/types/stat.pb.h"
#include "proto/fsutil/types/wire.pb.h"

namespace loam::session {
namespace {

using fsutil::types::Packet;
using fsutil::types::Stat;

constexpr std::size_t kDataPiece = std::size_t{256} << 10;

Error ProtocolError(std::string message) {
  return Error(ErrorCode::kInvalidArgument, "file transfer: " + std::move(message));
}

bool HasContents(const Stat& stat) {
  return (stat.mode() & go_file_mode::kType) == 0;
}

// One walk, and then whatever the receiver asks for.
class Sender {
 public:
  Sender(PacketStream& stream, std::string directory, std::stop_token stop, const SendOptions& options)
      : stream_(stream), directory_(std::move(directory)), stop_(std::move(stop)), options_(options) {}

  Result<> Run() {
    root_ = LOAM_TRY(OpenFileAt(AT_FDCWD, directory_, O_RDONLY | O_DIRECTORY));
    // The receiver asks while the walk goes on; its requests wait here.
    std::thread reader([this] { ReadRequests(); });
    Result<> sent = Walk("", root_.get());
    if (sent) {
      Packet end;
      end.set_type(Packet::PACKET_STAT);
      sent = Send(end);
    }
    if (sent) {
      sent = AnswerRequests();
    }
    if (!sent) {
      Packet packet;
      packet.set_type(Packet::PACKET_ERR);
      packet.set_data(sent.error().message());
      stream_.Write(packet);
    }
    reader.join();
    return sent;
  }

 private:
  Result<> Send(const Packet& packet) {
    if (stop_.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    if (!stream_.Write(packet)) {
      return Unexpected(ErrorCode::kUnavailable, "file transfer: the client went away");
    }
    return {};
  }

  Result<> Walk(const std::string& prefix, int directory) {
    for (const std::string& name : LOAM_TRY(ListDirFd(directory, prefix.empty() ? directory_ : prefix))) {
      const std::string path = prefix.empty() ? name : prefix + "/" + name;
      if (options_.visible && !options_.visible(path)) {
        continue;
      }
      struct stat info {};
      if (fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return UnexpectedErrno("stat " + name);
      }
      info.st_uid = options_.root_owner ? 0 : info.st_uid;
      info.st_gid = options_.root_owner ? 0 : info.st_gid;
      LOAM_TRY(SendStat(path, directory, name, info));
      if (S_ISDIR(info.st_mode)) {
        const UniqueFd child = LOAM_TRY(OpenFileAt(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        LOAM_TRY(Walk(path, child.get()));
      }
    }
    return {};
  }

  Result<> SendStat(const std::string& path, int directory, const std::string& name, const struct stat& info) {
    Packet packet;
    packet.set_type(Packet::PACKET_STAT);
    Stat& stat = *packet.mutable_stat();
    stat.set_path(path);
    stat.set_mode(GoFileMode(info.st_mode) & ~go_file_mode::kSocket);
    stat.set_uid(info.st_uid);
    stat.set_gid(info.st_gid);
    stat.set_modtime(info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec);
    if (!S_ISDIR(info.st_mode)) {
      stat.set_size(info.st_size);
    }
    if (S_ISLNK(info.st_mode)) {
      stat.set_linkname(LOAM_TRY(ReadLinkAt(directory, name)));
    } else if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
      stat.set_devmajor(major(info.st_rdev));
      stat.set_devminor(minor(info.st_rdev));
    } else if (S_ISREG(info.st_mode) && info.st_nlink > 1) {
      if (const std::optional<std::string> first = links_.FindOrAdd(info, path)) {
        stat.set_linkname(*first);
      }
    }
    if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) {
      for (const auto& [key, value] : LOAM_TRY(ReadXattrs(directory, name))) {
        (*stat.mutable_xattrs())[key] = value;
      }
    }
    {
      const std::lock_guard lock(mutex_);
      paths_.push_back(HasContents(stat) ? path : std::string());
    }
    return Send(packet);
  }

  void ReadRequests() {
    Packet packet;
    while (stream_.Read(packet)) {
      const std::lock_guard lock(mutex_);
      requests_.push_back(packet);
      changed_.notify_one();
      if (packet.type() != Packet::PACKET_REQ) {
        return;
      }
    }
    const std::lock_guard lock(mutex_);
    gone_ = true;
    changed_.notify_one();
  }

  Result<> AnswerRequests() {
    while (true) {
      Packet packet;
      std::string path;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return gone_ || !requests_.empty(); });
        if (requests_.empty()) {
          return Unexpected(ErrorCode::kUnavailable, "file transfer: the client went away");
        }
        packet = std::move(requests_.front());
        requests_.pop_front();
        if (packet.type() == Packet::PACKET_REQ && packet.id() < paths_.size()) {
          path = paths_[packet.id()];
        }
      }
      switch (packet.type()) {
        case Packet::PACKET_REQ:
          if (path.empty()) {
            return Unexpected(
                ProtocolError(fmt::format("the receiver asked for file {}, which has no contents", packet.id())));
          }
          LOAM_TRY(SendContents(packet.id(), path));
          break;
        case Packet::PACKET_FIN: {
          Packet fin;
          fin.set_type(Packet::PACKET_FIN);
          return Send(fin);
        }
        case Packet::PACKET_ERR:
          return Unexpected(ErrorCode::kUnknown, "error from receiver: " + packet.data());
        case Packet::PACKET_STAT:
        case Packet::PACKET_DATA:
        default:
          return Unexpected(ProtocolError("a packet that a receiver does not send"));
      }
    }
  }

  Result<> SendContents(std::uint32_t id, const std::string& path) {
    const UniqueFd file = LOAM_TRY(OpenInRoot(root_.get(), path, O_RDONLY | O_NOFOLLOW));
    Packet packet;
    packet.set_type(Packet::PACKET_DATA);
    packet.set_id(id);
    std::uint64_t offset = 0;
    while (true) {
      std::string& data = *packet.mutable_data();
      data.resize(kDataPiece);
      const std::size_t got = LOAM_TRY(ReadAt(file.get(), data, offset, path));
      data.resize(got);
      offset += got;
      LOAM_TRY(Send(packet));
      if (got == 0) {
        return {};
      }
    }
  }

  PacketStream& stream_;
  const std::string directory_;
  const std::stop_token stop_;
  const SendOptions& options_;
  UniqueFd root_;
  HardLinks links_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> paths_;  // by id; "" has no contents
  std::deque<Packet> requests_;
  bool gone_ = false;
};

}  // namespace

Result<> SendTree(PacketStream& stream, const std::string& directory, std::stop_token stop,
                  const SendOptions& options) {
  return Sender(stream, directory, std::move(stop), options).Run();
}

}  // namespace loam::session
