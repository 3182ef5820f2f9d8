#include "runtime-executor/session/remote/session_manager.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <optional>
#include <thread>

#include <fmt/format.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/grpcpp.h>

#include "base/strings.h"
#include "base/unique_fd.h"
#include "runtime-executor/session/remote/rpc.h"
#include "runtime-executor/session/remote/session_health.h"

namespace loam::session {
namespace {

constexpr std::string_view kHealthCheck = "/grpc.health.v1.Health/Check";
constexpr std::size_t kPiece = std::size_t{64} << 10;

struct SocketPair {
  UniqueFd ours;
  UniqueFd channel;
};

Result<SocketPair> MakeSocketPair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return UnexpectedErrno("socketpair");
  }
  SocketPair pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
  // gRPC polls its end.
  if (fcntl(pair.channel.get(), F_SETFL, O_NONBLOCK) != 0) {
    return UnexpectedErrno("fcntl");
  }
  return pair;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// What the channel says goes to the client, until either end is gone.
void PumpToClient(int fd, ByteStream& stream) {
  std::string buffer(kPiece, '\0');
  while (true) {
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0 || !stream.Write(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)))) {
      break;
    }
  }
  stream.Cancel();
}

}  // namespace

Session::Session(SessionHeader header, std::shared_ptr<grpc::Channel> channel)
    : header_(std::move(header)), channel_(std::move(channel)) {}

bool Session::Supports(std::string_view method) const {
  return header_.methods.contains(ToLowerAscii(method));
}

Result<> SessionManager::Serve(SessionHeader header, ByteStream& stream, std::stop_token stop) {
  if (header.id.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("a session without {}", kSessionIdHeader));
  }
  SocketPair pair = LOAM_TRY(MakeSocketPair());
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  // One connection: it cannot be dialled again.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  const std::string id = header.id;
  const std::chrono::milliseconds health_timeout = header.health_timeout;
  auto session = std::make_shared<Session>(
      std::move(header), grpc::CreateCustomInsecureChannelFromFd(id, pair.channel.Release(), arguments));
  {
    const std::lock_guard lock(mutex_);
    sessions_[id] = session;
  }
  changed_.notify_all();

  const int fd = pair.ours.get();
  // Also for bytes that the channel does not take.
  const std::stop_callback on_stop(stop, [fd, &stream] {
    shutdown(fd, SHUT_RDWR);
    stream.Cancel();
  });
  std::thread to_client(PumpToClient, fd, std::ref(stream));
  std::optional<SessionHealth> health;
  if (session->Supports(kHealthCheck)) {
    health.emplace(session->channel(), HealthOptionsOf(health_timeout), [fd, &stream] {
      // Calls that wait for the client fail with the connection.
      shutdown(fd, SHUT_RDWR);
      stream.Cancel();
    });
  }
  std::string bytes;
  while (stream.Read(bytes) && SendAll(fd, bytes)) {
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(id);
    if (found != sessions_.end() && found->second == session) {
      sessions_.erase(found);
    }
  }
  health.reset();
  shutdown(fd, SHUT_RDWR);
  to_client.join();
  return {};
}

Result<std::shared_ptr<Session>> SessionManager::Get(std::string_view id, std::chrono::milliseconds patience,
                                                     std::stop_token stop) {
  if (const auto parts = SplitOnce(id, ':'); parts && !parts->second.empty()) {
    id = parts->second;
  }
  if (id.empty()) {  // nobody is going to come
    return Unexpected(ErrorCode::kNotFound, "no active sessions");
  }
  std::unique_lock lock(mutex_);
  const bool there =
      changed_.wait_for(lock, std::move(stop), patience, [&] { return sessions_.find(id) != sessions_.end(); });
  if (!there) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("no active session for {}: context deadline exceeded", id));
  }
  return sessions_.find(id)->second;
}

}  // namespace loam::session
