#include "runtime-executor/proxy/step_proxies.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/unique_fd.h"
#include "tests/support/require.h"

namespace loam::proxy {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

UniqueFd Connect(int port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? std::move(socket)
                                                                                             : UniqueFd();
}

std::string ReadToEnd(int socket) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(socket, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

void Send(int socket, const std::string& text) {
  EXPECT_EQ(::send(socket, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

// Answers every request with the same on the host's loopback, and keeps the requests.
class Origin {
 public:
  explicit Origin(std::string answer) : answer_(std::move(answer)) {
    listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~Origin() { End(); }
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  // What it got; it is gone then.
  const std::string& End() {
    if (thread_.joinable()) {
      ::shutdown(listener_.get(), SHUT_RDWR);
      thread_.join();
    }
    return got_;
  }

 private:
  void Serve() {
    while (true) {
      const UniqueFd socket(::accept(listener_.get(), nullptr, nullptr));
      if (!socket.valid()) {
        return;
      }
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos ||
             (request.starts_with("POST") && request.find("body") == std::string::npos)) {
        const ssize_t got = ::read(socket.get(), buffer, sizeof buffer);
        if (got <= 0) {
          break;
        }
        request.append(buffer, static_cast<std::size_t>(got));
      }
      got_ += request;
      Send(socket.get(), answer_);
    }
  }

  const std::string answer_;
  UniqueFd listener_;
  int port_ = 0;
  std::string got_;
  std::thread thread_;
};

class StepProxiesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      LOAM_TEST_SKIP("needs root");
    }
    std::signal(SIGPIPE, SIG_IGN);  // as in the daemon
    auto proxies = MakeStepProxies();
    ASSERT_TRUE(proxies) << proxies.error().message();
    proxies_ = *std::move(proxies);
  }

  void StartProxy(ops::CheckProxied check) {
    auto proxy = proxies_->Start(std::move(check));
    ASSERT_TRUE(proxy) << proxy.error().message();
    proxy_ = *std::move(proxy);
  }

  [[nodiscard]] int port() const { return std::stoi(proxy_->url().substr(proxy_->url().rfind(':') + 1)); }

  // Runs something in the network of the step.
  void InStep(const std::function<void()>& body) {
    std::thread([&] {
      ASSERT_EQ(::setns(proxy_->network_namespace(), CLONE_NEWNET), 0);
      body();
    }).join();
  }

  std::string Ask(const std::string& request) {
    std::string answer;
    InStep([&] {
      const UniqueFd socket = Connect(port());
      ASSERT_TRUE(socket.valid());
      Send(socket.get(), request);
      answer = ReadToEnd(socket.get());
    });
    return answer;
  }

  std::unique_ptr<ops::StepProxies> proxies_;
  std::unique_ptr<ops::StepProxy> proxy_;
};

TEST_F(StepProxiesTest, TheOnlyWayOutIsTheProxy) {
  Origin origin("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Kind: file\r\n\r\nhello");
  StartProxy({});
  InStep([&] { EXPECT_FALSE(Connect(origin.port()).valid()); });
  const std::string answer = Ask("GET " + origin.Url("/file") +
                                 " HTTP/1.1\r\nHost: ignored\r\nX-Mine: yes\r\nProxy-Connection: keep-alive\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("x-kind: file\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nhello")) << answer;
  const ops::ProxyTraffic traffic = proxy_->Stop();
  EXPECT_THAT(origin.End(), HasSubstr("X-Mine: yes"));
  EXPECT_THAT(origin.End(), testing::Not(HasSubstr("Proxy-Connection")));
  ASSERT_EQ(traffic.requests.size(), 1U);
  EXPECT_EQ(traffic.requests[0].method, "GET");
  EXPECT_EQ(traffic.requests[0].url, origin.Url("/file"));
  EXPECT_EQ(traffic.requests[0].status, 200);
  ASSERT_EQ(traffic.files.size(), 1U);
  EXPECT_EQ(traffic.files[0].digest, Digest::Of("hello"));
  EXPECT_TRUE(traffic.incomplete.empty());
}

TEST_F(StepProxiesTest, RequestsAreAllowedDeniedAndLedElsewhere) {
  Origin origin("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  StartProxy([&](const std::string&, const std::string& url) -> Result<std::optional<std::string>> {
    if (url.ends_with("/denied")) {
      return Unexpected(ErrorCode::kPermissionDenied, "no");
    }
    return url.ends_with("/old") ? std::optional(origin.Url("/new")) : std::nullopt;
  });
  EXPECT_THAT(Ask("GET " + origin.Url("/denied") + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_THAT(Ask("GET " + origin.Url("/old") + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(Ask("GET ftp://example.com/ HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  const ops::ProxyTraffic traffic = proxy_->Stop();
  EXPECT_EQ(traffic.requests.size(), 1U);
  EXPECT_THAT(origin.End(), StartsWith("GET /new HTTP/1.1\r\n"));
  EXPECT_THAT(origin.End(), testing::Not(HasSubstr("denied")));
}

TEST_F(StepProxiesTest, BodiesAreSentAndAnswersThatAreNoFilesAreTold) {
  Origin origin("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  StartProxy({});
  EXPECT_THAT(Ask("POST " + origin.Url("/") +
                  " HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;a=b\r\ndy\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 201 Created\r\n"));
  EXPECT_THAT(Ask("GET http://127.0.0.1:1/ HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 502 Bad Gateway\r\n"));
  const ops::ProxyTraffic traffic = proxy_->Stop();
  EXPECT_TRUE(origin.End().ends_with("\r\n\r\nbody")) << origin.End();
  ASSERT_EQ(traffic.incomplete.size(), 2U);
  EXPECT_EQ(traffic.incomplete[0].reason, "method_not_materializable");
  EXPECT_EQ(traffic.incomplete[1].reason, "upstream_error");
  EXPECT_TRUE(traffic.files.empty());
}

TEST_F(StepProxiesTest, EncryptedRequestsAreSeen) {
  std::string seen;
  StartProxy([&](const std::string& method, const std::string& url) -> Result<std::optional<std::string>> {
    seen = method + " " + url;
    return Unexpected(ErrorCode::kPermissionDenied, "no");
  });
  std::string answer;
  InStep([&] {
    const UniqueFd socket = Connect(port());
    Send(socket.get(), "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
    std::string established(39, '\0');
    ASSERT_EQ(::recv(socket.get(), established.data(), established.size(), MSG_WAITALL), 39);
    EXPECT_EQ(established, "HTTP/1.1 200 Connection Established\r\n\r\n");
    const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    const std::shared_ptr<BIO> pem(BIO_new_mem_buf(proxy_->authority().data(), -1), BIO_free_all);
    const std::shared_ptr<X509> authority(PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr), X509_free);
    ASSERT_NE(authority, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const std::shared_ptr<SSL> ssl(SSL_new(context.get()), SSL_free);
    SSL_set1_host(ssl.get(), "example.com");
    SSL_set_fd(ssl.get(), socket.get());
    ASSERT_EQ(SSL_connect(ssl.get()), 1) << X509_verify_cert_error_string(SSL_get_verify_result(ssl.get()));
    const std::string request = "GET /secret HTTP/1.1\r\nHost: example.com\r\n\r\n";
    ASSERT_GT(SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())), 0);
    char buffer[4096];
    for (int got = 0; (got = SSL_read(ssl.get(), buffer, sizeof buffer)) > 0;) {
      answer.append(buffer, static_cast<std::size_t>(got));
    }
  });
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_EQ(seen, "GET https://example.com:443/secret");
  // Connections that nobody ends are ended.
  InStep([&] {
    const UniqueFd idle = Connect(port());
    std::thread([&] { static_cast<void>(proxy_->Stop()); }).join();
    EXPECT_EQ(ReadToEnd(idle.get()), "");
  });
}

}  // namespace
}  // namespace loam::proxy
