#include "runtime-executor/proxy/step_proxies.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/redact_urls.h"
#include "base/strings.h"
#include "runtime-executor/proxy/authority.h"
#include "runtime-executor/proxy/byte_stream.h"
#include "runtime-executor/registry/http_client.h"

namespace loam::proxy {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kMaxConnections = 256;
constexpr int kBacklog = 128;
constexpr std::uint64_t kMaxErrorBody = std::uint64_t{16} << 20U;

// Of one connection, not of what is asked over it.
constexpr std::array<std::string_view, 10> kHopByHop = {
    "connection",        "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",    "content-length"};

bool IsHopByHop(std::string_view name) {
  return std::any_of(kHopByHop.begin(), kHopByHop.end(),
                     [&](std::string_view other) { return EqualsIgnoreCase(name, other); });
}

std::string_view ReasonOf(long status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

bool HasBody(const std::string& method, long status) {
  return method != "HEAD" && status != 204 && status != 304 && status >= 200;
}

// As it is told: without credentials and default ports.
std::string Shown(std::string url) {
  const std::size_t host = url.find("://");
  if (host != std::string::npos) {
    const std::size_t end = url.find_first_of("/?#", host + 3);
    const std::string port = url.starts_with("https:") ? ":443" : ":80";
    const std::string_view authority = std::string_view(url).substr(0, end);
    if (authority.ends_with(port)) {
      url.erase(authority.size() - port.size(), port.size());
    }
  }
  return RedactUrls(url);
}

std::string HostOf(std::string_view authority) {
  if (authority.starts_with('[')) {
    return std::string(authority.substr(1, authority.find(']') - 1));
  }
  return std::string(authority.substr(0, authority.find(':')));
}

// What all proxies share.
struct Shared {
  std::unique_ptr<Authority> authority;
  registry::HttpClient http{
      {.user_agent = "", .connect_timeout = kPatience, .stall_timeout = std::chrono::seconds(300)}};
};

class Traffic {
 public:
  void Add(ops::ProxiedRequest request) {
    const std::lock_guard lock(mutex_);
    traffic_.requests.push_back(std::move(request));
  }
  void Add(ops::ProxiedFile file) {
    const std::lock_guard lock(mutex_);
    traffic_.files.push_back(std::move(file));
  }
  void Add(ops::IncompleteRequest request) {
    const std::lock_guard lock(mutex_);
    traffic_.incomplete.push_back(std::move(request));
  }
  ops::ProxyTraffic Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(traffic_, {});
  }

 private:
  std::mutex mutex_;
  ops::ProxyTraffic traffic_;
};

// One request of a step: asked elsewhere, answered here. The connection ends with it.
class Exchange {
 public:
  Exchange(Shared& shared, const ops::CheckProxied& check, Traffic& traffic, ByteStream& stream, std::stop_token stop)
      : shared_(shared), check_(check), traffic_(traffic), stream_(stream), stop_(std::move(stop)) {}

