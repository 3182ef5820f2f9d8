#include "runtime-executor/snapshot/janitor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/remove_tree.h"
#include "base/rooted_fs.h"

namespace loam::snapshot {

Janitor::~Janitor() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Janitor::Close(UniqueFd fd) {
  Add({.fd = std::move(fd), .dir_fd = -1, .name = {}});
}
void Janitor::RemoveTree(int dir_fd, std::string name) {
  Add({.fd = {}, .dir_fd = dir_fd, .name = std::move(name)});
}

void Janitor::Add(Work work) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { Loop(); });
  }
  wake_.notify_all();
}

void Janitor::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) {
      return;
    }
    Work work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work.fd.Reset();
    if (!work.name.empty()) {
      // A failure leaves it for the next process that looks for leftovers.
      (void)RemoveTreeAt(work.dir_fd, work.name, stop_.get_token());
    }
    lock.lock();
  }
}

}  // namespace loam::snapshot
