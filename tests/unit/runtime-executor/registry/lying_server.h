// An HTTP server on the loopback whose answers a test scripts: also wrong, slow and broken ones.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace loam::registry {

struct ServerRequest {
  std::string method;
  std::string target;                          // path and query
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct ServerReply {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string body;
  // Announced instead of the body's length; no length at all if negative (the end of the connection ends the body).
  std::optional<long> content_length;
  // Close the connection after so many bytes of the body.
  std::optional<std::size_t> close_after;
  // Send the head, then nothing, until the server ends.
  bool stall = false;
};

class LyingServer {
 public:
  using Handler = std::function<ServerReply(const ServerRequest&)>;
  explicit LyingServer(Handler handler);
  ~LyingServer();

  // "127.0.0.1:<port>"
  [[nodiscard]] const std::string& host() const { return host_; }
  // "GET /v2/…", in order.
  [[nodiscard]] std::vector<std::string> log();
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void Serve(int fd);

  Handler handler_;
  std::string host_;
  UniqueFd listener_;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  // guards the three below
  std::vector<std::string> log_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace loam::registry
