#include "runtime-executor/session/remote/file_sync.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

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

Error SenderError(std::string message) {
  return Error(ErrorCode::kInvalidArgument, "file transfer: " + std::move(message));
}

bool IsDir(const Stat& stat) {
  return (stat.mode() & go_file_mode::kDir) != 0;
}

bool HasContents(const Stat& stat) {
  return (stat.mode() & go_file_mode::kType) == 0;
}

timespec TimeOf(std::int64_t nanoseconds) {
  timespec time{};
  time.tv_sec = nanoseconds / 1'000'000'000;
  time.tv_nsec = nanoseconds % 1'000'000'000;
  if (time.tv_nsec < 0) {
    time.tv_nsec += 1'000'000'000;
    --time.tv_sec;
  }
  return time;
}

// Relative, without empty, "." or ".." elements.
bool IsCleanPath(std::string_view path) {
  std::size_t start = 0;
  while (true) {
    const std::size_t slash = path.find('/', start);
    const std::string_view element = path.substr(start, slash == std::string_view::npos ? slash : slash - start);
    if (element.empty() || element == "." || element == ".." || element.find('\0') != std::string_view::npos) {
      return false;
    }
    if (slash == std::string_view::npos) {
      return true;
    }
    start = slash + 1;
  }
}

std::pair<std::string_view, std::string_view> SplitPath(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::pair(std::string_view(), path)
                                         : std::pair(path.substr(0, slash), path.substr(slash + 1));
}

// Order of a walk: as strings, with '/' before every other character.
bool WalkedBefore(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return (x == '/' ? 0 : static_cast<unsigned char>(x) + 1) < (y == '/' ? 0 : static_cast<unsigned char>(y) + 1);
  });
}

// Requests leave on a thread of their own: the sender may be too busy sending to read them.
class RequestQueue {
 public:
  explicit RequestQueue(PacketStream& stream) : stream_(stream), thread_([this] { Run(); }) {}
  ~RequestQueue() { Close(); }
  RequestQueue(const RequestQueue&) = delete;
  RequestQueue& operator=(const RequestQueue&) = delete;

  void Push(Packet packet) {
    {
      const std::lock_guard lock(mutex_);
      packets_.push_back(std::move(packet));
    }
    changed_.notify_one();
  }
  // Sends what is queued and ends.
  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

 private:
  void Run() {
    while (true) {
      std::deque<Packet> batch;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return closed_ || !packets_.empty(); });
        batch.swap(packets_);
        if (batch.empty()) {
          return;
        }
      }
      for (const Packet& packet : batch) {
        if (!stream_.Write(packet)) {
          return;
        }
      }
    }
  }

  PacketStream& stream_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Packet> packets_;
  bool closed_ = false;
  std::thread thread_;
};

using Manifest = std::map<std::string, Stat, decltype(&WalkedBefore)>;

void AppendFramed(const Stat& stat, std::string& text) {
  const std::string bytes = stat.SerializeAsString();
  const auto size = static_cast<std::uint32_t>(bytes.size());
  for (int i = 0; i < 4; ++i) {
    text.push_back(static_cast<char>(size >> (8 * i)));
  }
  text += bytes;
}

std::string FormatManifest(const Manifest& manifest) {
  std::string text;
  for (const auto& [path, stat] : manifest) {
    AppendFramed(stat, text);
  }
  return text;
}

// False if the text is damaged.
bool ParseManifest(std::string_view text, Manifest& manifest) {
  while (!text.empty()) {
    if (text.size() < 4) {
      return false;
    }
    std::uint32_t size = 0;
    for (int i = 0; i < 4; ++i) {
      size |= static_cast<std::uint32_t>(static_cast<unsigned char>(text[static_cast<std::size_t>(i)])) << (8 * i);
    }
    text.remove_prefix(4);
    Stat stat;
    if (size > text.size() || !stat.ParseFromArray(text.data(), static_cast<int>(size))) {
      return false;
    }
    text.remove_prefix(size);
    std::string path = stat.path();
    manifest.emplace(std::move(path), std::move(stat));
  }
  return true;
}

class Receiver {
 public:
  Receiver(PacketStream& stream, std::string directory, const std::function<void(std::uint64_t)>& progress,
           std::stop_token stop, const ReceiveOptions& options)
      : stream_(stream),
        directory_(std::move(directory)),
        manifest_path_(directory_ + ".manifest"),
        progress_(progress),
        stop_(std::move(stop)),
        options_(options) {}

