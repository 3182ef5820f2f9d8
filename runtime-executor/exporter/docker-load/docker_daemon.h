// DockerDaemon: the few requests of Docker's Engine API that loading an image needs, over HTTP/1.1, one connection a
// request: on a Unix socket, over TCP, or through `docker system dial-stdio`, here or by ssh.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime-executor/content/byte_stream.h"

namespace loam::exporter {

struct DaemonAnswer {
  int status = 0;
  std::string body;
};

class DockerDaemon {
 public:
  // "unix:///var/run/docker.sock", "tcp://host:2375", "ssh://user@host:22", "docker-context://NAME". kUnimplemented for
  // other kinds.
  static Result<DockerDaemon> At(const std::string& host);

  // `path` begins with '/'. kUnavailable if nobody answers. An HTTP error is an answer.
  [[nodiscard]] Result<DaemonAnswer> Get(const std::string& path, const std::stop_token& stop) const;
  [[nodiscard]] Result<DaemonAnswer> Post(const std::string& path, const std::stop_token& stop) const;
  [[nodiscard]] Result<DaemonAnswer> Delete(const std::string& path, const std::stop_token& stop) const;
  // The body is what `write` writes.
  [[nodiscard]] Result<DaemonAnswer> PostTar(const std::string& path,
                                             const std::function<Result<>(content::ByteSink&)>& write,
                                             const std::stop_token& stop) const;

 private:
  class Connection;
  explicit DockerDaemon(std::string host) : host_(std::move(host)) {}
  [[nodiscard]] Result<DaemonAnswer> Ask(std::string_view method, const std::string& path,
                                         const std::function<Result<>(content::ByteSink&)>& write,
                                         const std::stop_token& stop) const;

  std::string host_;
};

}  // namespace loam::exporter
