// HttpClient: blocking HTTP/1.1 requests on kept connections (libcurl). Thread-safe. Every body is bounded: in memory
// by a limit, streamed by its receiver. No retries and no credentials here.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/result.h"

namespace loam::registry {

// Kept with errors of a connection (as opposed to answers of a server).
class ConnectionErrorDetail final : public ErrorDetail {
 public:
  ConnectionErrorDetail(bool is_transient, bool is_tls) : transient(is_transient), tls(is_tls) {}
  // Another try may help: reset, time-out, closed early. Not: refused, no such host, bad certificate.
  const bool transient;
  // The other side does not speak TLS, or its certificate is not accepted.
  const bool tls;
};

struct HttpResponse {
  long status = 0;
  // Names in lower case; of a repeated header all values, joined by ", ".
  std::map<std::string, std::string, std::less<>> headers;
  // Empty if it went to the receiver.
  std::string body;
  // After redirects.
  std::string url;

  // "" if it is not there.
  [[nodiscard]] const std::string& Header(std::string_view name) const;
  // The Content-Type without parameters.
  [[nodiscard]] std::string ContentType() const;
  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
};

struct TlsOptions {
  bool verify = true;
  std::string ca_file;
  std::string client_cert_file;
  std::string client_key_file;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  TlsOptions tls;
  // Ignore proxies of the environment.
  bool no_proxy = false;
  bool follow_redirects = true;
  // Offer to take the answer compressed; it is given as it was before.
  bool accept_gzip = false;

  // What is sent: `body`, or a part of an open file.
  std::string_view body;
  int body_fd = -1;
  std::uint64_t body_offset = 0;
  std::uint64_t body_size = 0;
  std::function<void(std::uint64_t sent)> on_sent;

  // Larger answers are an error; also the limit for the bodies of errors, which are cut silently.
  std::uint64_t body_limit = 1U << 20U;
  // Takes the body of a 2xx answer piece by piece. An error ends the transfer and is the error of the call. `head` has
  // status and headers.
  std::function<Result<>(const HttpResponse& head, std::string_view data)> receiver;
  // Called once before the body of a 2xx answer when a receiver is set.
  std::function<Result<>(const HttpResponse& head)> on_head;
};

struct HttpOptions {
  std::string user_agent;
  std::chrono::milliseconds connect_timeout{30'000};
  std::chrono::seconds stall_timeout{60};
};

class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;

  // An answer of any status, or why there is none (ConnectionErrorDetail; kCanceled on stop).
  Result<HttpResponse> Perform(const HttpRequest& request, std::stop_token stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// `reference` (absolute or relative, as in a Location header) as seen from `base`. kInvalidArgument if it is no URL.
Result<std::string> ResolveUrl(const std::string& base, const std::string& reference);
// "https://host:port" of a URL, port always there; empty for anything else.
std::string UrlOrigin(const std::string& url);
// Appends "?name=value" or "&name=value", the value escaped.
void AddQuery(std::string& url, std::string_view name, std::string_view value);
std::string UrlEscape(std::string_view text);

}  // namespace loam::registry
