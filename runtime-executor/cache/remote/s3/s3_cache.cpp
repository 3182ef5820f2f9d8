#include "runtime-executor/cache/remote/s3/s3_cache.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <regex>
#include <span>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/file_system.h"
#include "base/strings.h"
#include "runtime-executor/cache/remote/object_cache.h"
#include "runtime-executor/cache/remote/signing.h"

namespace loam::cache {
namespace {

using registry::HttpRequest;
using registry::HttpResponse;

constexpr std::uint64_t kMaxConfigSize = std::uint64_t{64} << 20;
// Larger objects are written in parts, of which there may be 10,000.
constexpr std::uint64_t kPartSize = std::uint64_t{64} << 20;
constexpr std::uint64_t kMaxObjectSize = 10'000 * kPartSize;
constexpr int kMaxParallel = 64;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string FromAttributeOr(const Attributes& attributes, const std::string& name, const char* variable) {
  const std::string value = TextAttribute(attributes, name);
  return value.empty() ? Environment(variable) : value;
}

struct S3Settings {
  std::string bucket;
  std::string region;
  std::string endpoint;     // "https://host[:port]", with the bucket in it or not
  std::string path_prefix;  // "/bucket" or ""
  std::string access_key;
  std::string secret_key;
  std::string session_token;
};

Result<int> PositiveInteger(const Attributes& attributes, const std::string& name, int fallback) {
  const std::string text = TextAttribute(attributes, name);
  if (text.empty()) {
    return fallback;
  }
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number <= 0) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} must be a positive integer", name));
  }
  return number;
}

// Go's durations as far as people write them here: "24h", "1h30m", "90s".
std::optional<std::chrono::seconds> ParseDuration(const std::string& text) {
  static const std::regex kDuration(R"(^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$)");
  std::smatch match;
  if (text.empty() || text.size() > 32 || !std::regex_match(text, match, kDuration)) {
    return std::nullopt;
  }
  const auto number = [&](std::size_t i) { return match[i].matched ? std::atol(match[i].str().c_str()) : 0L; };
  return std::chrono::seconds(number(1) * 3600 + number(2) * 60 + number(3));
}

Result<S3Settings> ReadSettings(const Attributes& attributes) {
  S3Settings settings;
  settings.bucket = FromAttributeOr(attributes, "bucket", "AWS_BUCKET");
  if (settings.bucket.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "bucket ($AWS_BUCKET) not set for s3 cache");
  }
  settings.region = FromAttributeOr(attributes, "region", "AWS_REGION");
  if (settings.region.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "region ($AWS_REGION) not set for s3 cache");
  }
  settings.access_key = TextAttribute(attributes, "access_key_id");
  settings.secret_key = TextAttribute(attributes, "secret_access_key");
  settings.session_token = TextAttribute(attributes, "session_token");
  if (settings.access_key.empty() || settings.secret_key.empty()) {
    settings.access_key = Environment("AWS_ACCESS_KEY_ID");
    settings.secret_key = Environment("AWS_SECRET_ACCESS_KEY");
    settings.session_token = Environment("AWS_SESSION_TOKEN");
  }
  const std::string mode = TextAttribute(attributes, "retry_mode", "standard");
  if (mode != "standard" && mode != "adaptive") {
    return Unexpected(ErrorCode::kInvalidArgument, "retry_mode must be \"standard\" or \"adaptive\"");
  }
  LOAM_TRY(PositiveInteger(attributes, "retry_max_attempts", 1));
  const std::string endpoint = TextAttribute(attributes, "endpoint_url");
  const Result<bool> path_style = BoolAttribute(attributes, "use_path_style", false);
  if (!endpoint.empty() && path_style && *path_style) {
    settings.endpoint = endpoint;
    settings.path_prefix = "/" + registry::UrlEscape(settings.bucket);
  } else {
    const std::string base = endpoint.empty() ? fmt::format("https://s3.{}.amazonaws.com", settings.region) : endpoint;
    const std::size_t host = base.find("://");
    if (host == std::string::npos) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is not a URL", base));
    }
    settings.endpoint = fmt::format("{}{}.{}", base.substr(0, host + 3), settings.bucket, base.substr(host + 3));
  }
  while (settings.endpoint.ends_with('/')) {
    settings.endpoint.pop_back();
  }
  return settings;
}

