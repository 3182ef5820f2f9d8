// Authorizer: the Authorization headers of registry requests. Answers Basic and Bearer challenges (distribution's token
// specification, also with OAuth2 refresh tokens), remembers challenges and tokens. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runtime-executor/registry/challenge.h"
#include "runtime-executor/registry/http_client.h"
#include "runtime-executor/session/client_services.h"

namespace loam::registry {

// Who asks where for what. Tokens are shared only between equal ones.
struct AuthScope {
  std::string origin;  // "https://host:port" of the registry
  std::string host;    // as in references; names the credentials
  // "repository:library/alpine:pull"; the first is what the request is about.
  std::vector<std::string> scopes;
  // Null: anonymous.
  std::shared_ptr<session::RegistryAuth> auth;
  TlsOptions tls;
  bool no_proxy = false;
};

class Authorizer {
 public:
  explicit Authorizer(HttpClient& http, const Clock& clock = SystemClock()) : http_(http), clock_(clock) {}

  // The value of the Authorization header; empty if none is needed as far as is known.
  Result<std::string> Header(const AuthScope& scope, std::stop_token stop);
  // After a 401: takes note of the challenge and forgets the token that was refused. False: another try with a new
  // Header is no use. (To be called once a request: a token that was just made and is refused stays refused.)
  Result<bool> OnUnauthorized(const AuthScope& scope, const HttpResponse& response, const std::string& header_sent);
  // Whether credentials for the host are there, for error messages.
  Result<bool> HasCredentials(const AuthScope& scope, std::stop_token stop);

 private:
  struct Token {
    std::string header;
    SteadyTime expires;
  };
  Result<session::RegistryCredentials> Credentials(const AuthScope& scope, std::stop_token stop);
  // nullopt: the client gets none by itself.
  Result<std::optional<Token>> TokenOfClient(const AuthScope& scope, const Challenge& challenge, std::stop_token stop);
  Result<Token> FetchToken(const AuthScope& scope, const Challenge& challenge,
                           const session::RegistryCredentials& credentials, std::stop_token stop);

  HttpClient& http_;
  const Clock& clock_;
  std::mutex mutex_;                             // guards the two below; not held during requests
  std::map<std::string, Challenge> challenges_;  // by origin
  // The key has the RegistryAuth, which must live as long as what it was used for.
  std::map<std::string, std::pair<std::shared_ptr<session::RegistryAuth>, Token>> tokens_;
};

}  // namespace loam::registry
