// Sessions: clients of the daemon keep one stream open (Control.Session) through which the daemon calls services that
// they offer (file sync, secrets, SSH, credentials, exports). The stream carries a whole HTTP/2 connection with the
// roles reversed; here it ends in a gRPC channel. Headers as BuildKit's session package has them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"

namespace grpc {
class Channel;
}

namespace loam::session {

// What the client says of itself when it opens the session (gRPC metadata).
struct SessionHeader {
  std::string id;          // x-docker-expose-session-uuid
  std::string shared_key;  // x-docker-expose-session-sharedkey: contexts of equal keys are kept together
  // x-docker-expose-session-grpc-method: "/moby.filesync.v1.FileSync/DiffCopy"; compared without regard to case.
  std::set<std::string> methods;
  // x-buildkit-session-health-custom-timeout; 0: the default (session_health.h).
  std::chrono::milliseconds health_timeout{0};
};

inline constexpr std::string_view kSessionIdHeader = "x-docker-expose-session-uuid";
inline constexpr std::string_view kSessionSharedKeyHeader = "x-docker-expose-session-sharedkey";
inline constexpr std::string_view kSessionHealthHeader = "x-buildkit-session-health-custom-timeout";
inline constexpr std::string_view kSessionMethodHeader = "x-docker-expose-session-grpc-method";

// The stream as the transport has it. Read and Write may be called from two threads at once.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // The next bytes; false at the end.
  virtual bool Read(std::string& bytes) = 0;
  virtual bool Write(std::string_view bytes) = 0;
  // Makes a blocked Read return; may be called from any thread.
  virtual void Cancel() = 0;
};

class Session {
 public:
  Session(SessionHeader header, std::shared_ptr<grpc::Channel> channel);

  [[nodiscard]] const std::string& id() const { return header_.id; }
  [[nodiscard]] const std::string& shared_key() const { return header_.shared_key; }
  // "/service/Method"
  [[nodiscard]] bool Supports(std::string_view method) const;
  [[nodiscard]] const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  SessionHeader header_;
  std::shared_ptr<grpc::Channel> channel_;
};

// Thread-safe.
class SessionManager {
 public:
  // Runs a session until the client or `stop` ends it, or the client does not answer any more; blocks. kInvalidArgument
  // for a header without an id.
  Result<> Serve(SessionHeader header, ByteStream& stream, std::stop_token stop);

  // The session of that id ("group:id" is looked up by "id"), waiting for it up to `patience`: a client may start its
  // build before its session is open. kNotFound with upstream's words if there is none.
  Result<std::shared_ptr<Session>> Get(std::string_view id, std::chrono::milliseconds patience,
                                       std::stop_token stop = {});

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<Session>, std::less<>> sessions_;
};

}  // namespace loam::session
