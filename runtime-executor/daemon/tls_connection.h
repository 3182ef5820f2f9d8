// TLS at the door: gRPC's own server refuses clients that do not offer HTTP/2 by ALPN, and BuildKit's clients do not
// all offer it. So connections are decrypted here and handed on in the clear over a socket pair.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"

struct ssl_ctx_st;
struct ssl_st;

namespace loam::daemon {

struct TlsOptions {
  // Both or none.
  std::string certificate_file;
  std::string key_file;
  // Clients must show a certificate of this authority; empty: they need none.
  std::string client_ca_file;

  [[nodiscard]] bool enabled() const { return !certificate_file.empty() || !key_file.empty(); }
};

// Certificates as loaded. Thread-safe.
class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>> Load(const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  [[nodiscard]] ssl_ctx_st* handle() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* const context_;
};

// One connection of a client, served by a thread of its own until either side ends it.
class TlsConnection {
 public:
  // `plain` gets the decrypted side, for whoever serves it.
  static Result<std::unique_ptr<TlsConnection>> Start(std::shared_ptr<TlsContext> context, UniqueFd socket,
                                                      UniqueFd* plain);
  // Ends it.
  ~TlsConnection();
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  [[nodiscard]] bool done() const { return done_; }

 private:
  TlsConnection(std::shared_ptr<TlsContext> context, UniqueFd socket, UniqueFd plain);
  void Run();

  const std::shared_ptr<TlsContext> context_;
  const UniqueFd socket_;
  const UniqueFd plain_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace loam::daemon
