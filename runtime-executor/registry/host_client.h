// HostClient: requests to one endpoint of a repository, with credentials, repeated after transient failures.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime-executor/registry/authorizer.h"
#include "runtime-executor/registry/endpoint.h"
#include "runtime-executor/registry/http_client.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/registry/registry_error.h"

namespace loam::registry {

class HostClient {
 public:
  // `mount_from`: further repositories that a push reads from. The references are kept.
  HostClient(const Endpoint& endpoint, HttpClient& http, Authorizer& authorizer, const RegistryOptions& options,
             const Access& access, bool push, const std::vector<std::string>& mount_from = {});

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

  // One request with credentials: an answer of any status (401 only if there is nothing left to try), or why there is
  // none. Credentials are sent only to the endpoint's own origin.
  Result<HttpResponse> Once(HttpRequest request, std::stop_token stop);
  // The same, repeated after transient failures of the connection or the server. `prepare`, if set, is called before
  // every try and may change the request (a range, a receiver that starts anew).
  Result<HttpResponse> Send(HttpRequest request, std::stop_token stop,
                            const std::function<Result<>(HttpRequest&)>& prepare = {});
  // The error for an answer that is no success.
  [[nodiscard]] Error Refusal(const HttpResponse& response) const;
  // Waits before try number `attempt` + 1; false if there is none any more. kCanceled on stop.
  Result<bool> Backoff(int attempt, const HttpResponse* response, std::stop_token stop) const;
  // Whether a failed call may be repeated.
  [[nodiscard]] static bool IsTransient(const Error& error);

 private:
  const Endpoint endpoint_;
  HttpClient& http_;
  Authorizer& authorizer_;
  const RegistryOptions& options_;
  const bool push_;
  AuthScope scope_;
};

}  // namespace loam::registry