  Result<SyncReport> Run() {
    LOAM_TRY(Prepare());
    RequestQueue requests(stream_);
    requests_ = &requests;
    Result<> received = ReceiveAll();
    if (!received) {
      Packet packet;
      packet.set_type(Packet::PACKET_ERR);
      packet.set_data(received.error().message());
      requests.Push(std::move(packet));
      requests.Close();
      return Unexpected(std::move(received).error());
    }
    LOAM_TRY(MakeLinks());
    LOAM_TRY(RemoveWhatIsGone());
    LOAM_TRY(SetDirectoryTimes());
    if (options_.wanted) {
      LOAM_TRY(WriteFileAtomic(fmt::format("{}/{}", directory_, kMetadataFile), metadata_));
    }
    LOAM_TRY(WriteFileAtomic(manifest_path_, FormatManifest(now_), 0600));
    Packet fin;
    fin.set_type(Packet::PACKET_FIN);
    requests.Push(std::move(fin));
    requests.Close();
    Packet rest;
    while (stream_.Read(rest)) {
    }
    return report_;
  }

 private:
  // A directory whose contents are being listed.
  struct OpenDir {
    Stat stat;
    std::uint32_t id = 0;
    bool made = false;
  };
  struct OpenFile {
    std::string path;
    UniqueFd parent;
    std::string name;
    std::string temporary;
    UniqueFd file;
    std::uint64_t bytes = 0;
  };

  Result<> Prepare() {
    const std::optional<std::string> text = LOAM_TRY(ReadFileIfExists(manifest_path_));
    if (!text || !ParseManifest(*text, before_)) {
      before_.clear();
      LOAM_TRY(RemoveTree(directory_));
    }
    // From here on the directory is neither the old nor the new tree.
    LOAM_TRY(RemoveTree(manifest_path_));
    LOAM_TRY(MakeDirs(directory_, 0755));
    root_ = LOAM_TRY(OpenFileAt(AT_FDCWD, directory_, O_RDONLY | O_DIRECTORY));
    return {};
  }

  Result<> ReceiveAll() {
    Packet packet;
    while (!(all_stats_ && open_files_.empty())) {
      if (stop_.stop_requested()) {
        return Unexpected(ErrorCode::kCanceled, "context canceled");
      }
      packet.Clear();
      if (!stream_.Read(packet)) {
        return Unexpected(ErrorCode::kUnavailable, "file transfer: the client went away");
      }
      if (progress_) {
        bytes_ += packet.ByteSizeLong();
        progress_(bytes_);
      }
      switch (packet.type()) {
        case Packet::PACKET_STAT:
          LOAM_TRY(OnStat(packet));
          break;
        case Packet::PACKET_DATA:
          LOAM_TRY(OnData(packet));
          break;
        case Packet::PACKET_ERR:
          return Unexpected(ErrorCode::kUnknown, "error from sender: " + packet.data());
        case Packet::PACKET_FIN:
          return Unexpected(SenderError("the sender ended before all was sent"));
        case Packet::PACKET_REQ:
        default:
          return Unexpected(SenderError("a packet that a sender does not send"));
      }
    }
    return {};
  }

  Result<> OnStat(const Packet& packet) {
    if (!packet.has_stat()) {
      all_stats_ = true;
      return {};
    }
    if (all_stats_) {
      return Unexpected(SenderError("a file after the end of the list"));
    }
    const Stat& stat = packet.stat();
    const std::string path = stat.path();
    if (!IsCleanPath(path)) {
      return Unexpected(SenderError(fmt::format("bad path `{}`", path)));
    }
    const std::uint32_t id = next_id_++;
    if (options_.wanted && path == kMetadataFile) {
      return {};
    }
    if (!last_path_.empty() && !WalkedBefore(last_path_, path)) {
      return Unexpected(SenderError(fmt::format("`{}` comes out of order", path)));
    }
    last_path_ = path;
    const std::string_view parent = SplitPath(path).first;
    // The sender walks its tree: the directories that are open are those above the last path.
    while (!open_dirs_.empty() && open_dirs_.back().stat.path() != parent) {
      open_dirs_.pop_back();
    }
    if (!parent.empty() && open_dirs_.empty()) {
      return Unexpected(SenderError(fmt::format("`{}` lies in no directory that was sent", path)));
    }
    ++report_.files;
    if (options_.wanted) {
      AppendFramed(stat, metadata_);
    }
    const bool wanted = !options_.wanted || options_.wanted(path);
    if (wanted) {
      for (OpenDir& above : open_dirs_) {
        if (!above.made) {
          LOAM_TRY(Take(above.stat, above.id));
          above.made = true;
        }
      }
    }
    if (IsDir(stat)) {
      open_dirs_.push_back({stat, id, wanted});
    }
    return wanted ? Take(stat, id) : Result<>();
  }

