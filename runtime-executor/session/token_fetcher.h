// Clients that get registry tokens themselves, so that their passwords stay with them.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::session {

// As the registry's challenge has them.
struct TokenRequest {
  std::string_view host;  // as in references ("docker.io", "localhost:5000")
  std::string_view realm;
  std::string_view service;
  const std::vector<std::string>& scopes;
};

struct RegistryToken {
  std::string token;
  std::chrono::seconds lifetime{0};  // 0: not told
};

// RegistryAuth objects of such clients are one of these as well. Thread-safe; may block.
class TokenFetcher {
 public:
  virtual ~TokenFetcher() = default;
  // nullopt: this client leaves it to whoever asks, with its credentials.
  virtual Result<std::optional<RegistryToken>> FetchToken(const TokenRequest& request, std::stop_token stop) = 0;
};

}  // namespace loam::session
