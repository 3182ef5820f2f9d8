#include "runtime-executor/exporter/docker-load/docker_daemon.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/process.h"
#include "base/strings.h"
#include "base/unique_fd.h"

namespace loam::exporter {
namespace {

constexpr int kPollInterval = 100;  // ms; how soon a stop is seen
constexpr std::size_t kMaxAnswer = std::size_t{64} << 20;

Error Unreachable(const std::string& host, std::string_view why) {
  return Error(ErrorCode::kUnavailable, fmt::format("no Docker daemon answers at {}: {}", host, why))
      .WithHint("start Docker, or set DOCKER_HOST; or write `-o type=docker,dest=image.tar`");
}

Result<UniqueFd> ConnectUnix(const std::string& host, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Unexpected(Unreachable(host, "the path is too long for a socket"));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Unexpected(Unreachable(host, std::strerror(errno)));
  }
  return fd;
}

Result<UniqueFd> ConnectTcp(const std::string& host, std::string_view where) {
  const std::size_t colon = where.rfind(':');
  std::string name(where.substr(0, colon));
  if (name.starts_with('[') && name.ends_with(']')) {
    name = name.substr(1, name.size() - 2);
  }
  const std::string port = colon == std::string_view::npos ? "2375" : std::string(where.substr(colon + 1));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(name.c_str(), port.c_str(), &hints, &found); failed != 0) {
    return Unexpected(Unreachable(host, gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> keep(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    UniqueFd fd(socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol));
    if (fd.valid() && connect(fd.get(), address->ai_addr, address->ai_addrlen) == 0) {
      return fd;
    }
    error = errno;
  }
  return Unexpected(Unreachable(host, std::strerror(error)));
}

}  // namespace

class DockerDaemon::Connection final {
 public:
  static Result<Connection> Open(const std::string& host, const std::stop_token& stop) {
    Connection connection(host, stop);
    const auto rest = [&](std::string_view scheme) { return host.substr(scheme.size()); };
    if (host.starts_with("unix://")) {
      connection.fd_ = LOAM_TRY(ConnectUnix(host, rest("unix://")));
    } else if (host.starts_with("tcp://")) {
      connection.fd_ = LOAM_TRY(ConnectTcp(host, rest("tcp://")));
    } else if (host.starts_with("docker-context://")) {
      LOAM_TRY(connection.OpenByDocker(rest("docker-context://")));
    } else {
      LOAM_TRY(connection.OpenSsh(rest("ssh://")));
    }
    return connection;
  }

  Result<> Write(std::string_view data) {
    while (!data.empty()) {
      LOAM_TRY(WaitFor(POLLOUT));
      const ssize_t sent = send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EINTR && errno != EAGAIN) {
        return Unexpected(Unreachable(host_, std::strerror(errno)));
      }
      data.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
    }
    return {};
  }

  // To its end.
  Result<std::string> ReadAll() {
    std::string text;
    char buffer[16384];
    while (true) {
      LOAM_TRY(WaitFor(POLLIN));
      const ssize_t got = recv(fd_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
      if (got == 0) {
        return text;
      }
      if (got < 0) {
        if (errno == EINTR || errno == EAGAIN) {
          continue;
        }
        return Unexpected(Unreachable(host_, std::strerror(errno)));
      }
      text.append(buffer, static_cast<std::size_t>(got));
      if (text.size() > kMaxAnswer) {
        return Unexpected(ErrorCode::kResourceExhausted, "the Docker daemon's answer does not end");
      }
    }
  }

 private:
  Connection(std::string host, std::stop_token stop) : host_(std::move(host)), stop_(std::move(stop)) {}

  Result<> OpenSsh(std::string_view where) {
    const std::string_view authority = where.substr(0, where.find('/'));
    std::string user;
    std::string_view name = authority;
    if (const auto pair = SplitOnce(authority, '@')) {
      user = pair->first;
      name = pair->second;
    }
    ProcessSpec spec;
    spec.args = {"ssh", "-T", "-o", "ConnectTimeout=30"};
    if (!user.empty()) {
      spec.args.insert(spec.args.end(), {"-l", user});
    }
    if (const auto pair = SplitOnce(name, ':')) {
      spec.args.insert(spec.args.end(), {"-p", std::string(pair->second)});
      name = pair->first;
    }
    spec.args.insert(spec.args.end(), {"--", std::string(name), "docker", "system", "dial-stdio"});
    return OpenProgram(std::move(spec));
  }

  // `context`: "" is what the environment says.
  Result<> OpenByDocker(const std::string& context) {
    ProcessSpec spec;
    spec.args = {"docker"};
    if (!context.empty()) {
      spec.args.insert(spec.args.end(), {"--context", context});
    }
    spec.args.insert(spec.args.end(), {"system", "dial-stdio"});
    return OpenProgram(std::move(spec));
  }

  Result<> OpenProgram(ProcessSpec spec) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return UnexpectedErrno("make a socket pair");
    }
    fd_ = UniqueFd(ends[0]);
    const UniqueFd other(ends[1]);
    spec.fds = {{0, other.get()}, {1, other.get()}, {2, 2}};
    program_ = LOAM_TRY_CONTEXT(host_, Process::Spawn(spec));
    return {};
  }

  Result<> WaitFor(short events) {
    pollfd polled{fd_.get(), events, 0};
    while (poll(&polled, 1, kPollInterval) <= 0) {
      if (stop_.stop_requested()) {
        return Unexpected(ErrorCode::kCanceled, "context canceled");
      }
    }
    return {};
  }

  std::string host_;
  std::stop_token stop_;
  UniqueFd fd_;
  std::optional<Process> program_;  // that is between
};

