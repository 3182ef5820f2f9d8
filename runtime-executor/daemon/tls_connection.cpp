#include "runtime-executor/daemon/tls_connection.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <string_view>

#include <fmt/format.h>

#include "base/freed_by.h"

namespace loam::daemon {
namespace {

constexpr std::size_t kBuffer = std::size_t{64} << 10;
constexpr int kHandshakeSeconds = 30;

tl::unexpected<Error> TlsError(std::string_view doing) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return Unexpected(ErrorCode::kFailedPrecondition, fmt::format("{}: {}", doing, text.data()));
}

// HTTP/2 for those who ask; no word of it to the others.
int SelectProtocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                   void*) {
  static constexpr std::array<unsigned char, 3> kH2 = {2, 'h', '2'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kH2.data(), kH2.size(), in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

using SslPtr = std::unique_ptr<SSL, FreedBy<SSL_free>>;

// Bytes on their way in one direction.
class Buffer {
 public:
  Buffer() : bytes_(kBuffer, '\0') {}
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  char* space() { return bytes_.data(); }
  [[nodiscard]] static int size() { return static_cast<int>(kBuffer); }
  void Filled(std::size_t count) {
    begin_ = 0;
    end_ = count;
  }
  [[nodiscard]] std::string_view rest() const { return std::string_view(bytes_).substr(begin_, end_ - begin_); }
  void Taken(std::size_t count) { begin_ += count; }

 private:
  std::string bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Moves bytes both ways until one side ends.
class Pump {
 public:
  Pump(SSL* ssl, int socket, int plain) : ssl_(ssl), socket_(socket), plain_(plain) {}

  void Run() {
    while (open_) {
      socket_events_ = 0;
      bool moved = FromTls();
      moved = ToPlain() || moved;
      moved = FromPlain() || moved;
      moved = ToTls() || moved;
      if (open_ && !moved) {
        Wait();
      }
    }
  }

 private:
  bool FromTls() {
    if (!in_.empty()) {
      return false;
    }
    const int got = SSL_read(ssl_, in_.space(), Buffer::size());
    if (got > 0) {
      in_.Filled(static_cast<std::size_t>(got));
      return true;
    }
    return Blocked(got);
  }
  bool ToTls() {
    if (out_.empty()) {
      return false;
    }
    const std::string_view rest = out_.rest();
    const int sent = SSL_write(ssl_, rest.data(), static_cast<int>(rest.size()));
    if (sent > 0) {
      out_.Taken(static_cast<std::size_t>(sent));
      return true;
    }
    return Blocked(sent);
  }
  // Notes what the connection waits for; ends on anything else. Always false: nothing moved.
  bool Blocked(int result) {
    switch (SSL_get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ:
        socket_events_ |= POLLIN;
        break;
      case SSL_ERROR_WANT_WRITE:
        socket_events_ |= POLLOUT;
        break;
      default:
        ERR_clear_error();
        open_ = false;
    }
    return false;
  }
  bool ToPlain() {
    if (in_.empty()) {
      return false;
    }
    const std::string_view rest = in_.rest();
    const ssize_t sent = send(plain_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      open_ = open_ && (errno == EAGAIN || errno == EINTR);
      return false;
    }
    in_.Taken(static_cast<std::size_t>(sent));
    return true;
  }
  bool FromPlain() {
    if (!out_.empty()) {
      return false;
    }
    const ssize_t got = recv(plain_, out_.space(), kBuffer, 0);
    if (got > 0) {
      out_.Filled(static_cast<std::size_t>(got));
      return true;
    }
    if (got == 0) {
      SSL_shutdown(ssl_);
      open_ = false;
    } else {
      open_ = open_ && (errno == EAGAIN || errno == EINTR);
    }
    return false;
  }
  void Wait() {
    const auto plain_events = static_cast<short>((out_.empty() ? POLLIN : 0) | (in_.empty() ? 0 : POLLOUT));
    std::array<pollfd, 2> polled = {{{socket_, socket_events_, 0}, {plain_, plain_events, 0}}};
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
      open_ = false;
    }
  }

  SSL* const ssl_;
  const int socket_;
  const int plain_;
  Buffer in_;
  Buffer out_;
  short socket_events_ = 0;
  bool open_ = true;
};

bool Accept(SSL* ssl, int socket) {
  while (true) {
    const int result = SSL_accept(ssl);
    if (result == 1) {
      return true;
    }
    const int error = SSL_get_error(ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      ERR_clear_error();
      return false;
    }
    pollfd polled{socket, static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
    if (poll(&polled, 1, kHandshakeSeconds * 1000) == 0) {
      return false;
    }
  }
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::Load(const TlsOptions& options) {
  if (options.certificate_file.empty() || options.key_file.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "you must specify key and cert file if one is specified");
  }
  std::shared_ptr<TlsContext> context(new TlsContext(SSL_CTX_new(TLS_server_method())));
  SSL_CTX* const handle = context->handle();
  SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION);
  SSL_CTX_set_mode(handle, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(handle, SelectProtocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(handle, options.certificate_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(handle, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(handle) != 1) {
    return TlsError("could not load server key pair");
  }
  if (!options.client_ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(handle, options.client_ca_file.c_str(), nullptr) != 1) {
      return TlsError("could not read ca certificate");
    }
    SSL_CTX_set_verify(handle, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

Result<std::unique_ptr<TlsConnection>> TlsConnection::Start(std::shared_ptr<TlsContext> context, UniqueFd socket,
                                                            UniqueFd* plain) {
  std::array<int, 2> fds{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()) != 0) {
    return UnexpectedErrno("socketpair");
  }
  *plain = UniqueFd(fds[0]);
  return std::unique_ptr<TlsConnection>(new TlsConnection(std::move(context), std::move(socket), UniqueFd(fds[1])));
}

TlsConnection::TlsConnection(std::shared_ptr<TlsContext> context, UniqueFd socket, UniqueFd plain)
    : context_(std::move(context)), socket_(std::move(socket)), plain_(std::move(plain)), thread_([this] { Run(); }) {}

TlsConnection::~TlsConnection() {
  shutdown(socket_.get(), SHUT_RDWR);
  shutdown(plain_.get(), SHUT_RDWR);
  thread_.join();
}

void TlsConnection::Run() {
  // OpenSSL writes without MSG_NOSIGNAL.
  sigset_t pipe{};
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  const SslPtr ssl(SSL_new(context_->handle()));
  if (ssl != nullptr && SSL_set_fd(ssl.get(), socket_.get()) == 1 && Accept(ssl.get(), socket_.get())) {
    Pump(ssl.get(), socket_.get(), plain_.get()).Run();
  }
  // Both peers see the end now; the descriptors go with the object.
  shutdown(plain_.get(), SHUT_RDWR);
  shutdown(socket_.get(), SHUT_RDWR);
  done_ = true;
}

}  // namespace loam::daemon
