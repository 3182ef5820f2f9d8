#include "runtime-executor/source/http/http_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file_system.h"
#include "base/go_json.h"
#include "base/redact_urls.h"
#include "base/strings.h"
#include "runtime-executor/registry/http_client.h"
#include "runtime-executor/solver/progress.h"
#include "runtime-executor/source/file_attributes.h"
#include "runtime-executor/source/http/http_names.h"
#include "runtime-executor/source/per_job.h"

namespace loam::source {
namespace {

constexpr std::uint32_t kDefaultMode = 0600;
constexpr std::string_view kHeaderPrefix = "http.header.";
// Others would change what is asked for in ways that nobody expects of a source.
constexpr std::pair<std::string_view, std::string_view> kAllowedHeaders[] = {{"accept", "Accept"},
                                                                             {"user-agent", "User-Agent"}};
// The host of URLs that the client's session answers.
constexpr std::string_view kUploadHost = "buildkit-session";
// Servers know builds by BuildKit's name: the version is that of the API we keep to.
constexpr const char* kUserAgent = "loam (compatible; buildkit/v0.26)";

struct HttpRequestSpec {
  std::string url;
  Digest checksum;
  FileAttributes file;
  std::string auth_secret;
  std::vector<std::pair<std::string, std::string>> headers;  // sorted by name