class S3Store final : public ObjectStore {
 public:
  S3Store(S3Settings settings, const BackendServices& services) : settings_(std::move(settings)), services_(services) {}

  Result<std::optional<Object>> Stat(const std::string& key, std::stop_token stop) override {
    const HttpResponse response = LOAM_TRY(Send("HEAD", key, {}, Digest::Of(""), {}, stop));
    if (response.status == 404) {
      return std::optional<Object>();
    }
    if (!response.ok()) {
      // HEAD has no body that says why.
      LOAM_TRY(Check(LOAM_TRY(Send("GET", key, {}, Digest::Of(""), {}, stop)), "GET", key));
      LOAM_TRY(Check(response, "HEAD", key));
    }
    Object object;
    object.last_modified = response.Header("last-modified");
    const std::string& length = response.Header("content-length");
    std::from_chars(length.data(), length.data() + length.size(), object.size);
    return std::optional(std::move(object));
  }

  Result<std::optional<std::string>> Read(const std::string& key, std::stop_token stop) override {
    HttpRequest request;
    request.body_limit = kMaxConfigSize;
    HttpResponse response = LOAM_TRY(Send("GET", key, {}, Digest::Of(""), std::move(request), stop));
    if (response.status == 404) {
      return std::optional<std::string>();
    }
    LOAM_TRY(Check(response, "GET", key));
    return std::optional(std::move(response.body));
  }

  Result<> Download(const std::string& key, const content::Descriptor& blob, const registry::TransferProgress& progress,
                    std::stop_token stop) override {
    HttpRequest request = Signed("GET", key, {}, Digest::Of(""), {});
    return Check(LOAM_TRY(DownloadBlob(std::move(request), blob, services_, progress, std::move(stop))), "GET", key);
  }

  Result<> Write(const std::string& key, std::string_view text, std::stop_token stop) override {
    HttpRequest request;
    request.body = text;
    return Check(LOAM_TRY(Send("PUT", key, {}, Digest::Of(text), std::move(request), std::move(stop))), "PUT", key);
  }

  Result<> Upload(const std::string& key, const content::Blob& blob, const Digest& digest,
                  std::stop_token stop) override {
    if (blob.size() > kMaxObjectSize) {
      return Unexpected(ErrorCode::kUnimplemented,
                        fmt::format("layers of more than {} are not written to S3", HumanBytes(kMaxObjectSize)));
    }
    if (blob.size() > kPartSize) {
      return UploadInParts(key, blob, stop);
    }
    HttpRequest request;
    request.body_fd = blob.fd();
    request.body_size = blob.size();
    return Check(LOAM_TRY(Send("PUT", key, {}, digest, std::move(request), std::move(stop))), "PUT", key);
  }

  // A copy onto itself is a new object to the rules by which buckets expire.
  Result<> Touch(const std::string& key, std::stop_token stop) override {
    return Check(LOAM_TRY(Send("PUT", key,
                               {{"x-amz-copy-source", EscapePath(settings_.bucket + "/" + key)},
                                {"x-amz-meta-updated-at", FormatRfc3339(services_.clock->Now())},
                                {"x-amz-metadata-directive", "REPLACE"}},
                               Digest::Of(""), {}, std::move(stop))),
                 "PUT", key);
  }

