#include "language-server/server/connection.h"

#include "base/file_system.h"

namespace loam::lsp {
namespace {

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

Connection::Connection(int in_fd, int out_fd) : out_fd_(out_fd), reader_(in_fd), thread_([this] { ReadAll(); }) {}

Connection::~Connection() {
  thread_.join();
}

void Connection::ReadAll() {
  while (true) {
    Result<std::optional<std::string>> body = reader_.Next();
    if (!body || !*body) {
      break;
    }
    if (Add(std::move(**body))) {
      break;
    }
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  arrived_.notify_all();
}

bool Connection::Add(std::string body) {
  Message message = Classify(Json::parse(body, nullptr, false));
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
  return static_cast<bool>(WriteAll(out_fd_, pieces, "the client"));
}

}  // namespace loam::lsp
