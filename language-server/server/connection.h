// Connection: messages of one client. A thread of its own reads, so that a cancellation is seen while a request runs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "language-server/features/cancel.h"
#include "language-server/protocol/json_rpc.h"
#include "language-server/protocol/message_stream.h"

namespace loam::lsp {

struct Message {
  enum class Kind : std::uint8_t { kRequest, kNotification, kResponse, kTask, kMalformed };
  Kind kind = Kind::kMalformed;
  Json id;
  std::string method;
  Json params;  // of a response: its result, null if it is an error
  bool failed = false;
  // Of a request; set when the client cancels it.
  std::shared_ptr<CancelToken> cancel;
  // Of a task: what another thread wants done between two messages.
  std::function<void()> task;
};

class Connection {
 public:
  // Neither descriptor is owned. Reading begins at once.
  Connection(int in_fd, int out_fd);
  // Waits for the reading thread, which ends with the stream or at `exit`.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  enum class Wait : std::uint8_t { kMessage, kTimeout, kEnd };
  // The next message; kEnd when the stream has ended and all messages were taken.
  Wait Next(Message& message, std::optional<std::chrono::steady_clock::time_point> until = {});
  // Whether a message waits.
  [[nodiscard]] bool HasMessages();
  // A request was answered: it cannot be cancelled any more.
  void Done(const Json& id);

  // From any thread: `task` runs as if it were the next message.
  void Post(std::function<void()> task);

  // Writes one message; false when the client is gone. From any thread.
  bool Send(std::string_view body);

 private:
  void ReadAll();
  // True for `exit`, behind which nothing comes.
  bool Add(std::string body);

  int out_fd_;
  std::mutex write_mutex_;  // guards writing to out_fd_
  std::mutex mutex_;        // guards what follows
  std::condition_variable arrived_;
  std::deque<Message> queue_;
  std::map<std::string, std::shared_ptr<CancelToken>> running_;  // by the id's text
  bool ended_ = false;
  MessageReader reader_;
  std::thread thread_;
};

}  // namespace loam::lsp
