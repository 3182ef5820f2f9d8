#include "runtime-executor/registry/authorizer.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/strings.h"
#include "runtime-executor/registry/registry_error.h"
#include "runtime-executor/session/token_fetcher.h"

namespace loam::registry {
namespace {

using nlohmann::json;

constexpr std::int64_t kDefaultLifetime = 60;  // seconds, by the token specification
constexpr std::int64_t kLongestLifetime = 24L * 3600;
constexpr std::int64_t kExpiryMargin = 10;
constexpr std::string_view kClientId = "loam";

std::string Basic(const session::RegistryCredentials& credentials) {
  return "Basic " + Base64Encode(credentials.username + ":" + credentials.password);
}

std::string TokenKey(const AuthScope& scope) {
  std::vector<std::string> scopes = scope.scopes;
  std::sort(scopes.begin(), scopes.end());
  return fmt::format("{}\n{}\n{}", scope.origin, Join(scopes, " "), static_cast<const void*>(scope.auth.get()));
}

// What is left of a token's life, seen from now.
std::chrono::seconds UsableFor(std::int64_t lifetime) {
  return std::chrono::seconds(std::clamp<std::int64_t>(lifetime, kDefaultLifetime, kLongestLifetime) - kExpiryMargin);
}

// Nothing that could be taken for a header of its own.
bool IsToken(std::string_view token) {
  return !token.empty() && token.find_first_of("\r\n") == std::string_view::npos;
}

std::string TextMember(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Result<session::RegistryCredentials> Authorizer::Credentials(const AuthScope& scope, std::stop_token stop) {
  if (scope.auth == nullptr) {
    return session::RegistryCredentials{};
  }
  return scope.auth->Credentials(scope.host, std::move(stop));
}

Result<bool> Authorizer::HasCredentials(const AuthScope& scope, std::stop_token stop) {
  return !LOAM_TRY(Credentials(scope, std::move(stop))).anonymous();
}

Result<std::string> Authorizer::Header(const AuthScope& scope, std::stop_token stop) {
  Challenge challenge;
  const std::string key = TokenKey(scope);
  {
    const std::scoped_lock lock(mutex_);
    const auto known = challenges_.find(scope.origin);
    if (known == challenges_.end()) {
      return std::string();
    }
    challenge = known->second;
    const auto token = tokens_.find(key);
    if (token != tokens_.end() && token->second.second.expires > clock_.Steady()) {
      return token->second.second.header;
    }
  }
  std::optional<Token> token;
  if (challenge.scheme == "bearer") {
    token = LOAM_TRY(TokenOfClient(scope, challenge, stop));
  }
  if (!token) {
    const auto credentials = LOAM_TRY(Credentials(scope, stop));
    if (!credentials.registry_token.empty()) {
      return "Bearer " + credentials.registry_token;
    }
    if (challenge.scheme == "basic") {
      return credentials.username.empty() ? std::string() : Basic(credentials);
    }
    token = LOAM_TRY(FetchToken(scope, challenge, credentials, std::move(stop)));
  }
  std::string header = token->header;
  const std::scoped_lock lock(mutex_);
  tokens_.insert_or_assign(key, std::pair(scope.auth, *std::move(token)));
  return header;
}

Result<bool> Authorizer::OnUnauthorized(const AuthScope& scope, const HttpResponse& response,
                                        const std::string& header_sent) {
  auto challenges = ParseChallenges(response.Header("www-authenticate"));
  const auto pick = [&](std::string_view scheme) {
    return std::find_if(challenges.begin(), challenges.end(), [&](const Challenge& c) {
      return c.scheme == scheme && (scheme == "basic" || !c.Parameter("realm").empty());
    });
  };
  auto chosen = pick("bearer");
  if (chosen == challenges.end()) {
    chosen = pick("basic");
  }
  const std::scoped_lock lock(mutex_);
  tokens_.erase(TokenKey(scope));
  if (chosen == challenges.end()) {
    return false;
  }
  challenges_.insert_or_assign(scope.origin, *chosen);
  return chosen->scheme == "bearer" || !header_sent.starts_with("Basic ");
}

Result<std::optional<Authorizer::Token>> Authorizer::TokenOfClient(const AuthScope& scope, const Challenge& challenge,
                                                                   std::stop_token stop) {
  auto* const client = dynamic_cast<session::TokenFetcher*>(scope.auth.get());
  if (client == nullptr) {
    return std::optional<Token>();
  }
  const session::TokenRequest request{scope.host, challenge.Parameter("realm"), challenge.Parameter("service"),
                                      scope.scopes};
  const auto got = LOAM_TRY_CONTEXT(fmt::format("get a token for `{}` by the client", scope.host),
                                    client->FetchToken(request, std::move(stop)));
  if (!got) {
    return std::optional<Token>();
  }
  if (!IsToken(got->token)) {
    return Unexpected(ErrorCode::kUnavailable, fmt::format("the client's token for `{}` is none", scope.host));
  }
  return std::optional(Token{"Bearer " + got->token, clock_.Steady() + UsableFor(got->lifetime.count())});
}

Result<Authorizer::Token> Authorizer::FetchToken(const AuthScope& scope, const Challenge& challenge,
                                                 const session::RegistryCredentials& credentials,
                                                 std::stop_token stop) {
  const std::string realm(challenge.Parameter("realm"));
  const std::string service(challenge.Parameter("service"));
  const bool same_host = UrlOrigin(realm) == scope.origin;
  HttpRequest request;
  request.tls = same_host ? scope.tls : TlsOptions{};
  request.no_proxy = scope.no_proxy && same_host;
  std::string form;
  if (!credentials.identity_token.empty()) {
    form = "grant_type=refresh_token&refresh_token=" + UrlEscape(credentials.identity_token) +
           "&client_id=" + std::string(kClientId) + "&service=" + UrlEscape(service) +
           "&scope=" + UrlEscape(Join(scope.scopes, " "));
    request.method = "POST";
    request.url = realm;
    request.headers = {"Content-Type: application/x-www-form-urlencoded"};
    request.body = form;
  } else {
    request.url = realm;
    if (!service.empty()) {
      AddQuery(request.url, "service", service);
    }
    for (const std::string& one : scope.scopes) {
      AddQuery(request.url, "scope", one);
    }
    if (!credentials.username.empty()) {
      AddQuery(request.url, "account", credentials.username);
      request.headers = {"Authorization: " + Basic(credentials)};
    }
  }
  const std::string doing = fmt::format("get a token for `{}` from {}", scope.host, realm);
  const HttpResponse response = LOAM_TRY_CONTEXT(doing, http_.Perform(request, std::move(stop)));
  if (!response.ok()) {
    return tl::unexpected(
        ErrorFromResponse(response, {.host = scope.host, .logged_in = !credentials.anonymous()}).Wrap(doing));
  }
  const json answer = json::parse(response.body, nullptr, false);
  std::string token = answer.is_object() ? TextMember(answer, "token") : std::string();
  if (token.empty() && answer.is_object()) {
    token = TextMember(answer, "access_token");
  }
  if (!IsToken(token)) {
    return Unexpected(ErrorCode::kUnavailable, doing + ": the answer has no token");
  }
  std::int64_t lifetime = kDefaultLifetime;
  if (const auto expires = answer.find("expires_in"); expires != answer.end() && expires->is_number()) {
    lifetime = expires->get<std::int64_t>();
  }
  return Token{"Bearer " + token, clock_.Steady() + UsableFor(lifetime)};
}

}  // namespace loam::registry
