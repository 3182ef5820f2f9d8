// From a registry's refusal to an Error that says what to do.
#pragma once

#include <string>

#include "base/error.h"
#include "runtime-executor/registry/http_client.h"

namespace loam::registry {

struct ErrorContext {
  // Registry host as in references.
  std::string host;
  // Credentials were sent.
  bool logged_in = false;
  bool push = false;
};

// For an answer that is no success. The message has the status and what the registry says ("errors" of the
// distribution-spec, or the first line of a plain text); the caller adds what was asked for.
Error ErrorFromResponse(const HttpResponse& response, const ErrorContext& context);

// Whether the same request may work a moment later: 408, 429, 5xx (but 501).
bool IsTransientStatus(long status);

// "text/html instead of a manifest": for a 200 that comes from something that is no registry.
Error NotARegistryError(const HttpResponse& response, const std::string& host, const std::string& expected);

}  // namespace loam::registry
