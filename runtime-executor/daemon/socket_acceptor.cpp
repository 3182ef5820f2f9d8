#include "runtime-executor/daemon/socket_acceptor.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include <fmt/format.h>

namespace loam::daemon {
namespace {

// Connections that ended are forgotten at least this often.
constexpr int kReapMilliseconds = 5'000;
constexpr int kScarceMilliseconds = 50;
// Peers that are gone without a word are noticed, as BuildKit's daemon does: seconds, seconds, count.
constexpr int kKeepAliveIdle = 15;
constexpr int kKeepAliveInterval = 15;
constexpr int kKeepAliveProbes = 9;

Result<UniqueFd> Listen(const addrinfo& where) {
  UniqueFd fd(socket(where.ai_family, where.ai_socktype | SOCK_CLOEXEC, where.ai_protocol));
  if (!fd.valid()) {
    return UnexpectedErrno("socket");
  }
  const int yes = 1;
  const int no = 0;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (where.ai_family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));  // IPv4 as well
  }
  if (bind(fd.get(), where.ai_addr, where.ai_addrlen) != 0 || listen(fd.get(), SOMAXCONN) != 0) {
    return UnexpectedErrno("listen");
  }
  return fd;
}

// Fails, without consequence, for sockets that are not TCP's.
void PrepareTcp(int socket) {
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveIdle, sizeof(kKeepAliveIdle));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveInterval, sizeof(kKeepAliveInterval));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &kKeepAliveProbes, sizeof(kKeepAliveProbes));
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
}

}  // namespace

Result<UniqueFd> ListenTcp(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("cannot listen on {}: it has no port", address));
  }
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(host.empty() ? nullptr : host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  if (error != 0) {
    return Unexpected(ErrorCode::kUnavailable, fmt::format("cannot listen on {}: {}", address, gai_strerror(error)));
  }
  Result<UniqueFd> listener = Unexpected(ErrorCode::kUnavailable, "no address");
  for (const addrinfo* each = found; each != nullptr && !listener; each = each->ai_next) {
    listener = Listen(*each);
  }
  freeaddrinfo(found);
  if (!listener) {
    return Unexpected(std::move(listener).error().Wrap(fmt::format("cannot listen on {}", address)));
  }
  return listener;
}

Result<std::unique_ptr<SocketAcceptor>> SocketAcceptor::Create(grpc::ServerBuilder& builder, int listener,
                                                               std::shared_ptr<TlsContext> tls,
                                                               ServedConnections* connections) {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) {
    return UnexpectedErrno("pipe2");
  }
  UniqueFd wake_read(fds[0]);
  UniqueFd wake_write(fds[1]);
  if (fcntl(listener, F_SETFD, FD_CLOEXEC) != 0 || fcntl(listener, F_SETFL, O_NONBLOCK) != 0) {
    return UnexpectedErrno("prepare a listening socket");
  }
  std::unique_ptr<SocketAcceptor> made(
      new SocketAcceptor(listener, std::move(wake_read), std::move(wake_write), std::move(tls), connections));
  made->acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, grpc::InsecureServerCredentials());
  return made;
}

SocketAcceptor::~SocketAcceptor() {
  Stop();
}

void SocketAcceptor::Stop() {
  wake_write_.Reset();
  if (thread_.joinable()) {
    thread_.join();
  }
  connections_.clear();
}

void SocketAcceptor::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void SocketAcceptor::Loop() {
  std::array<pollfd, 2> polled = {{{listener_, POLLIN, 0}, {wake_read_.get(), POLLIN, 0}}};
  while (true) {
    const int ready = poll(polled.data(), polled.size(), connections_.empty() ? -1 : kReapMilliseconds);
    connections_.remove_if([](const auto& connection) { return connection->done(); });
    if (ready <= 0) {
      continue;
    }
    if (polled[1].revents != 0 || (polled[0].revents & (POLLERR | POLLNVAL)) != 0) {
      return;
    }
    UniqueFd connection(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) {
      Take(std::move(connection));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // It stays in the queue. Looked at again when something may have been closed.
      poll(&polled[1], 1, kScarceMilliseconds);
    }
  }
}

void SocketAcceptor::Take(UniqueFd connection) {
  PrepareTcp(connection.get());
  if (!served_->Add(connection.get())) {
    return;  // too many: the client sees its connection closed
  }
  if (tls_ != nullptr) {
    UniqueFd plain;
    auto started = TlsConnection::Start(tls_, std::move(connection), &plain);
    if (!started) {
      return;  // out of descriptors: the client sees its connection closed
    }
    connections_.push_back(std::move(*started));
    connection = std::move(plain);
  }
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
  parameters.listener_fd = listener_;
  parameters.fd = connection.Release();  // the server closes it
  acceptor_->HandleNewConnection(&parameters);
}

}  // namespace loam::daemon