  Result<> Run(MessageReader& reader, const RequestHead& head, const std::string& url) {
    const std::string shown = Shown(url);
    auto body = reader.ReadBody(head);
    if (!body) {
      return Say(400, body.error().message());
    }
    registry::HttpRequest request;
    request.method = head.method;
    request.url = url;
    if (check_) {
      const Result<std::optional<std::string>> instead = check_(head.method, RedactUrls(url));
      if (!instead) {
        return Say(403, "Forbidden");
      }
      if (*instead) {
        request.url = **instead;
      }
    }
    bool ranged = false;
    for (const auto& [name, value] : head.headers) {
      ranged = ranged || EqualsIgnoreCase(name, "range");
      if (!IsHopByHop(name) && !EqualsIgnoreCase(name, "host") && !EqualsIgnoreCase(name, "expect") &&
          !EqualsIgnoreCase(name, "accept-encoding")) {
        // libcurl's way of a header without a value.
        request.headers.push_back(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
      }
    }
    request.no_proxy = true;
    request.follow_redirects = false;
    request.body_limit = kMaxErrorBody;
    if (body->first.valid()) {
      request.body_fd = body->first.get();
      request.body_size = body->second;
    }
    Sha256 hash;
    bool headed = false;
    std::optional<Error> broken;  // the step went away
    const auto write = [&](std::string_view bytes) -> Result<> {
      auto written = stream_.Write(bytes);
      if (!written) {
        broken = written.error();
      }
      return written;
    };
    request.on_head = [&](const registry::HttpResponse& response) -> Result<> {
      headed = true;
      traffic_.Add(RequestOf(head, request.url, shown, response));
      return write(HeadOf(response, response.Header("content-length")));
    };
    request.receiver = [&](const registry::HttpResponse&, std::string_view data) -> Result<> {
      hash.Update(data);
      return write(data);
    };
    const Result<registry::HttpResponse> response = shared_.http.Perform(request, stop_);
    if (!response) {
      if (!headed) {
        traffic_.Add(ops::ProxiedRequest{head.method, shown, "", 502});
        traffic_.Add(ops::IncompleteRequest{head.method, shown, "upstream_error"});
        return Say(502, response.error().message());
      }
      traffic_.Add(ops::IncompleteRequest{head.method, shown, Reason(head, ranged, 200, true)});
      return Unexpected(response.error());
    }
    if (!headed) {
      traffic_.Add(RequestOf(head, request.url, shown, *response));
      const std::string length =
          head.method == "HEAD" ? response->Header("content-length") : std::to_string(response->body.size());
      LOAM_TRY(write(HeadOf(*response, HasBody(head.method, response->status) || head.method == "HEAD" ? length : "")));
      if (HasBody(head.method, response->status)) {
        hash.Update(response->body);
        static_cast<void>(write(response->body));
      }
    }
    if (const std::string reason = Reason(head, ranged, response->status, broken.has_value()); !reason.empty()) {
      traffic_.Add(ops::IncompleteRequest{head.method, shown, reason});
    } else if (response->ok()) {
      traffic_.Add(ops::ProxiedFile{shown, hash.Finish()});
    }
    return {};
  }

  Result<> Say(int status, std::string_view text) {
    return stream_.Write(
        fmt::format("HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}"
                    "\r\nConnection: close\r\n\r\n{}\n",
                    status, ReasonOf(status), text.size() + 1, text));
  }

 private:
  static ops::ProxiedRequest RequestOf(const RequestHead& head, const std::string& url, const std::string& shown,
                                       const registry::HttpResponse& response) {
    std::string redirect;
    if (const std::string& location = response.Header("location"); !location.empty()) {
      redirect = Shown(registry::ResolveUrl(url, location).value_or(location));
    }
    return {head.method, shown, std::move(redirect), static_cast<int>(response.status)};
  }

  static std::string HeadOf(const registry::HttpResponse& response, const std::string& length) {
    std::string text = fmt::format("HTTP/1.1 {} {}\r\n", response.status, ReasonOf(response.status));
    for (const auto& [name, value] : response.headers) {
      if (!IsHopByHop(name)) {
        text += fmt::format("{}: {}\r\n", name, value);
      }
    }
    if (!length.empty()) {
      text += fmt::format("content-length: {}\r\n", length);
    }
    return text + "connection: close\r\n\r\n";
  }

  // Why an answer is not a file that a digest tells; "": it is one.
  static std::string Reason(const RequestHead& head, bool ranged, long status, bool broken) {
    if (head.method != "GET") {
      return "method_not_materializable";
    }
    if (ranged || status == 206) {
      return "partial_response";
    }
    if (broken) {
      return "body_read_failed";
    }
    return status >= 400 ? "unsuccessful_response" : "";
  }

  Shared& shared_;
  const ops::CheckProxied& check_;
  Traffic& traffic_;
  ByteStream& stream_;
  const std::stop_token stop_;
};

// A network namespace in which only this process's socket listens.
struct Namespace {
  UniqueFd fd;
  UniqueFd listener;
  std::uint16_t port = 0;

  static Result<Namespace> Make() {
    Result<Namespace> made;
    // A thread of its own: the namespace is the thread's.
    std::thread([&] { made = MakeHere(); }).join();
    return made;
  }

 private:
  static Result<Namespace> MakeHere() {
    if (::unshare(CLONE_NEWNET) != 0) {
      return Unexpected(Error::FromErrno(errno, "make a network for the step"));
    }
    Namespace result;
    result.fd = LOAM_TRY(OpenFile("/proc/thread-self/ns/net", O_RDONLY));
    result.listener = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ifreq loopback{};
    std::strncpy(loopback.ifr_name, "lo", IFNAMSIZ - 1);
    loopback.ifr_flags = IFF_UP | IFF_RUNNING;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    const int socket = result.listener.get();
    if (socket < 0 || ::ioctl(socket, SIOCSIFFLAGS, &loopback) != 0 || ::bind(socket, plain, size) != 0 ||
        ::listen(socket, kBacklog) != 0 || ::getsockname(socket, plain, &size) != 0) {
      return Unexpected(Error::FromErrno(errno, "make a proxy for the step"));
    }
    result.port = ntohs(address.sin_port);
    return result;
  }
};

class Proxy final : public ops::StepProxy {
 public:
  Proxy(std::shared_ptr<Shared> shared, Namespace network, ops::CheckProxied check)
      : shared_(std::move(shared)),
        network_(std::move(network)),
        check_(std::move(check)),
        url_(fmt::format("http://127.0.0.1:{}", network_.port)),
        listener_([this] { Listen(); }) {}
  ~Proxy() override { Stop(); }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] int network_namespace() const override { return network_.fd.get(); }
  [[nodiscard]] const std::string& url() const override { return url_; }
  [[nodiscard]] const std::string& authority() const override { return shared_->authority->certificate(); }