namespace {

template <class Connection>
class ChunkedBody final : public content::ByteSink {
 public:
  explicit ChunkedBody(Connection& connection) : connection_(connection) { buffer_.reserve(kChunk); }

  Result<> Write(std::string_view data) override {
    while (!data.empty()) {
      const std::size_t part = std::min(data.size(), kChunk - buffer_.size());
      buffer_.append(data.substr(0, part));
      data.remove_prefix(part);
      if (buffer_.size() == kChunk) {
        LOAM_TRY(Flush());
      }
    }
    return {};
  }
  Result<> End() {
    LOAM_TRY(Flush());
    return connection_.Write("0\r\n\r\n");
  }

 private:
  static constexpr std::size_t kChunk = 256 << 10;

  Result<> Flush() {
    if (buffer_.empty()) {
      return {};
    }
    LOAM_TRY(connection_.Write(fmt::format("{:x}\r\n", buffer_.size())));
    LOAM_TRY(connection_.Write(buffer_));
    buffer_.clear();
    return connection_.Write("\r\n");
  }

  Connection& connection_;
  std::string buffer_;
};

std::optional<std::size_t> ParseNumber(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return failed == std::errc() && end != text.data() ? std::optional(value) : std::nullopt;
}

Result<std::string> Unchunk(std::string_view body) {
  std::string text;
  while (true) {
    const std::size_t line = body.find("\r\n");
    const auto size = line == std::string_view::npos ? std::nullopt : ParseNumber(body.substr(0, line), 16);
    if (!size || body.size() - line - 2 < *size) {
      return Unexpected(ErrorCode::kDataLoss, "the Docker daemon's answer is cut off");
    }
    if (*size == 0) {
      return text;
    }
    text.append(body.substr(line + 2, *size));
    body.remove_prefix(std::min(body.size(), line + 2 + *size + 2));
  }
}

Result<DaemonAnswer> ParseAnswer(std::string_view text) {
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.") || end == std::string_view::npos || text.size() < 12) {
    return Unexpected(ErrorCode::kDataLoss, "what answers is no Docker daemon");
  }
  DaemonAnswer answer;
  answer.status = static_cast<int>(ParseNumber(text.substr(9, 3), 10).value_or(0));
  const std::string headers = ToLowerAscii(text.substr(0, end));
  const std::string_view body = text.substr(end + 4);
  answer.body =
      headers.find("\r\ntransfer-encoding: chunked") != std::string::npos ? LOAM_TRY(Unchunk(body)) : std::string(body);
  return answer;
}

}  // namespace

Result<DockerDaemon> DockerDaemon::At(const std::string& host) {
  for (const std::string_view scheme : {"unix://", "tcp://", "ssh://", "docker-context://"}) {
    if (host.starts_with(scheme)) {
      return DockerDaemon(host);
    }
  }
  return Unexpected(Error(ErrorCode::kUnimplemented, fmt::format("a Docker daemon at {} is not supported", host))
                        .WithHint("unix://, tcp:// and ssh:// are; or write `-o type=docker,dest=image.tar`"));
}

Result<DaemonAnswer> DockerDaemon::Ask(std::string_view method, const std::string& path,
                                       const std::function<Result<>(content::ByteSink&)>& write,
                                       const std::stop_token& stop) const {
  Connection connection = LOAM_TRY(Connection::Open(host_, stop));
  LOAM_TRY(connection.Write(
      fmt::format("{} {} HTTP/1.1\r\nHost: docker\r\nUser-Agent: loam\r\nConnection: close\r\n{}\r\n", method, path,
                  write              ? "Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n"
                  : method == "POST" ? "Content-Length: 0\r\n"
                                     : "")));
  if (write) {
    ChunkedBody<Connection> body(connection);
    Result<> written = write(body);
    if (written) {
      written = body.End();
    }
    if (!written) {
      // A daemon that refuses says why before it closes.
      const auto text = written.error().Is(ErrorCode::kUnavailable) ? connection.ReadAll() : Result<std::string>("");
      auto answer = text ? ParseAnswer(*text) : Result<DaemonAnswer>(DaemonAnswer());
      if (answer && answer->status != 0) {
        return answer;
      }
      return Unexpected(std::move(written).error());
    }
  }
  const std::string text = LOAM_TRY(connection.ReadAll());
  return ParseAnswer(text);
}

Result<DaemonAnswer> DockerDaemon::Get(const std::string& path, const std::stop_token& stop) const {
  return Ask("GET", path, nullptr, stop);
}
Result<DaemonAnswer> DockerDaemon::Post(const std::string& path, const std::stop_token& stop) const {
  return Ask("POST", path, nullptr, stop);
}
Result<DaemonAnswer> DockerDaemon::Delete(const std::string& path, const std::stop_token& stop) const {
  return Ask("DELETE", path, nullptr, stop);
}
Result<DaemonAnswer> DockerDaemon::PostTar(const std::string& path,
                                           const std::function<Result<>(content::ByteSink&)>& write,
                                           const std::stop_token& stop) const {
  return Ask("POST", path, write, stop);
}

}  // namespace loam::exporter
