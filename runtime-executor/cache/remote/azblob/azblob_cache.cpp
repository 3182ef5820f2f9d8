#include "runtime-executor/cache/remote/azblob/azblob_cache.h"

#include <charconv>
#include <cstdlib>
#include <mutex>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/strings.h"
#include "runtime-executor/cache/remote/object_cache.h"
#include "runtime-executor/cache/remote/signing.h"

namespace loam::cache {
namespace {

using registry::HttpRequest;
using registry::HttpResponse;
using Headers = std::map<std::string, std::string>;

constexpr std::uint64_t kMaxConfigSize = std::uint64_t{64} << 20;
constexpr std::uint64_t kMaxObjectSize = std::uint64_t{5000} << 20;
constexpr const char* kVersion = "2021-12-02";

std::string AttributeOrVariable(const Attributes& attributes, const std::string& name, const char* variable) {
  const auto found = attributes.find(name);
  if (found != attributes.end()) {
    return found->second;
  }
  const char* value = std::getenv(variable);
  return value == nullptr ? std::string() : std::string(value);
}

// Like a file path: no empty parts.
std::string JoinPath(std::initializer_list<std::string> parts) {
  std::string path;
  for (const std::string& part : parts) {
    for (const std::string_view piece : Split(part, '/')) {
      if (!piece.empty()) {
        path += (path.empty() ? "" : "/") + std::string(piece);
      }
    }
  }
  return path;
}

struct AzureSettings {
  std::string account_url;  // without a slash at its end
  std::string account;
  std::string container;
  std::string key;  // raw bytes
};

Result<AzureSettings> ReadSettings(const Attributes& attributes) {
  AzureSettings settings;
  settings.account_url = AttributeOrVariable(attributes, "account_url", "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL");
  const std::size_t host = settings.account_url.find("://");
  if (host == std::string::npos) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      "either ${BUILDKIT_AZURE_STORAGE_ACCOUNT_URL} or account_url attribute is required for azblob "
                      "cache");
  }
  while (settings.account_url.ends_with('/')) {
    settings.account_url.pop_back();
  }
  settings.account = AttributeOrVariable(attributes, "account_name", "BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME");
  if (settings.account.empty()) {
    settings.account =
        settings.account_url.substr(host + 3, settings.account_url.find_first_of(".:/", host + 3) - host - 3);
  }
  settings.container = AttributeOrVariable(attributes, "container", "BUILDKIT_AZURE_STORAGE_CONTAINER");
  if (settings.container.empty()) {
    settings.container = "buildkit-cache";
  }
  const std::string secret = TextAttribute(attributes, "secret_access_key");
  if (secret.empty()) {
    return Unexpected(Error(ErrorCode::kUnimplemented, "azblob caches are only reached with a shared key")
                          .WithHint("give secret_access_key=KEY"));
  }
  const std::optional<std::string> key = Base64Decode(secret);
  if (!key) {
    return Unexpected(ErrorCode::kInvalidArgument, "failed to create shared key: it is not base64");
  }
  settings.key = *key;
  return settings;
}

class AzureStore final : public ObjectStore {
 public:
  AzureStore(AzureSettings settings, const BackendServices& services)
      : settings_(std::move(settings)), services_(services) {}

  Result<std::optional<Object>> Stat(const std::string& key, std::stop_token stop) override {
    LOAM_TRY(EnsureContainer(stop));
    const HttpResponse response = LOAM_TRY(Send("HEAD", key, "", {}, {}, 0, stop));
    if (response.status == 404) {
      return std::optional<Object>();
    }
    LOAM_TRY(Check(response, "HEAD", key));
    Object object;
    const std::string& length = response.Header("content-length");
    std::from_chars(length.data(), length.data() + length.size(), object.size);
    object.last_modified = response.Header("last-modified");
    return std::optional(std::move(object));
  }

  Result<std::optional<std::string>> Read(const std::string& key, std::stop_token stop) override {
    LOAM_TRY(EnsureContainer(stop));
    HttpRequest request;
    request.body_limit = kMaxConfigSize;
    HttpResponse response = LOAM_TRY(Send("GET", key, "", {}, std::move(request), 0, stop));
    if (response.status == 404) {
      return std::optional<std::string>();
    }
    LOAM_TRY(Check(response, "GET", key));
    return std::optional(std::move(response.body));
  }

  Result<> Download(const std::string& key, const content::Descriptor& blob, const registry::TransferProgress& progress,
                    std::stop_token stop) override {
    return Check(LOAM_TRY(DownloadBlob(Signed("GET", key, "", {}, {}, 0), blob, services_, progress, std::move(stop))),
                 "GET", key);
  }

  Result<> Write(const std::string& key, std::string_view text, std::stop_token stop) override {
    LOAM_TRY(EnsureContainer(stop));
    HttpRequest request;
    request.body = text;
    return Check(LOAM_TRY(Send("PUT", key, "", {{"x-ms-blob-type", "BlockBlob"}}, std::move(request), text.size(),
                               std::move(stop))),
                 "PUT", key);
  }

  Result<> Upload(const std::string& key, const content::Blob& blob, const Digest&, std::stop_token stop) override {
    if (blob.size() > kMaxObjectSize) {
      return Unexpected(ErrorCode::kUnimplemented,
                        fmt::format("layers of more than {} are not written to Azure", HumanBytes(kMaxObjectSize)));
    }
    HttpRequest request;
    request.body_fd = blob.fd();
    request.body_size = blob.size();
    const HttpResponse response =
        LOAM_TRY(Send("PUT", key, "", {{"if-none-match", "*"}, {"x-ms-blob-type", "BlockBlob"}}, std::move(request),
                      blob.size(), std::move(stop)));
    // Somebody else has just written the same bytes.
    return response.status == 409 ? Result<>() : Check(response, "PUT", key);
  }

