// Connection: messages of one client. A thread of its own reads, so that a cancellation is seen while a request runs.
#pragma once

#include <atomic>
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
#include <vector>

#include "language-server/features/cancel.h"
#include "language-server/protocol/json_rpc.h"
#include "language-server/protocol/message_stream.h"
#include "language-server/server/saved_session.h"

namespace loam::lsp {

struct Message {
  enum class Kind : std::uint8_t { kRequest, kNotification, kResponse, kTask, kMalformed };
  Kind kind = Kind::kMalformed;
  Json id;
  std::string method;
  Json params;       // of a response: its result, null if it is an error
  std::string body;  // as it came
  bool failed = false;
  // Of a request; set when the client cancels it.
  std::shared_ptr<CancelToken> cancel;
  // Of a task: what another thread wants done between two messages.
  std::function<void()> task;
};

class Connection {
 public:
  // What came before, in a process that is gone.
  struct Unread {
    std::vector<std::string> messages;  // bodies
    std::string bytes;                  // behind them
  };
  // Neither descriptor is owned. Reading begins at once.
  Connection(int in_fd, int out_fd, Unread unread = {});
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

  // In a signal handler, to go on in another process: writes what was not taken by Next. Nothing is read or sent after
  // that. False if other threads do not come to an end with what they read or send.
  bool SaveAndFreeze(SessionWriter& writer);

 private:
  void ReadAll(const std::vector<std::string>& earlier);
  // True after `exit`, or if what comes is no message.
  bool AddRead();
  // True for `exit`, behind which nothing comes.
  bool Add(std::string body);

  int in_fd_;
  int out_fd_;
  std::mutex write_mutex_;  // guards writing to out_fd_
  std::atomic<std::thread::id> sender_{};
  std::mutex read_mutex_;  // guards reader_, and that what leaves it is in queue_; taken before mutex_
  MessageReader reader_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::deque<Message> queue_;
  std::map<std::string, std::shared_ptr<CancelToken>> running_;  // by the id's text
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace loam::lsp