  // Of the tree that is made.
  Result<> Take(const Stat& stat, std::uint32_t id) {
    const std::string path = stat.path();
    const auto old = before_.find(path);
    const bool same = old != before_.end() && !(options_.refetch && HasContents(stat)) &&
                      old->second.SerializeAsString() == stat.SerializeAsString() &&
                      !(HasContents(stat) && !stat.linkname().empty() && changed_.contains(stat.linkname()));
    if (!same) {
      LOAM_TRY(Make(stat, id, old == before_.end() ? nullptr : &old->second));
    }
    now_.emplace_hint(now_.end(), path, stat);
    return {};
  }

  Result<UniqueFd> OpenParent(std::string_view path) const {
    const std::string parent(SplitPath(path).first);
    return OpenInRoot(root_.get(), parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
  }

  Result<> Make(const Stat& stat, std::uint32_t id, const Stat* old) {
    const std::string path = stat.path();
    const std::string name(SplitPath(path).second);
    UniqueFd parent = LOAM_TRY(OpenParent(path));
    changed_.emplace(path, true);
    if (IsDir(stat)) {
      if (old == nullptr || !IsDir(*old)) {
        LOAM_TRY(RemoveTreeAt(parent.get(), name));
        if (mkdirat(parent.get(), name.c_str(), 0700) != 0) {
          return UnexpectedErrno("mkdir " + path);
        }
      }
      return SetMetadata(parent.get(), name, stat);
    }
    if (old != nullptr && IsDir(*old)) {
      LOAM_TRY(RemoveTreeAt(parent.get(), name));
    }
    if (HasContents(stat) && stat.linkname().empty()) {
      return Request(stat, id, std::move(parent), name);
    }
    LOAM_TRY(RemoveTreeAt(parent.get(), name));
    if ((stat.mode() & go_file_mode::kSymlink) != 0) {
      if (symlinkat(stat.linkname().c_str(), parent.get(), name.c_str()) != 0) {
        return UnexpectedErrno("symlink " + path);
      }
    } else if (HasContents(stat)) {
      return LinkLater(stat);
    } else if ((stat.mode() & go_file_mode::kSocket) != 0) {
      return {};
    } else {
      const bool fifo = (stat.mode() & go_file_mode::kPipe) != 0;
      const mode_t type = fifo ? S_IFIFO : (stat.mode() & go_file_mode::kCharDevice) != 0 ? S_IFCHR : S_IFBLK;
      const dev_t device = makedev(static_cast<unsigned>(stat.devmajor()), static_cast<unsigned>(stat.devminor()));
      if (mknodat(parent.get(), name.c_str(), type | 0600, device) != 0) {
        return UnexpectedErrno("mknod " + path);
      }
    }
    return SetMetadata(parent.get(), name, stat);
  }

  // A hard link. Its target may still be on its way, so links are made when all files are there.
  Result<> LinkLater(const Stat& stat) {
    const auto target = now_.find(stat.linkname());
    if (target == now_.end() || !HasContents(target->second)) {
      return Unexpected(
          SenderError(fmt::format("`{}` is a link to `{}`, which was not sent", stat.path(), stat.linkname())));
    }
    pending_links_.emplace_back(stat.linkname(), stat.path());
    return {};
  }

  Result<> Request(const Stat& stat, std::uint32_t id, UniqueFd parent, const std::string& name) {
    OpenFile file;
    file.path = stat.path();
    file.parent = std::move(parent);
    file.name = name;
    open_files_.emplace(id, std::move(file));
    stats_.emplace(id, stat);
    Packet packet;
    packet.set_type(Packet::PACKET_REQ);
    packet.set_id(id);
    requests_->Push(std::move(packet));
    return {};
  }

  Result<> OnData(const Packet& packet) {
    const auto found = open_files_.find(packet.id());
    if (found == open_files_.end()) {
      return Unexpected(SenderError(fmt::format("contents of file {} that nobody asked for", packet.id())));
    }
    OpenFile& file = found->second;
    if (!file.file.valid()) {
      file.temporary = fmt::format(".loam-sync.{}", packet.id());
      LOAM_TRY(RemoveTreeAt(file.parent.get(), file.temporary));
      file.file = LOAM_TRY(OpenFileAt(file.parent.get(), file.temporary, O_WRONLY | O_CREAT | O_EXCL, 0600));
    }
    if (!packet.data().empty()) {
      file.bytes += packet.data().size();
      return WriteAll(file.file.get(), packet.data(), file.path);
    }
    file.file.Reset();
    const Stat& stat = stats_.at(packet.id());
    LOAM_TRY(SetMetadata(file.parent.get(), file.temporary, stat));
    if (renameat(file.parent.get(), file.temporary.c_str(), file.parent.get(), file.name.c_str()) != 0) {
      return UnexpectedErrno("rename " + file.path);
    }
    ++report_.fetched_files;
    report_.fetched_bytes += file.bytes;
    stats_.erase(packet.id());
    open_files_.erase(found);
    return {};
  }

  static Result<> SetMetadata(int parent, const std::string& name, const Stat& stat) {
    const bool link = (stat.mode() & go_file_mode::kSymlink) != 0;
    // A plain user cannot give files away; the tree is then the user's own.
    if (fchownat(parent, name.c_str(), stat.uid(), stat.gid(), AT_SYMLINK_NOFOLLOW) != 0 &&
        !(errno == EPERM && geteuid() != 0)) {
      return UnexpectedErrno("chown " + stat.path());
    }
    if (!link && fchmodat(parent, name.c_str(), PermissionsOfGo(stat.mode()), 0) != 0) {
      return UnexpectedErrno("chmod " + stat.path());
    }
    for (const auto& [key, value] : stat.xattrs()) {
      LOAM_TRY(WriteXattr(parent, name, key, value));
    }
    const timespec times[2] = {TimeOf(stat.modtime()), TimeOf(stat.modtime())};
    if (utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      return UnexpectedErrno("utimensat " + stat.path());
    }
    return {};
  }

  Result<> MakeLinks() {
    for (const auto& [target, path] : pending_links_) {
      const UniqueFd target_parent = LOAM_TRY(OpenParent(target));
      const UniqueFd parent = LOAM_TRY(OpenParent(path));
      if (linkat(target_parent.get(), std::string(SplitPath(target).second).c_str(), parent.get(),
                 std::string(SplitPath(path).second).c_str(), 0) != 0) {
        return UnexpectedErrno("link " + path);
      }
    }
    return {};
  }

  Result<> RemoveWhatIsGone() {
    for (const auto& [path, stat] : before_) {
      if (now_.contains(path)) {
        continue;
      }
      const auto [parent_path, name] = SplitPath(path);
      // With its directory gone, or replaced by another kind of file, it is gone too.
      if (!parent_path.empty()) {
        const auto parent = now_.find(std::string(parent_path));
        if (parent == now_.end() || !IsDir(parent->second)) {
          continue;
        }
      }
      const UniqueFd parent = LOAM_TRY(OpenParent(path));
      LOAM_TRY(RemoveTreeAt(parent.get(), std::string(name)));
      changed_.emplace(path, true);
    }
    return {};
  }

  // Whatever was made or removed in a directory changed its time.
  Result<> SetDirectoryTimes() {
    std::map<std::string, bool> touched;
    for (const auto& [path, unused] : changed_) {
      touched.emplace(SplitPath(path).first, true);
    }
    for (const auto& [path, unused] : touched) {
      const auto found = now_.find(path);
      if (found == now_.end()) {
        continue;
      }
      const UniqueFd parent = LOAM_TRY(OpenParent(path));
      const timespec times[2] = {TimeOf(found->second.modtime()), TimeOf(found->second.modtime())};
      if (utimensat(parent.get(), std::string(SplitPath(path).second).c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
        return UnexpectedErrno("utimensat " + path);
      }
    }
    return {};
  }

  PacketStream& stream_;
  const std::string directory_;
  const std::string manifest_path_;
  const std::function<void(std::uint64_t)>& progress_;
  const std::stop_token stop_;
  const ReceiveOptions& options_;
  RequestQueue* requests_ = nullptr;
  UniqueFd root_;
  Manifest before_{&WalkedBefore};
  Manifest now_{&WalkedBefore};
  std::unordered_map<std::string, bool> changed_;
  std::vector<std::pair<std::string, std::string>> pending_links_;
  std::unordered_map<std::uint32_t, OpenFile> open_files_;
  std::unordered_map<std::uint32_t, Stat> stats_;
  std::uint32_t next_id_ = 0;
  std::string last_path_;
  std::vector<OpenDir> open_dirs_;
  std::string metadata_;
  bool all_stats_ = false;
  std::uint64_t bytes_ = 0;
  SyncReport report_;
};

}  // namespace

Result<SyncReport> ReceiveTree(PacketStream& stream, const std::string& directory,
                               const std::function<void(std::uint64_t)>& progress, std::stop_token stop,
                               const ReceiveOptions& options) {
  Result<SyncReport> received = Receiver(stream, directory, progress, std::move(stop), options).Run();
  if (!received) {
    // The next transfer has no use for it, and the disk may be full of it.
    static_cast<void>(RemoveTree(directory));
  }
  return received;
}

}  // namespace loam::session
