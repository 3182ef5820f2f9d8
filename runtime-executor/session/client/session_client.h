// The client's end of a session with a BuildKit daemon: while it lives, the daemon can ask for directories, secrets,
// SSH agents and credentials, and send back what exporters made.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/session/client_services.h"

namespace grpc {
class Channel;
}

namespace loam::session {

// What an exporter of the daemon sends to this machine.
struct SessionOutput {
  enum class Kind : std::uint8_t { kNone, kFile, kDirectory };
  Kind kind = Kind::kNone;
  // kFile: a path, or "-" for `fd`; kDirectory: a directory, made as needed, into which files are merged.
  std::string path;
  int fd = 1;
};

struct SessionClientOptions {
  // Not null.
  std::shared_ptr<ClientServices> services;
  // Builds with equal keys share the daemon's copies of directories.
  std::string shared_key;
  // By the exporter's index in the request.
  std::vector<SessionOutput> outputs;
};

class SessionClient {
 public:
  virtual ~SessionClient() = default;
  // `control`: a channel to the daemon. Does not wait for the daemon's answer.
  static Result<std::unique_ptr<SessionClient>> Open(const std::shared_ptr<grpc::Channel>& control,
                                                     SessionClientOptions options);
  [[nodiscard]] virtual const std::string& id() const = 0;
};

}  // namespace loam::session