 private:
  Result<> UploadInParts(const std::string& key, const content::Blob& blob, const std::stop_token& stop) {
    const HttpResponse begun = LOAM_TRY(Send("POST", key, {}, Digest::Of(""), {}, stop, {{"uploads", ""}}));
    LOAM_TRY(Check(begun, "POST", key));
    static const std::regex kUploadId("<UploadId>([^<]+)</UploadId>");
    std::smatch match;
    if (!std::regex_search(begun.body, match, kUploadId)) {
      return Unexpected(ErrorCode::kDataLoss,
                        fmt::format("S3 bucket {}: the upload of {} has no id", settings_.bucket, key));
    }
    const std::string id = match[1].str();
    Result<> done = SendParts(key, id, blob, stop);
    if (!done) {
      // Parts that nobody asks for cost money. The first error counts.
      [[maybe_unused]] const auto aborted = Send("DELETE", key, {}, Digest::Of(""), {}, {}, {{"uploadId", id}});
    }
    return done;
  }

  Result<> SendParts(const std::string& key, const std::string& id, const content::Blob& blob,
                     const std::stop_token& stop) {
    std::string list = "<CompleteMultipartUpload>";
    int number = 0;
    for (std::uint64_t at = 0; at < blob.size(); at += kPartSize) {
      HttpRequest request;
      request.body_fd = blob.fd();
      request.body_offset = at;
      request.body_size = std::min(kPartSize, blob.size() - at);
      const Digest digest = LOAM_TRY(DigestOfPart(blob.fd(), at, request.body_size));
      const HttpResponse sent = LOAM_TRY(Send("PUT", key, {}, digest, std::move(request), stop,
                                              {{"partNumber", std::to_string(++number)}, {"uploadId", id}}));
      LOAM_TRY(Check(sent, "PUT", key));
      list += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number, sent.Header("etag"));
    }
    list += "</CompleteMultipartUpload>";
    HttpRequest request;
    request.body = list;
    HttpResponse ended =
        LOAM_TRY(Send("POST", key, {}, Digest::Of(list), std::move(request), stop, {{"uploadId", id}}));
    // It may fail after its status was sent.
    if (ended.ok() && ended.body.find("<Error>") != std::string::npos) {
      ended.status = 500;
    }
    return Check(ended, "POST", key);
  }

  static Result<Digest> DigestOfPart(int fd, std::uint64_t offset, std::uint64_t size) {
    Sha256 hash;
    std::string block(std::size_t{1} << 20, '\0');
    while (size > 0) {
      const std::size_t wanted = std::min<std::uint64_t>(size, block.size());
      const std::size_t got = LOAM_TRY(ReadAt(fd, std::span(block).first(wanted), offset, "a layer"));
      if (got != wanted) {
        return Unexpected(ErrorCode::kDataLoss, "a layer became shorter");
      }
      hash.Update(std::string_view(block).substr(0, got));
      offset += got;
      size -= got;
    }
    return hash.Finish();
  }

  // Signature version 4, all in headers. `query` is in the order of the signature.
  HttpRequest Signed(const std::string& method, const std::string& key, std::map<std::string, std::string> headers,
                     const Digest& payload, HttpRequest request,
                     const std::map<std::string, std::string>& query = {}) const {
    const std::string path = settings_.path_prefix + "/" + EscapePath(key);
    std::string parameters;
    for (const auto& [name, value] : query) {
      parameters += fmt::format("{}{}={}", parameters.empty() ? "" : "&", name, registry::UrlEscape(value));
    }
    request.method = method;
    request.url = settings_.endpoint + path + (parameters.empty() ? "" : "?" + parameters);
    if (!settings_.access_key.empty()) {
      const std::string time = AmzDate(services_.clock->Now());
      const std::string day = time.substr(0, 8);
      headers["host"] = settings_.endpoint.substr(settings_.endpoint.find("://") + 3);
      headers["x-amz-content-sha256"] = payload.Hex();
      headers["x-amz-date"] = time;
      if (!settings_.session_token.empty()) {
        headers["x-amz-security-token"] = settings_.session_token;
      }
      std::string canonical = fmt::format("{}\n{}\n{}\n", method, path, parameters);
      std::string names;
      for (const auto& [name, value] : headers) {
        canonical += fmt::format("{}:{}\n", name, value);
        names += (names.empty() ? "" : ";") + name;
      }
      canonical += fmt::format("\n{}\n{}", names, payload.Hex());
      const std::string scope = fmt::format("{}/{}/s3/aws4_request", day, settings_.region);
      const std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, Digest::Of(canonical).Hex());
      std::string signing_key = "AWS4" + settings_.secret_key;
      for (const std::string& part : {day, settings_.region, std::string("s3"), std::string("aws4_request")}) {
        signing_key = HmacSha256(signing_key, part);
      }
      request.headers.push_back(
          fmt::format("Authorization: AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                      settings_.access_key, scope, names, HexOf(HmacSha256(signing_key, to_sign))));
    }
    for (const auto& [name, value] : headers) {
      if (name != "host") {
        request.headers.push_back(name + ": " + value);
      }
    }
    return request;
  }

  Result<HttpResponse> Send(const std::string& method, const std::string& key,
                            std::map<std::string, std::string> headers, const Digest& payload, HttpRequest request,
                            std::stop_token stop, const std::map<std::string, std::string>& query = {}) {
    return services_.http->Perform(Signed(method, key, std::move(headers), payload, std::move(request), query),
                                   std::move(stop));
  }

  Result<> Check(const HttpResponse& response, std::string_view method, const std::string& key) const {
    if (response.ok()) {
      return {};
    }
    static const std::regex kMessage("<Message>([^<]*)</Message>");
    std::smatch match;
    const std::string head = response.body.substr(0, 4096);
    const std::string why = std::regex_search(head, match, kMessage) ? ": " + match[1].str() : std::string();
    return Unexpected(
        response.status == 404   ? ErrorCode::kNotFound
        : response.status == 403 ? ErrorCode::kPermissionDenied
                                 : ErrorCode::kUnavailable,
        fmt::format("S3 bucket {}: {} {}: status {}{}", settings_.bucket, method, key, response.status, why));
  }

  const S3Settings settings_;
  const BackendServices services_;
};

