// Janitor: clears away, on a thread of its own, what nobody waits for. On some file systems removing one directory
// takes milliseconds, and so may the end of a mount; a build must not stand still for that. What is not done when the
// janitor ends is left to the next process.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace loam::snapshot {

class Janitor {
 public:
  Janitor() = default;
  // Waits for the file at hand, not for the rest.
  ~Janitor();
  Janitor(const Janitor&) = delete;
  Janitor& operator=(const Janitor&) = delete;

  // Work is done in the order it was given. `dir_fd` must stay open as long as the janitor lives.
  void Close(UniqueFd fd);
  void RemoveTree(int dir_fd, std::string name);

 private:
  struct Work {
    UniqueFd fd;
    int dir_fd = -1;
    std::string name;
  };
  void Add(Work work);
  void Loop();

  std::stop_source stop_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::deque<Work> queue_;
  std::thread thread_;
  bool stopping_ = false;
};

}  // namespace loam::snapshot
