#include "runtime-executor/exporter/docker-load/loopback_registry.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <optional>

#include <fmt/format.h>

#include "base/strings.h"
#include "runtime-executor/content/byte_stream.h"

namespace loam::exporter {
namespace {

constexpr std::size_t kLongestHead = std::size_t{64} << 10;
// A peer that takes nothing for so long is gone.
constexpr timeval kPatience{.tv_sec = 60, .tv_usec = 0};

std::string SecretName() {
  std::array<unsigned char, 16> random{};
  // getrandom(2) of so few bytes neither fails nor is interrupted.
  static_cast<void>(::getrandom(random.data(), random.size(), 0));
  std::string name = "loam-load-";
  for (const unsigned char byte : random) {
    name += fmt::format("{:02x}", byte);
  }
  return name;
}

bool SendAll(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// To the empty line; nullopt at the end of the connection, or if it is no head of a request. Requests of pulls have no
// bodies.
std::optional<std::string> ReadHead(int fd, std::string& pending) {
  std::array<char, 8192> buffer;
  while (true) {
    if (const std::size_t end = pending.find("\r\n\r\n"); end != std::string::npos) {
      std::string head = pending.substr(0, end);
      pending.erase(0, end + 4);
      return head;
    }
    if (pending.size() > kLongestHead) {
      return std::nullopt;
    }
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return std::nullopt;
    }
    pending.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string Head(int status, std::string_view reason, std::string_view type, std::uint64_t size,
                 std::string_view more = {}) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nDocker-Distribution-Api-Version: registry/2.0\r\nContent-Type: {}\r\nContent-Length: "
      "{}\r\n{}\r\n",
      status, reason, type, size, more);
}

bool SendNothing(int fd, int status, std::string_view reason) {
  constexpr std::string_view kBody = "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}";
  return SendAll(fd, Head(status, reason, "application/json", kBody.size())) && SendAll(fd, kBody);
}

}  // namespace

Result<std::unique_ptr<LoopbackRegistry>> LoopbackRegistry::Start(const CommittedManifest& image,
                                                                  content::ContentStore& store) {
  std::unique_ptr<LoopbackRegistry> self(new LoopbackRegistry(image, store));
  self->listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (!self->listener_.valid() || ::bind(self->listener_.get(), plain, length) != 0 ||
      ::listen(self->listener_.get(), 16) != 0 || ::getsockname(self->listener_.get(), plain, &length) != 0) {
    return UnexpectedErrno("listen on the loopback interface");
  }
  const std::string name = SecretName();
  self->path_ = fmt::format("/v2/{}/", name);
  self->repository_ = fmt::format("127.0.0.1:{}/{}", ntohs(address.sin_port), name);
  self->acceptor_ = std::thread([registry = self.get()] { registry->Accept(); });
  return self;
}

LoopbackRegistry::~LoopbackRegistry() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [fd, thread] : connections_) {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
  ::shutdown(listener_.get(), SHUT_RDWR);  // wakes accept
  if (acceptor_.joinable()) {
    acceptor_.join();
  }
  for (auto& [fd, thread] : connections_) {
    thread.join();
    const UniqueFd closed(fd);
  }
}

std::size_t LoopbackRegistry::layers_sent() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(image_.layers.begin(), image_.layers.end(),
                                                [this](const auto& layer) { return sent_.contains(layer.digest); }));
}

void LoopbackRegistry::Accept() {
  while (true) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return;
    }
    if (!fd.valid()) {
      if (errno == EINTR || errno == ECONNABORTED) {
        continue;
      }
      return;
    }
    static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience)));
    const int number = fd.Release();
    connections_.emplace_back(number, std::thread([this, number] { Serve(number); }));
  }
}

// The descriptor is closed with the registry, so that its number cannot become another file's meanwhile.
void LoopbackRegistry::Serve(int fd) {
  // sendfile to a peer that is gone raises it.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  static_cast<void>(::pthread_sigmask(SIG_BLOCK, &pipe, nullptr));
  std::string pending;
  while (const std::optional<std::string> head = ReadHead(fd, pending)) {
    Request request;
    const std::vector<std::string_view> lines = Split(*head, '\n');
    const std::vector<std::string_view> words = Split(TrimSpace(lines.front()), ' ');
    if (words.size() != 3 || !words[2].starts_with("HTTP/1.")) {
      break;
    }
    request.method = words[0];
    request.path = words[1].substr(0, words[1].find('?'));
    request.close = words[2] == "HTTP/1.0";
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const std::string line = ToLowerAscii(TrimSpace(lines[i]));
      if (constexpr std::string_view kRange = "range: bytes="; line.starts_with(kRange)) {
        const char* const first = line.data() + kRange.size();
        std::from_chars(first, line.data() + line.size(), request.range_start);
      }
      request.close = request.close || line == "connection: close";
    }
    if (!Answer(fd, request) || request.close) {
      break;
    }
  }
  ::shutdown(fd, SHUT_RDWR);
}

bool LoopbackRegistry::Answer(int fd, const Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return SendNothing(fd, 405, "Method Not Allowed");
  }
  if (request.path == "/v2/") {
    reached_ = true;
    return SendAll(fd, Head(200, "OK", "application/json", 0));
  }
  if (!request.path.starts_with(path_)) {
    return SendNothing(fd, 404, "Not Found");
  }
  const std::string_view rest = std::string_view(request.path).substr(path_.size());
  if (rest == fmt::format("manifests/{}", kTag) || rest == "manifests/" + image_.manifest.digest.ToString()) {
    return SendBlob(fd, request, image_.manifest);
  }
  if (rest == "blobs/" + image_.config.digest.ToString()) {
    return SendBlob(fd, request, image_.config);
  }
  for (const content::Descriptor& layer : image_.layers) {
    if (rest == "blobs/" + layer.digest.ToString()) {
      if (request.method == "GET") {
        const std::lock_guard lock(mutex_);
        sent_[layer.digest] = true;
      }
      return SendBlob(fd, request, layer);
    }
  }
  return SendNothing(fd, 404, "Not Found");
}

bool LoopbackRegistry::SendBlob(int fd, const Request& request, const content::Descriptor& blob) {
  const Result<content::Blob> file = store_.OpenBlob(blob);
  if (!file) {
    return SendNothing(fd, 500, "Internal Server Error");
  }
  const std::uint64_t start = request.range_start < blob.size ? request.range_start : 0;
  std::string more = fmt::format("Docker-Content-Digest: {}\r\n", blob.digest.ToString());
  if (start > 0) {
    more += fmt::format("Content-Range: bytes {}-{}/{}\r\n", start, blob.size - 1, blob.size);
  }
  const std::string head = start > 0 ? Head(206, "Partial Content", blob.media_type, blob.size - start, more)
                                     : Head(200, "OK", blob.media_type, blob.size, more);
  if (!SendAll(fd, head)) {
    return false;
  }
  if (request.method == "HEAD") {
    return true;
  }
  content::FdSink sink(fd, "the Docker daemon");
  return sink.WriteFromFile(file->fd(), start, blob.size - start, blob.digest.ToString()).has_value();
}

}  // namespace loam::exporter
