#include "runtime-executor/cache/remote/gha/gha_client.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/strings.h"

namespace loam::cache {
namespace {

using nlohmann::json;
using registry::HttpRequest;
using registry::HttpResponse;

constexpr std::uint64_t kChunk = std::uint64_t{32} << 20;
constexpr std::uint64_t kMaxAnswer = 32U << 10U;
constexpr int kMayWrite = 2;

// All entries have one "version", which upstream derives from this text.
std::string EntryVersion() {
  return Digest::Of("|go-actionscache-1.0").Hex();
}

// The claims of a JSON web token; not verified, the service does that.
Result<json> ClaimsOf(const std::string& token) {
  const auto parts = Split(token, '.');
  if (parts.size() != 3) {
    return Unexpected(ErrorCode::kInvalidArgument, "the token for the github actions cache is no web token");
  }
  std::string payload(parts[1]);
  std::replace(payload.begin(), payload.end(), '-', '+');
  std::replace(payload.begin(), payload.end(), '_', '/');
  const std::optional<std::string> text = Base64Decode(payload);
  json claims = text ? json::parse(*text, nullptr, false) : json();
  if (!claims.is_object()) {
    return Unexpected(ErrorCode::kInvalidArgument, "the token for the github actions cache has no claims");
  }
  return claims;
}

// Part of an entry that is left to send.
void SetBody(HttpRequest& request, const GhaBody& body, std::uint64_t offset, std::uint64_t size) {
  if (body.blob != nullptr) {
    request.body_fd = body.blob->fd();
    request.body_offset = offset;
    request.body_size = size;
  } else {
    request.body = body.text.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }
}

class Service {
 public:
  Service(const GhaSettings& settings, const BackendServices& services) : settings_(settings), services_(services) {}

 protected:
  Result<HttpResponse> Ask(const std::string& method, const std::string& url, const std::string& body,
                           const std::stop_token& stop) {
    HttpRequest request;
    request.method = method;
    request.url = url;
    request.headers = {"Authorization: Bearer " + settings_.token};
    if (method != "GET") {
      request.headers.emplace_back("Content-Type: application/json");
    }
    if (!settings_.v2) {
      request.headers.emplace_back("Accept: application/json;api-version=6.0-preview.1");
    }
    request.body = body;
    request.body_limit = kMaxAnswer;
    return services_.http->Perform(request, stop);
  }

  static Error Refused(std::string_view doing, const HttpResponse& response) {
    const json answer = json::parse(response.body, nullptr, false);
    std::string why;
    if (answer.is_object()) {
      why = answer.value("message", answer.value("msg", std::string()));
    }
    return {
        response.status == 401 || response.status == 403 ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable,
        fmt::format("github actions cache: {}: status {}{}{}", doing, response.status, why.empty() ? "" : ": ", why)};
  }

  static bool IsTaken(const HttpResponse& response) {
    const std::string answer = ToLowerAscii(response.body);
    return response.status == 409 || answer.find("alreadyexists") != std::string::npos ||
           answer.find("already exists") != std::string::npos || answer.find("already_exists") != std::string::npos;
  }

  const GhaSettings settings_;
  const BackendServices services_;
};

class ClientV2 final : public GhaClient, private Service {
 public:
  using Service::Service;

  Result<std::optional<GhaEntry>> Find(const std::string& key, std::stop_token stop) override {
    const json question = {{"key", key}, {"restore_keys", {key}}, {"version", EntryVersion()}};
    const HttpResponse response = LOAM_TRY(Call("GetCacheEntryDownloadURL", question, stop));
    if (response.status == 404) {
      return std::optional<GhaEntry>();
    }
    const json answer = json::parse(response.body, nullptr, false);
    if (!response.ok() || !answer.is_object()) {
      return Unexpected(Refused("look for " + key, response));
    }
    if (!answer.value("ok", false)) {
      return std::optional<GhaEntry>();
    }
    return std::optional(
        GhaEntry{answer.value("matched_key", std::string()), answer.value("signed_download_url", std::string())});
  }

  Result<bool> Save(const std::string& key, const GhaBody& body, std::stop_token stop) override {
    const HttpResponse reserved = LOAM_TRY(Call("CreateCacheEntry", {{"key", key}, {"version", EntryVersion()}}, stop));
    if (!reserved.ok() && IsTaken(reserved)) {
      return false;
    }
    const json answer = json::parse(reserved.body, nullptr, false);
    if (!reserved.ok() || !answer.is_object() || !answer.value("ok", false)) {
      return Unexpected(Refused("reserve " + key, reserved));
    }
    LOAM_TRY(Upload(answer.value("signed_upload_url", std::string()), body, stop));
    const HttpResponse done = LOAM_TRY(Call(
        "FinalizeCacheEntryUpload", {{"key", key}, {"size_bytes", body.size()}, {"version", EntryVersion()}}, stop));
    const json finished = json::parse(done.body, nullptr, false);
    if (!done.ok() || !finished.is_object() || !finished.value("ok", false)) {
      return Unexpected(Refused("commit " + key, done));
    }
    return true;
  }

 private:
  Result<HttpResponse> Call(const std::string& method, const json& question, const std::stop_token& stop) {
    return Ask("POST", fmt::format("{}/twirp/github.actions.results.api.v1.CacheService/{}", settings_.url, method),
               question.dump(), stop);
  }