  ops::ProxyTraffic Stop() override {
    stop_.request_stop();
    ::shutdown(network_.listener.get(), SHUT_RDWR);
    if (listener_.joinable()) {
      listener_.join();
    }
    // Nobody adds connections any more.
    for (Connection& connection : connections_) {
      ::shutdown(connection.socket.get(), SHUT_RDWR);
    }
    connections_.clear();  // joins
    return traffic_.Take();
  }

 private:
  struct Connection {
    UniqueFd socket;
    std::atomic<bool> done = false;
    std::jthread thread;
  };

  void Listen() {
    while (!stop_.stop_requested()) {
      UniqueFd socket(::accept4(network_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!socket.valid()) {
        if (errno == EINTR || errno == ECONNABORTED) {
          continue;
        }
        return;
      }
      connections_.remove_if([](const Connection& connection) { return connection.done.load(); });
      if (connections_.size() >= kMaxConnections) {
        continue;  // refused
      }
      Connection& connection = connections_.emplace_back();
      connection.socket = std::move(socket);
      connection.thread = std::jthread([this, &connection] {
        Serve(connection.socket.get());
        ::shutdown(connection.socket.get(), SHUT_RDWR);
        connection.done = true;
      });
    }
  }

  void Serve(int socket) {
    const std::unique_ptr<ByteStream> plain = PlainStream(socket);
    MessageReader reader(*plain);
    const Result<std::optional<RequestHead>> head = reader.ReadHead();
    Exchange exchange(*shared_, check_, traffic_, *plain, stop_.get_token());
    if (!head) {
      static_cast<void>(exchange.Say(400, head.error().message()));
    } else if (*head && (*head)->method == "CONNECT") {
      ServeEncrypted(socket, (*head)->target, *plain, exchange);
    } else if (*head) {
      std::string url = (*head)->target;
      const std::string* host = (*head)->Header("Host");
      if (url.starts_with('/') && host != nullptr) {
        url = "http://" + *host + url;
      }
      const std::string lower = ToLowerAscii(url.substr(0, 8));
      if (!lower.starts_with("http://") && !lower.starts_with("https://")) {
        static_cast<void>(exchange.Say(400, "only HTTP and HTTPS can be asked for"));
        return;
      }
      static_cast<void>(exchange.Run(reader, **head, url));
    }
  }

  void ServeEncrypted(int socket, const std::string& target, ByteStream& plain, Exchange& outer) {
    const auto context = shared_->authority->ContextFor(HostOf(target));
    if (!context) {
      static_cast<void>(outer.Say(400, context.error().message()));
      return;
    }
    if (!plain.Write("HTTP/1.1 200 Connection Established\r\n\r\n")) {
      return;
    }
    const Result<std::unique_ptr<ByteStream>> stream = TlsStream(socket, context->get());
    if (!stream) {
      return;
    }
    MessageReader reader(**stream);
    Exchange exchange(*shared_, check_, traffic_, **stream, stop_.get_token());
    const Result<std::optional<RequestHead>> head = reader.ReadHead();
    if (!head || (*head && !(*head)->target.starts_with('/'))) {
      static_cast<void>(exchange.Say(400, head ? "a path was expected" : head.error().message()));
    } else if (*head) {
      static_cast<void>(exchange.Run(reader, **head, "https://" + target + (*head)->target));
    }
  }

  const std::shared_ptr<Shared> shared_;
  const Namespace network_;
  const ops::CheckProxied check_;
  const std::string url_;
  Traffic traffic_;
  std::stop_source stop_;
  std::list<Connection> connections_;  // of the listening thread, and of Stop after it
  std::thread listener_;
};

class Proxies final : public ops::StepProxies {
 public:
  explicit Proxies(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  Result<std::unique_ptr<ops::StepProxy>> Start(ops::CheckProxied check) override {
    return std::make_unique<Proxy>(shared_, LOAM_TRY(Namespace::Make()), std::move(check));
  }

 private:
  const std::shared_ptr<Shared> shared_;
};

}  // namespace

Result<std::unique_ptr<ops::StepProxies>> MakeStepProxies() {
  auto shared = std::make_shared<Shared>();
  shared->authority = LOAM_TRY(Authority::Make());
  return std::make_unique<Proxies>(std::move(shared));
}

}  // namespace loam::proxy
