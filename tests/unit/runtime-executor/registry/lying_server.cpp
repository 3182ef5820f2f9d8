#include "lying_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::registry {
namespace {

bool SendAll(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

LyingServer::LyingServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::listen(listener_.get(), 64);
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  host_ = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  acceptor_ = std::thread([this] {
    for (;;) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) {
        return;
      }
      const std::scoped_lock lock(mutex_);
      if (stopping_) {
        ::close(fd);
        return;
      }
      ++connections_;
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  });
}

LyingServer::~LyingServer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    for (const int fd : open_) {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  for (const int fd : open_) {
    ::close(fd);
  }
}

std::vector<std::string> LyingServer::log() {
  const std::scoped_lock lock(mutex_);
  return log_;
}

void LyingServer::Serve(int fd) {
  std::string input;
  const auto read_more = [&] {
    char buffer[65536];
    const ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
    if (got > 0) {
      input.append(static_cast<const char*>(buffer), static_cast<std::size_t>(got));
    }
    return got > 0;
  };
  for (;;) {
    std::size_t end = 0;
    while ((end = input.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) {
        return;
      }
    }
    ServerRequest request;
    const std::string head = input.substr(0, end);
    input.erase(0, end + 4);
    std::size_t line_number = 0;
    for (std::string_view line : Split(head, '\n')) {
      line = TrimSpace(line);
      if (line_number++ == 0) {
        const auto words = Split(line, ' ');
        request.method = words[0];
        request.target = words[1];
      } else if (const auto pair = SplitOnce(line, ':')) {
        request.headers[ToLowerAscii(pair->first)] = TrimSpace(pair->second);
      }
    }
    const std::size_t length = std::strtoul(request.headers["content-length"].c_str(), nullptr, 10);
    while (input.size() < length) {
      if (!read_more()) {
        return;
      }
    }
    request.body = input.substr(0, length);
    input.erase(0, length);
    {
      const std::scoped_lock lock(mutex_);
      log_.push_back(request.method + " " + request.target);
    }
    const ServerReply reply = handler_(request);
    std::string out = fmt::format("HTTP/1.1 {} X\r\n", reply.status);
    for (const auto& [name, value] : reply.headers) {
      out += name + ": " + value + "\r\n";
    }
    const long announced = reply.content_length.value_or(static_cast<long>(reply.body.size()));
    if (announced >= 0) {
      out += fmt::format("Content-Length: {}\r\n", announced);
    }
    if (!SendAll(fd, out + "\r\n")) {
      return;
    }
    if (reply.stall) {
      char byte = 0;
      ::recv(fd, &byte, 1, 0);  // until the client or the server ends the connection
      return;
    }
    const bool cut = reply.close_after.has_value() || announced < 0;
    if (request.method != "HEAD" &&
        !SendAll(fd, std::string_view(reply.body).substr(0, reply.close_after.value_or(reply.body.size())))) {
      return;
    }
    if (cut) {
      ::shutdown(fd, SHUT_RDWR);
      return;
    }
  }
}

}  // namespace loam::registry
