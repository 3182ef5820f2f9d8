#include "runtime-executor/registry/host_client.h"

#include <algorithm>
#include <charconv>

#include "base/stoppable_sleep.h"

namespace loam::registry {
namespace {

// A registry that asks for a longer pause is not waited for.
constexpr std::chrono::seconds kLongestWait{60};

std::optional<std::chrono::seconds> RetryAfter(const HttpResponse& response) {
  const std::string& text = response.Header("retry-after");
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || seconds < 0) {
    return std::nullopt;
  }
  return std::chrono::seconds(std::min<std::int64_t>(seconds, 1 << 20));
}

}  // namespace

HostClient::HostClient(const Endpoint& endpoint, HttpClient& http, Authorizer& authorizer,
                       const RegistryOptions& options, const Access& access, bool push,
                       const std::vector<std::string>& mount_from)
    : endpoint_(endpoint), http_(http), authorizer_(authorizer), options_(options), push_(push) {
  scope_.origin = endpoint.origin;
  scope_.host = endpoint.host;
  scope_.auth = access.auth;
  scope_.tls = endpoint.tls;
  scope_.no_proxy = endpoint.no_proxy;
  scope_.scopes.push_back("repository:" + endpoint.repository + (push ? ":pull,push" : ":pull"));
  for (const std::string& repository : mount_from) {
    scope_.scopes.push_back("repository:" + repository + ":pull");
  }
}

Result<HttpResponse> HostClient::Once(HttpRequest request, std::stop_token stop) {
  const bool own_origin = UrlOrigin(request.url) == endpoint_.origin;
  request.tls = own_origin ? endpoint_.tls : TlsOptions{};
  request.no_proxy = own_origin && endpoint_.no_proxy;
  const std::vector<std::string> headers = request.headers;
  for (int round = 0;; ++round) {
    std::string authorization;
    if (own_origin) {
      authorization = LOAM_TRY(authorizer_.Header(scope_, stop));
    }
    request.headers = headers;
    if (!authorization.empty()) {
      request.headers.push_back("Authorization: " + authorization);
    }
    HttpResponse response = LOAM_TRY(http_.Perform(request, stop));
    if (response.status != 401 || !own_origin || round > 0 ||
        !LOAM_TRY(authorizer_.OnUnauthorized(scope_, response, authorization))) {
      return response;
    }
  }
}

bool HostClient::IsTransient(const Error& error) {
  const auto* connection = error.Detail<ConnectionErrorDetail>();
  return connection != nullptr && connection->transient;
}

Result<bool> HostClient::Backoff(int attempt, const HttpResponse* response, std::stop_token stop) const {
  if (attempt >= options_.attempts) {
    return false;
  }
  std::chrono::milliseconds pause = options_.first_backoff * (1 << std::min(attempt - 1, 10));
  if (response != nullptr) {
    if (const auto wanted = RetryAfter(*response)) {
      if (*wanted > kLongestWait) {
        return false;
      }
      pause = std::max<std::chrono::milliseconds>(pause, *wanted);
    }
  }
  if (!SleepUnlessStopped(pause, stop)) {
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  return true;
}

Result<HttpResponse> HostClient::Send(HttpRequest request, std::stop_token stop,
                                      const std::function<Result<>(HttpRequest&)>& prepare) {
  for (int attempt = 1;; ++attempt) {
    if (prepare) {
      LOAM_TRY(prepare(request));
    }
    auto response = Once(request, stop);
    const bool again = response ? IsTransientStatus(response->status) : IsTransient(response.error());
    if (!again || !LOAM_TRY(Backoff(attempt, response ? &*response : nullptr, stop))) {
      return response;
    }
  }
}

Error HostClient::Refusal(const HttpResponse& response) const {
  bool logged_in = false;
  if (auto known = authorizer_.HasCredentials(scope_, {})) {
    logged_in = *known;
  }
  return ErrorFromResponse(response, {endpoint_.host, logged_in, push_});
}

}  // namespace loam::registry