 private:
  Result<> EnsureContainer(const std::stop_token& stop) {
    const std::lock_guard lock(mutex_);
    if (container_exists_) {
      return {};
    }
    HttpResponse response = LOAM_TRY(Send("GET", "", "restype=container", {}, {}, 0, stop));
    if (response.status == 404) {
      response = LOAM_TRY(Send("PUT", "", "restype=container", {}, {}, 0, stop));
    }
    if (!response.ok() && response.status != 409) {
      return Check(response, "create", settings_.container);
    }
    container_exists_ = true;
    return {};
  }

  // Shared Key (learn.microsoft.com, "Authorize with Shared Key"). `key` empty: the container.
  HttpRequest Signed(const std::string& method, const std::string& key, const std::string& query, Headers headers,
                     HttpRequest request, std::uint64_t length) const {
    const std::string path = EscapePath(settings_.container) + (key.empty() ? "" : "/" + EscapePath(key));
    request.method = method;
    request.url = settings_.account_url + "/" + path + (query.empty() ? "" : "?" + query);
    headers["x-ms-date"] = HttpDate(services_.clock->Now());
    headers["x-ms-version"] = kVersion;
    const auto header = [&](const char* name) {
      const auto found = headers.find(name);
      return found == headers.end() ? std::string() : found->second;
    };
    // Verb, encoding, language, length, MD5, type, date, if-modified-since, if-match, if-none-match,
    // if-unmodified-since, range.
    std::string to_sign =
        fmt::format("{}\n\n\n{}\n\n{}\n\n\n\n{}\n\n\n", method, length == 0 ? "" : std::to_string(length),
                    header("content-type"), header("if-none-match"));
    for (const auto& [name, value] : headers) {
      if (name.starts_with("x-ms-")) {
        to_sign += fmt::format("{}:{}\n", name, value);
      }
    }
    const std::size_t url_path = request.url.find('/', request.url.find("://") + 3);
    const std::string resource = request.url.substr(url_path, request.url.find('?') - url_path);
    to_sign += "/" + settings_.account + resource;
    if (const auto pair = SplitOnce(query, '=')) {
      to_sign += fmt::format("\n{}:{}", pair->first, pair->second);
    }
    request.headers.push_back(fmt::format("Authorization: SharedKey {}:{}", settings_.account,
                                          Base64Encode(HmacSha256(settings_.key, to_sign))));
    for (const auto& [name, value] : headers) {
      request.headers.push_back(name + ": " + value);
    }
    return request;
  }

  Result<HttpResponse> Send(const std::string& method, const std::string& key, const std::string& query,
                            Headers headers, HttpRequest request, std::uint64_t length, std::stop_token stop) {
    return services_.http->Perform(Signed(method, key, query, std::move(headers), std::move(request), length),
                                   std::move(stop));
  }

  Result<> Check(const HttpResponse& response, std::string_view method, const std::string& key) const {
    if (response.ok()) {
      return {};
    }
    const std::string& why = response.Header("x-ms-error-code");
    return Unexpected(response.status == 404   ? ErrorCode::kNotFound
                      : response.status == 403 ? ErrorCode::kPermissionDenied
                                               : ErrorCode::kUnavailable,
                      fmt::format("Azure container {}: {} {}: status {}{}{}", settings_.container, method, key,
                                  response.status, why.empty() ? "" : ": ", why));
  }

  const AzureSettings settings_;
  const BackendServices services_;
  std::mutex mutex_;  // guards container_exists_
  bool container_exists_ = false;
};

struct Opened {
  std::shared_ptr<ObjectStore> store;
  ObjectCacheSettings cache;
};

Result<Opened> Open(const Attributes& attributes, const BackendServices& services) {
  Opened opened;
  opened.store = std::make_shared<AzureStore>(
      LOAM_TRY_CONTEXT("failed to create azblob config", ReadSettings(attributes)), services);
  opened.cache.target_name = "exporting cache to Azure Blob Storage";
  opened.cache.names = CacheNames(attributes);
  opened.cache.reads_all_names = true;
  const std::string prefix = AttributeOrVariable(attributes, "prefix", "BUILDKIT_AZURE_STORAGE_PREFIX");
  opened.cache.manifest_key =
      [prefix, at = TextAttribute(attributes, "manifests_prefix", "manifests")](const std::string& name) {
        return JoinPath({prefix, at, name});
      };
  opened.cache.blob_key = [prefix, at = TextAttribute(attributes, "blobs_prefix", "blobs")](const Digest& digest) {
    return JoinPath({prefix, at, digest.ToString()});
  };
  return opened;
}

}  // namespace

Result<std::unique_ptr<CacheSource>> OpenAzblobCacheSource(const Attributes& attributes,
                                                           const BackendServices& services) {
  Opened opened = LOAM_TRY(Open(attributes, services));
  return MakeObjectCacheSource(std::move(opened.store), std::move(opened.cache));
}

Result<std::unique_ptr<CacheTarget>> OpenAzblobCacheTarget(const Attributes& attributes,
                                                           const BackendServices& services) {
  Opened opened = LOAM_TRY(Open(attributes, services));
  return MakeObjectCacheTarget(std::move(opened.store), std::move(opened.cache), services);
}

}  // namespace loam::cache
