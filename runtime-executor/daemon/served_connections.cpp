#include "runtime-executor/daemon/served_connections.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>

namespace loam::daemon {
namespace {

constexpr std::size_t kMost = 8192;
// What a build of a connection needs, and what the rest of the daemon needs.
constexpr std::size_t kDescriptorsEach = 4;

// 0 for what is no socket (any more).
ino_t InodeOf(int socket) {
  struct stat info {};
  return fstat(socket, &info) == 0 && S_ISSOCK(info.st_mode) ? info.st_ino : 0;
}

std::size_t Limit() {
  rlimit descriptors{};
  return getrlimit(RLIMIT_NOFILE, &descriptors) == 0
             ? std::clamp<std::size_t>(descriptors.rlim_cur / kDescriptorsEach, 1, kMost)
             : kMost;
}

}  // namespace

ServedConnections::ServedConnections() : ServedConnections(Limit()) {}

bool ServedConnections::Add(int socket) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= std::min(full_, limit_)) {
    ForgetClosed();
  }
  if (entries_.size() >= limit_) {
    return false;
  }
  entries_.push_back({socket, InodeOf(socket)});
  return true;
}

void ServedConnections::EndAll() {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (IsOpen(entry)) {
      shutdown(entry.socket, SHUT_RDWR);
    }
  }
  entries_.clear();
}

bool ServedConnections::IsOpen(const Entry& entry) {
  return entry.inode != 0 && InodeOf(entry.socket) == entry.inode;
}

void ServedConnections::ForgetClosed() {
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return !IsOpen(entry); }),
                 entries_.end());
  full_ = std::max<std::size_t>(64, 2 * entries_.size());
}

}  // namespace loam::daemon
