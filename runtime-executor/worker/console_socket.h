// The socket over which crun hands out the terminal of a process (`--console-socket`): the container's own one, while
// runc is given a terminal to copy to and from, because it takes such a socket only for detached containers.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::worker {

class ConsoleSocket {
 public:
  // Makes the socket `name` in the directory `dir_fd`.
  static Result<ConsoleSocket> Listen(int dir_fd, const std::string& name);

  // Waits for the terminal; kFailedPrecondition once `ended` says that none will come.
  Result<UniqueFd> Receive(const std::function<bool()>& ended) const;

 private:
  explicit ConsoleSocket(UniqueFd listener) : listener_(std::move(listener)) {}
  UniqueFd listener_;
};

}  // namespace loam::worker