  // What an answer depends on.
  [[nodiscard]] Digest Identity() const {
    std::string text = fmt::format("{}\n{}\n{} {} {}\n{}", url, file.name, file.mode, file.uid, file.gid, auth_secret);
    for (const auto& [name, value] : headers) {
      text += fmt::format("\n{}: {}", name, value);
    }
    return Digest::Of(text);
  }
};

// The digest that upstream computes, so that caches are shared.
Digest KeyOf(const HttpRequestSpec& spec, const HttpAnswer& answer) {
  std::vector<std::string> headers;
  for (const auto& [name, value] : spec.headers) {
    headers.push_back(GoJsonObject().Always("Name", GoJsonString(name)).Always("Value", GoJsonString(value)).Text());
  }
  GoJsonObject key;
  key.Always("Filename", GoJsonString(answer.file_name))
      .Always("Perm", std::to_string(spec.file.mode))
      .Always("UID", std::to_string(spec.file.uid))
      .Always("GID", std::to_string(spec.file.gid))
      .Always("Checksum", GoJsonString(answer.digest.ToString()));
  if (const auto modified = ParseHttpTime(answer.last_modified)) {
    key.Add("LastModTime", FormatHttpTime(*modified));
  }
  key.Add("AuthHeaderSecret", spec.auth_secret);
  if (!headers.empty()) {
    key.Always("Header", GoJsonArray(headers));
  }
  return Digest::Of(key.Text());
}

Result<HttpRequestSpec> ParseRequest(const SourceRequest& request) {
  HttpRequestSpec spec;
  spec.url = request.identifier;
  for (const auto& [key, value] : request.attributes) {
    if (key == "http.checksum") {
      spec.checksum = LOAM_TRY_CONTEXT("attribute `http.checksum`", Digest::Parse(value));
    } else if (key == "http.authheadersecret") {
      spec.auth_secret = value;
    } else if (key.starts_with("http.sig.")) {
      return Unexpected(ErrorCode::kUnimplemented, fmt::format("http sources with `{}` are not supported", key));
    } else if (LOAM_TRY(spec.file.Take(key, value))) {
      continue;
    } else if (key.starts_with(kHeaderPrefix)) {
      const std::string name = ToLowerAscii(std::string_view(key).substr(kHeaderPrefix.size()));
      for (const auto& [allowed, canonical] : kAllowedHeaders) {
        if (name == allowed) {
          if (value.find_first_of("\r\n") != std::string::npos) {
            return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` has more than one line", key));
          }
          spec.headers.emplace_back(canonical, value);
        }
      }
    }
  }
  std::sort(spec.headers.begin(), spec.headers.end());
  const bool control = std::any_of(spec.url.begin(), spec.url.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  const std::string host = UrlHostName(spec.url);
  if (control || host.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no URL", RedactUrls(spec.url)));
  }
  return spec;
}

Error StatusError(const std::string& url, long status) {
  ErrorCode code = ErrorCode::kUnknown;
  std::string hint;
  if (status == 401 || status == 403) {
    code = ErrorCode::kUnauthenticated;
    hint =
        fmt::format("give a header by --secret id=HTTP_AUTH_HEADER_{0}, or a token by --secret id=HTTP_AUTH_TOKEN_{0}",
                    UrlHostName(url));
  } else if (status == 404 || status == 410) {
    code = ErrorCode::kNotFound;
  } else if (status == 429 || status >= 500) {
    code = ErrorCode::kUnavailable;
  }
  return Error(code, fmt::format("fetch {}: invalid response status {}", RedactUrls(url), status))
      .WithHint(std::move(hint));
}

// A file on its way to a layer, and its progress.
class Download {
 public:
  static Result<Download> Begin(const std::string& tmp_dir, std::uint64_t max_bytes, SourceContext& context,
                                const std::string& label) {
    TempDir scratch = LOAM_TRY(TempDir::Create(tmp_dir, "http-"));
    const std::string root = scratch.Child("root");
    LOAM_TRY(MakeDirs(root, 0755));
    UniqueFd file = LOAM_TRY(OpenFile(scratch.Child("body"), O_WRONLY | O_CREAT | O_EXCL, 0600));
    Download download(std::move(scratch), std::move(file), max_bytes, context.progress);
    download.status_.id = label;
    download.status_.started = SystemClock().Now();
    return download;
  }

  Result<> Take(const registry::HttpResponse& head, std::string_view data) {
    if (received_ == 0) {
      const std::string& length = head.Header("content-length");
      status_.total = head.Header("content-encoding").empty() ? std::atoll(length.c_str()) : 0;
    }
    received_ += data.size();
    if (received_ > max_bytes_) {
      return Unexpected(ErrorCode::kResourceExhausted,
                        fmt::format("the answer is longer than the {} that are allowed", HumanBytes(max_bytes_)));
    }
    hash_.Update(data);
    LOAM_TRY(WriteAll(file_.get(), data, "downloaded file"));
    constexpr std::uint64_t kStep = 256U << 10U;
    if (received_ - reported_ >= kStep) {
      Report(false);
    }
    return {};
  }

  // The download as a layer with one file.
  Result<snapshot::LayerRef> Finish(snapshot::LayerStore& layers, const std::string& name, const HttpRequestSpec& spec,
                                    std::int64_t modified, Digest* digest) {
    *digest = hash_.Finish();
    if (!spec.checksum.empty() && *digest != spec.checksum) {
      return Unexpected(Error(ErrorCode::kFailedPrecondition,
                              fmt::format("fetch {}: digest mismatch: got {}, expected {}", RedactUrls(spec.url),
                                          digest->ToString(), spec.checksum.ToString()))
                            .WithHint("the file has changed on the server, or the checksum is that of another file"));
    }
    LOAM_TRY(spec.file.Apply(file_.get(), kDefaultMode, modified));
    file_.Reset();
    const std::string root = scratch_.Child("root");
    if (::rename(scratch_.Child("body").c_str(), fmt::format("{}/{}", root, name).c_str()) != 0) {
      return UnexpectedErrno(fmt::format("name a downloaded file `{}`", name));
    }
    snapshot::LayerRef layer = LOAM_TRY(layers.Adopt(root));
    LOAM_TRY(layers.Describe(snapshot::FsRef({layer}), "http url " + RedactUrls(spec.url)));
    Report(true);
    return layer;
  }

 private:
  Download(TempDir scratch, UniqueFd file, std::uint64_t max_bytes, solver::ProgressWriter* progress)
      : scratch_(std::move(scratch)), file_(std::move(file)), max_bytes_(max_bytes), progress_(progress) {}

  void Report(bool completed) {
    reported_ = received_;
    if (progress_ == nullptr) {
      return;
    }
    status_.current = static_cast<std::int64_t>(received_);
    if (completed) {
      status_.completed = SystemClock().Now();
    }
    progress_->Status(status_);
  }

  TempDir scratch_;
  UniqueFd file_;
  std::uint64_t max_bytes_;
  solver::ProgressWriter* progress_;
  Sha256 hash_;
  std::uint64_t received_ = 0;
  std::uint64_t reported_ = 0;
  solver::StatusEvent status_;
};

class HttpSourceImpl final : public Source {
 public:
  explicit HttpSourceImpl(HttpSourceOptions options)
      : options_(std::move(options)),
        client_({.user_agent = kUserAgent,
                 .connect_timeout = options_.connect_timeout,
                 .stall_timeout = options_.stall_timeout}) {}

  [[nodiscard]] std::vector<std::string> Schemes() const override { return {"http", "https"}; }
  Result<std::unique_ptr<SourceInstance>> Open(const SourceRequest& request, std::string_view reference) override;

  void ForgetEndedJobs() override { answers_.ForgetEnded(); }

  // The file, fetched or confirmed by the server; the same for all that one job asks.
  Result<HttpAnswer> Get(const HttpRequestSpec& spec, SourceContext& context) {
    std::string key = spec.Identity().ToString();
    if (!spec.checksum.empty()) {
      key += " " + spec.checksum.ToString();
    }
    return answers_.Get(context.client, key, [&] { return GetNow(spec, context); });
  }

 private:
  Result<HttpAnswer> GetNow(const HttpRequestSpec& spec, SourceContext& context);
  Result<registry::HttpRequest> MakeRequest(const HttpRequestSpec& spec, SourceContext& context);
  Result<registry::HttpResponse> Perform(const registry::HttpRequest& request, const std::stop_token& stop);
  Result<HttpAnswer> FetchAnswer(const HttpRequestSpec& spec, registry::HttpRequest request,
                                 const std::vector<HttpAnswer>& known, SourceContext& context);

  const HttpSourceOptions options_;
  registry::HttpClient client_;
  PerJob<HttpAnswer> answers_;
};

class HttpInstance final : public SourceInstance {
 public:
  HttpInstance(HttpSourceImpl& source, HttpRequestSpec spec) : source_(source), spec_(std::move(spec)) {}

  Result<SourceKey> Resolve(SourceContext& context) override {
    HttpAnswer pinned;
    if (spec_.checksum.empty()) {
      LOAM_TRY(EnsureFetched(context));
      pinned = *answer_;
    } else {
      // What the checksum says needs nobody's word.
      pinned.digest = spec_.checksum;
      pinned.file_name = DownloadFileName(spec_.url, spec_.file.name, "");
    }
    SourceKey key;
    key.keys = {KeyOf(spec_, pinned).ToString()};
    key.pin = pinned.digest.ToString();
    key.preimage.fields = {
        {"op", "source"}, {"source", RedactUrls(spec_.url)}, {"source.digest", pinned.digest.ToString()}};
    const auto add = [&](std::string_view name, std::string value) {
      key.preimage.fields.push_back({fmt::format("attr:{}", name), std::move(value)});
    };
    add("http.filename", pinned.file_name);
    add("http.perm", fmt::format("{:o}", spec_.file.mode));
    add("http.uid", std::to_string(spec_.file.uid));
    add("http.gid", std::to_string(spec_.file.gid));
    add("http.authheadersecret", spec_.auth_secret);
    add("last-modified", pinned.last_modified);
    for (const auto& [name, value] : spec_.headers) {
      add(fmt::format("{}{}", kHeaderPrefix, name), value);
    }
    return key;
  }

  Result<snapshot::FsRef> Fetch(SourceContext& context) override {
    LOAM_TRY(EnsureFetched(context));
    return answer_->fs;
  }

  Result<std::optional<std::int64_t>> Time(SourceContext& context) override {
    LOAM_TRY(EnsureFetched(context));
    return ParseHttpTime(answer_->last_modified);
  }

  Result<SourceMeta> Meta(SourceContext& context, const SourceMetaRequest&) override {
    LOAM_TRY(EnsureFetched(context));
    SourceMeta meta;
    meta.http = SourceMeta::Http{answer_->digest.ToString(), answer_->file_name, ParseHttpTime(answer_->last_modified)};
    return meta;
  }

 private:
  Result<> EnsureFetched(SourceContext& context) {
    if (!answer_) {
      answer_ = LOAM_TRY(source_.Get(spec_, context));
    }
    return {};
  }

  HttpSourceImpl& source_;
  const HttpRequestSpec spec_;
  std::optional<HttpAnswer> answer_;
};

Result<std::unique_ptr<SourceInstance>> HttpSourceImpl::Open(const SourceRequest& request, std::string_view) {
  return std::make_unique<HttpInstance>(*this, LOAM_TRY(ParseRequest(request)));
}

Result<registry::HttpRequest> HttpSourceImpl::MakeRequest(const HttpRequestSpec& spec, SourceContext& context) {
  registry::HttpRequest request;
  // A fragment is for the reader of the URL, not for the server.
  request.url = spec.url.substr(0, spec.url.find('#'));
  request.accept_gzip = true;
  for (const auto& [name, value] : spec.headers) {
    request.headers.push_back(fmt::format("{}: {}", name, value));
  }
  struct Candidate {
    std::string name;
    bool token;
  };
  std::vector<Candidate> candidates;
  const std::string host = UrlHostName(spec.url);
  if (!spec.auth_secret.empty()) {
    candidates.push_back({spec.auth_secret, false});
  } else {
    candidates.push_back({"HTTP_AUTH_TOKEN_" + host, true});
    candidates.push_back({"HTTP_AUTH_HEADER_" + host, false});
  }
  const std::shared_ptr<session::SecretStore> secrets = context.client->secrets();
  for (const Candidate& candidate : candidates) {
    auto value = secrets->Get(candidate.name, context.stop);
    if (!value) {
      if (spec.auth_secret.empty() && value.error().Is(ErrorCode::kNotFound)) {
        continue;
      }
      return tl::unexpected(
          std::move(value).error().Wrap(fmt::format("the secret `{}` for {}", candidate.name, RedactUrls(spec.url))));
    }
    const std::string_view text = TrimSpace(*value);
    if (text.find_first_of("\r\n") != std::string_view::npos) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("the secret `{}` has more than one line", candidate.name));
    }
    request.headers.push_back(fmt::format("Authorization: {}{}", candidate.token ? "Bearer " : "", text));
    break;
  }
  return request;
}

Result<registry::HttpResponse> HttpSourceImpl::Perform(const registry::HttpRequest& request,
                                                       const std::stop_token& stop) {
  auto response = client_.Perform(request, stop);
  if (!response && !response.error().Is(ErrorCode::kCanceled)) {
    Error error = std::move(response).error().Wrap("fetch " + RedactUrls(request.url));
    const auto* const connection = error.Detail<registry::ConnectionErrorDetail>();
    if (connection != nullptr) {
      error =
          std::move(error).WithHint(connection->tls ? "the server's certificate is not accepted, or it speaks no TLS"
                                                    : "is the server running, and are host and port right?");
    }
    return tl::unexpected(std::move(error));
  }
  return response;
}

Result<HttpAnswer> HttpSourceImpl::GetNow(const HttpRequestSpec& spec, SourceContext& context) {
  const std::vector<HttpAnswer> known = LOAM_TRY(options_.index->FindHttp(spec.Identity()));
  if (!spec.checksum.empty()) {
    for (const HttpAnswer& answer : known) {
      if (answer.digest == spec.checksum) {
        return answer;
      }
    }
    return FetchAnswer(spec, LOAM_TRY(MakeRequest(spec, context)), {}, context);
  }
  registry::HttpRequest request = LOAM_TRY(MakeRequest(spec, context));
  std::vector<std::string> etags;
  std::string modified;
  for (const HttpAnswer& answer : known) {
    if (!answer.etag.empty()) {
      etags.push_back(answer.etag);
    } else {
      modified = answer.last_modified;
    }
  }
  if (!etags.empty()) {
    request.headers.push_back("If-None-Match: " + Join(etags, ", "));
    // Some servers give ETags and do not understand If-None-Match: ask first for the headers alone. What goes wrong
    // here, goes wrong again below.
    registry::HttpRequest head = request;
    head.method = "HEAD";
    const auto response = Perform(head, context.stop);
    if (response && (response->status == 200 || response->status == 304)) {
      std::string etag = EtagValue(response->Header("etag"));
      if (etag.empty() && etags.size() == 1 && response->status == 304) {
        etag = etags.front();
      }
      for (const HttpAnswer& answer : known) {
        if (!etag.empty() && answer.etag == etag) {
          return answer;
        }
      }
    }
  } else if (!modified.empty()) {
    request.headers.push_back("If-Modified-Since: " + modified);
  }
  return FetchAnswer(spec, std::move(request), known, context);
}

// What the client uploads through its session instead of naming a server.
Result<registry::HttpResponse> PullUpload(const registry::HttpRequest& request, SourceContext& context) {
  const std::shared_ptr<session::Uploads> uploads = context.client->uploads();
  if (uploads == nullptr) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("the client uploads no {}", request.url));
  }
  const std::size_t path = request.url.find('/', request.url.find(kUploadHost));
  registry::HttpResponse head;
  head.status = 200;
  LOAM_TRY(uploads->Pull(
      kUploadHost, path == std::string::npos ? "" : std::string_view(request.url).substr(path),
      [&](std::string_view data) { return request.receiver(head, data); }, context.stop));
  return head;
}

Result<HttpAnswer> HttpSourceImpl::FetchAnswer(const HttpRequestSpec& spec, registry::HttpRequest request,
                                               const std::vector<HttpAnswer>& known, SourceContext& context) {
  const std::string label = "downloading " + DownloadFileName(spec.url, "", "");
  Download download = LOAM_TRY(Download::Begin(options_.tmp_dir, options_.max_bytes, context, label));
  request.receiver = [&](const registry::HttpResponse& head, std::string_view data) {
    return download.Take(head, data);
  };
  const registry::HttpResponse response = UrlHostName(request.url) == kUploadHost
                                              ? LOAM_TRY(PullUpload(request, context))
                                              : LOAM_TRY(Perform(request, context.stop));
  if (response.status == 304) {
    const std::string etag = EtagValue(response.Header("etag"));
    for (const HttpAnswer& answer : known) {
      if (answer.etag == etag || (etag.empty() && known.size() == 1)) {
        return answer;
      }
    }
    return Unexpected(
        ErrorCode::kUnavailable,
        fmt::format("fetch {}: the server says that something unknown has not changed", RedactUrls(spec.url)));
  }
  if (!response.ok()) {
    return tl::unexpected(StatusError(spec.url, response.status));
  }
  HttpAnswer answer;
  answer.etag = EtagValue(response.Header("etag"));
  answer.last_modified = response.Header("last-modified");
  if (!ParseHttpTime(answer.last_modified)) {
    answer.last_modified.clear();
  }
  answer.file_name = DownloadFileName(spec.url, spec.file.name, response.Header("content-disposition"));
  const std::int64_t modified = ParseHttpTime(answer.last_modified).value_or(0);
  answer.fs = snapshot::FsRef(std::vector<snapshot::LayerRef>{
      LOAM_TRY(download.Finish(*options_.layers, answer.file_name, spec, modified, &answer.digest))});
  // One that the server cannot confirm is found again by its checksum only.
  LOAM_TRY(options_.index->PutHttp(spec.Identity(), answer));
  return answer;
}

}  // namespace

std::unique_ptr<Source> MakeHttpSource(HttpSourceOptions options) {
  return std::make_unique<HttpSourceImpl>(std::move(options));
}

}  // namespace loam::source
