// SshForwarder: a socket behind which every connection reaches an SSH agent of the client.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::session {

class SshForwarder {
 public:
  static constexpr const char* kSocketName = "agent";

  // `connect` opens a new connection to the agent; called on the forwarder's thread.
  static Result<std::unique_ptr<SshForwarder>> Start(std::function<Result<UniqueFd>(std::stop_token)> connect,
                                                     uid_t uid, gid_t gid, mode_t mode);
  // Ends all connections.
  ~SshForwarder();
  SshForwarder(const SshForwarder&) = delete;
  SshForwarder& operator=(const SshForwarder&) = delete;

  // A detached mount that holds the socket as kSocketName.
  [[nodiscard]] int mount_fd() const { return mount_.get(); }

 private:
  SshForwarder() = default;
  void Serve(const std::stop_token& stop);

  std::function<Result<UniqueFd>(std::stop_token)> connect_;
  UniqueFd mount_;
  UniqueFd listener_;
  UniqueFd wake_;
  std::jthread thread_;
};

}  // namespace loam::session