struct Opened {
  std::shared_ptr<ObjectStore> store;
  ObjectCacheSettings cache;
};

Result<Opened> Open(const Attributes& attributes, const BackendServices& services) {
  Opened opened;
  opened.store = std::make_shared<S3Store>(LOAM_TRY(ReadSettings(attributes)), services);
  opened.cache.target_name = "exporting cache to Amazon S3";
  opened.cache.names = CacheNames(attributes);
  const std::string prefix = TextAttribute(attributes, "prefix");
  opened.cache.manifest_key = [at = prefix + TextAttribute(attributes, "manifests_prefix", "manifests/")](
                                  const std::string& name) { return at + name; };
  opened.cache.blob_key = [at = prefix + TextAttribute(attributes, "blobs_prefix", "blobs/")](const Digest& digest) {
    return at + digest.ToString();
  };
  opened.cache.touch_after = ParseDuration(TextAttribute(attributes, "touch_refresh", "24h"));
  if (!opened.cache.touch_after) {
    opened.cache.touch_after = std::chrono::hours(24);
  }
  opened.cache.parallel =
      static_cast<std::size_t>(std::min(kMaxParallel, LOAM_TRY(PositiveInteger(attributes, "upload_parallelism", 4))));
  return opened;
}

}  // namespace

Result<std::unique_ptr<CacheSource>> OpenS3CacheSource(const Attributes& attributes, const BackendServices& services) {
  Opened opened = LOAM_TRY(Open(attributes, services));
  return MakeObjectCacheSource(std::move(opened.store), std::move(opened.cache));
}

Result<std::unique_ptr<CacheTarget>> OpenS3CacheTarget(const Attributes& attributes, const BackendServices& services) {
  Opened opened = LOAM_TRY(Open(attributes, services));
  return MakeObjectCacheTarget(std::move(opened.store), std::move(opened.cache), services);
}

}  // namespace loam::cache
