#include "language-server/server/connection.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/file_system.h"

namespace loam::lsp {
namespace {

constexpr int kFreezeTries = 2000;  // of a millisecond

Message Classify(Json json) {
  Message message;
  if (!json.is_object()) {
    return message;
  }
  message.id = Member(json, "id");
  const Json& method = Member(json, "method");
  if (method.is_string()) {
    message.method = method.get<std::string>();
    message.kind = json.contains("id") ? Message::Kind::kRequest : Message::Kind::kNotification;
    message.params = std::move(json["params"]);
  } else if (json.contains("id")) {
    message.kind = Message::Kind::kResponse;
    message.failed = json.contains("error");
    message.params = Member(json, "result");
  }
  return message;
}

}  // namespace

Connection::Connection(int in_fd, int out_fd, Unread unread)
    : in_fd_(in_fd),
      out_fd_(out_fd),
      reader_(in_fd, std::move(unread.bytes)),
      thread_([this, earlier = std::move(unread.messages)] { ReadAll(earlier); }) {}

Connection::~Connection() {
  thread_.join();
}

void Connection::ReadAll(const std::vector<std::string>& earlier) {
  bool last = false;
  {
    const std::lock_guard lock(read_mutex_);
    for (const std::string& body : earlier) {
      last = last || Add(body);
    }
    last = last || AddRead();
  }
  while (!last) {
    // Waits without the mutex, so that what is read can be saved at any time.
    pollfd input{.fd = in_fd_, .events = POLLIN, .revents = 0};
    if (::poll(&input, 1, -1) < 0 && errno != EINTR) {
      break;
    }
    if (input.revents == 0) {
      continue;
    }
    const std::lock_guard lock(read_mutex_);
    const Result<bool> more = reader_.Fill();
    last = AddRead() || !more || !*more;
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  arrived_.notify_all();
}

bool Connection::AddRead() {
  while (true) {
    Result<std::optional<std::string>> body = reader_.Take();
    if (!body) {
      return true;
    }
    if (!*body) {
      return false;
    }
    if (Add(std::move(**body))) {
      return true;
    }
  }
}

bool Connection::Add(std::string body) {
  Message message = Classify(Json::parse(body, nullptr, false));
  message.body = std::move(body);
  const std::lock_guard lock(mutex_);
  if (message.kind == Message::Kind::kNotification && message.method == "$/cancelRequest") {
    const auto found = running_.find(WriteJson(Member(message.params, "id")));
    if (found != running_.end()) {
      found->second->Cancel();
    }
    return false;
  }
  if (message.kind == Message::Kind::kRequest) {
    message.cancel = std::make_shared<CancelToken>();
    running_[WriteJson(message.id)] = message.cancel;
  }
  const bool last = message.kind == Message::Kind::kNotification && message.method == "exit";
  queue_.push_back(std::move(message));
  arrived_.notify_all();
  return last;
}

Connection::Wait Connection::Next(Message& message, std::optional<std::chrono::steady_clock::time_point> until) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return ended_ || !queue_.empty(); };
  if (!until) {
    arrived_.wait(lock, ready);
  } else if (!arrived_.wait_until(lock, *until, ready)) {
    return Wait::kTimeout;
  }
  if (queue_.empty()) {
    return Wait::kEnd;
  }
  message = std::move(queue_.front());
  queue_.pop_front();
  return Wait::kMessage;
}

bool Connection::HasMessages() {
  const std::lock_guard lock(mutex_);
  return !queue_.empty();
}

void Connection::Done(const Json& id) {
  const std::lock_guard lock(mutex_);
  running_.erase(WriteJson(id));
}

void Connection::Post(std::function<void()> task) {
  Message message;
  message.kind = Message::Kind::kTask;
  message.task = std::move(task);
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(message));
  arrived_.notify_all();
}

bool Connection::Send(std::string_view body) {
  const std::string header = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  const std::string_view pieces[] = {header, body};
  const std::lock_guard lock(write_mutex_);
  sender_ = std::this_thread::get_id();
  const bool sent = static_cast<bool>(WriteAll(out_fd_, pieces, "the client"));
  sender_ = std::thread::id();
  return sent;
}

bool Connection::SaveAndFreeze(SessionWriter& writer) {
  for (std::mutex* mutex : {&write_mutex_, &read_mutex_, &mutex_}) {
    if (mutex == &write_mutex_ && sender_ == std::this_thread::get_id()) {
      continue;  // what it sends is with the kernel, or was never begun
    }
    // Not lock(): the thread that crashed may hold it.
    int tries = 0;
    while (!mutex->try_lock()) {
      if (++tries > kFreezeTries) {
        return false;
      }
      ::usleep(1000);
    }
  }
  for (const Message& message : queue_) {
    if (message.kind != Message::Kind::kTask) {
      writer.Add(Saved::kMessage, message.body);
    }
  }
  writer.Add(Saved::kUnparsed, reader_.unparsed());
  return writer.ok();
}

}  // namespace loam::lsp