  // As blocks of a block blob; the URL carries the permission.
  Result<> Upload(const std::string& url, const GhaBody& body, const std::stop_token& stop) {
    std::string blocks = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
    for (std::uint64_t offset = 0; offset < body.size(); offset += kChunk) {
      const std::string id = Base64Encode(fmt::format("{:016}", offset / kChunk));
      HttpRequest request;
      request.method = "PUT";
      request.url = url;
      registry::AddQuery(request.url, "comp", "block");
      registry::AddQuery(request.url, "blockid", id);
      request.headers = {"x-ms-version: 2021-12-02"};
      SetBody(request, body, offset, std::min(kChunk, body.size() - offset));
      const HttpResponse response = LOAM_TRY(services_.http->Perform(request, stop));
      if (!response.ok()) {
        return Unexpected(Refused("upload", response));
      }
      blocks += fmt::format("<Latest>{}</Latest>", id);
    }
    blocks += "</BlockList>";
    HttpRequest request;
    request.method = "PUT";
    request.url = url;
    registry::AddQuery(request.url, "comp", "blocklist");
    request.headers = {"x-ms-version: 2021-12-02", "Content-Type: application/xml"};
    request.body = blocks;
    const HttpResponse response = LOAM_TRY(services_.http->Perform(request, stop));
    return response.ok() ? Result<>() : Unexpected(Refused("upload", response));
  }
};

class ClientV1 final : public GhaClient, private Service {
 public:
  using Service::Service;

  Result<std::optional<GhaEntry>> Find(const std::string& key, std::stop_token stop) override {
    std::string url = Url("cache");
    registry::AddQuery(url, "keys", key);
    registry::AddQuery(url, "version", EntryVersion());
    const HttpResponse response = LOAM_TRY(Ask("GET", url, "", stop));
    if (!response.ok()) {
      return Unexpected(Refused("look for " + key, response));
    }
    const json answer = json::parse(response.body, nullptr, false);
    if (response.status == 204 || !answer.is_object() || answer.value("cacheKey", std::string()).empty()) {
      return std::optional<GhaEntry>();
    }
    return std::optional(
        GhaEntry{answer.value("cacheKey", std::string()), answer.value("archiveLocation", std::string())});
  }

  Result<bool> Save(const std::string& key, const GhaBody& body, std::stop_token stop) override {
    const HttpResponse reserved =
        LOAM_TRY(Ask("POST", Url("caches"), json{{"key", key}, {"version", EntryVersion()}}.dump(), stop));
    if (!reserved.ok() && IsTaken(reserved)) {
      return false;
    }
    const json answer = json::parse(reserved.body, nullptr, false);
    const std::int64_t id = reserved.ok() && answer.is_object() ? answer.value("cacheId", std::int64_t{0}) : 0;
    if (id == 0) {
      return Unexpected(Refused("reserve " + key, reserved));
    }
    const std::string url = Url(fmt::format("caches/{}", id));
    for (std::uint64_t offset = 0; offset < body.size(); offset += kChunk) {
      const std::uint64_t size = std::min(kChunk, body.size() - offset);
      HttpRequest request;
      request.method = "PATCH";
      request.url = url;
      request.headers = {"Authorization: Bearer " + settings_.token,
                         "Accept: application/json;api-version=6.0-preview.1", "Content-Type: application/octet-stream",
                         fmt::format("Content-Range: bytes {}-{}/*", offset, offset + size - 1)};
      SetBody(request, body, offset, size);
      const HttpResponse response = LOAM_TRY(services_.http->Perform(request, stop));
      if (!response.ok()) {
        return Unexpected(Refused("upload " + key, response));
      }
    }
    const HttpResponse done = LOAM_TRY(Ask("POST", url, json{{"size", body.size()}}.dump(), stop));
    if (!done.ok()) {
      return Unexpected(Refused("commit " + key, done));
    }
    return true;
  }

 private:
  [[nodiscard]] std::string Url(const std::string& path) const {
    return settings_.url + "/_apis/artifactcache/" + path;
  }
};

}  // namespace

Result<GhaSettings> ReadGhaSettings(const Attributes& attributes) {
  GhaSettings settings;
  settings.scope = TextAttribute(attributes, "scope", settings.scope);
  settings.token = TextAttribute(attributes, "token");
  if (settings.token.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "token not set for github actions cache");
  }
  const std::string version = TextAttribute(attributes, "version");
  if (!version.empty() && version != "1" && version != "2") {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("failed to parse api version \"{}\", expected positive integer", version));
  }
  const std::string url_v2 = TextAttribute(attributes, "url_v2");
  settings.v2 = version == "2";
  settings.url = version != "1" ? url_v2 : std::string();
  if (!settings.url.empty()) {
    settings.v2 = true;
  } else {
    settings.url = TextAttribute(attributes, "url");
  }
  if (settings.url.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "url not set for github actions cache");
  }
  if (version.empty() && settings.url.find("results-receiver.actions.githubusercontent.com") != std::string::npos) {
    settings.v2 = true;
  }
  while (settings.url.ends_with('/')) {
    settings.url.pop_back();
  }
  const json claims = LOAM_TRY(ClaimsOf(settings.token));
  const json scopes = json::parse(claims.value("ac", std::string("[]")), nullptr, false);
  for (const json& scope : scopes.is_array() ? scopes : json::array()) {
    if (!scope.is_object()) {
      continue;
    }
    const std::string name = scope.value("Scope", std::string());
    settings.read_scopes.push_back(name);
    if ((scope.value("Permission", 0) & kMayWrite) != 0) {
      settings.write_scope = name;
    }
  }
  return settings;
}

std::unique_ptr<GhaClient> MakeGhaClient(const GhaSettings& settings, const BackendServices& services) {
  if (settings.v2) {
    return std::make_unique<ClientV2>(settings, services);
  }
  return std::make_unique<ClientV1>(settings, services);
}

}  // namespace loam::cache
