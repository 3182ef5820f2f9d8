// The connections that were handed to a gRPC server, to count them, and to end them when it stops: gRPC does not end a
// connection whose peer takes nothing of what was sent to it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <mutex>
#include <vector>

namespace loam::daemon {

// Thread-safe.
class ServedConnections {
 public:
  ServedConnections();
  explicit ServedConnections(std::size_t limit) : limit_(limit) {}

  // A connected socket that its user is going to close; false if there are too many.
  [[nodiscard]] bool Add(int socket);
  // Both directions of all that are still open.
  void EndAll();

 private:
  // A descriptor and what it stood for: its user closes it without a word, and the number is used again.
  struct Entry {
    int socket;
    ino_t inode;
  };
  [[nodiscard]] static bool IsOpen(const Entry& entry);
  // With mutex_ held.
  void ForgetClosed();

  const std::size_t limit_;
  std::mutex mutex_;  // guards the rest
  std::vector<Entry> entries_;
  // Where it is worth looking for closed ones.
  std::size_t full_ = 64;
};

}  // namespace loam::daemon
