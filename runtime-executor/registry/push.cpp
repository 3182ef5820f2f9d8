// Sending images: blobs first (several at once), then manifests from the leaves up, the tag last.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/task_pool.h"
#include "runtime-executor/registry/client_state.h"
#include "runtime-executor/registry/registry_client.h"

namespace loam::registry {
namespace {

namespace media_type = content::media_type;

constexpr int kDeepestIndex = 4;

// Everything that a push sends, in the order in which it may be sent.
struct PushPlan {
  std::vector<content::Descriptor> blobs;
  std::vector<content::Descriptor> manifests;  // the root last
};

Result<> Collect(const content::Descriptor& root, const content::ContentStore& store, int depth, std::set<Digest>& seen,
                 PushPlan& plan) {
  if (!seen.insert(root.digest).second) {
    return {};
  }
  if (depth > kDeepestIndex) {
    return Unexpected(ErrorCode::kInvalidArgument, "indexes are nested too deeply");
  }
  const std::string text = LOAM_TRY(store.ReadBlob(root.digest, kMaxManifestSize));
  const auto add = [&](const content::Descriptor& blob) -> Result<> {
    if (!seen.insert(blob.digest).second) {
      return {};
    }
    if (!store.Contains(blob)) {
      if (!blob.urls.empty()) {
        return {};  // a layer that is not to be distributed; clients fetch it from its URL
      }
      return Unexpected(ErrorCode::kNotFound,
                        fmt::format("the blob {} of the image is not in the content store", blob.digest.ToString()));
    }
    plan.blobs.push_back(blob);
    return {};
  };
  if (media_type::IsIndex(root.media_type)) {
    const content::Index index = LOAM_TRY(content::ParseIndex(text));
    for (const content::Descriptor& child : index.manifests) {
      // The index of a build cache names blobs themselves.
      if (media_type::IsIndex(child.media_type) || media_type::IsManifest(child.media_type)) {
        LOAM_TRY(Collect(child, store, depth + 1, seen, plan));
      } else {
        LOAM_TRY(add(child));
      }
    }
  } else {
    const content::Manifest manifest = LOAM_TRY(content::ParseManifest(text));
    for (const content::Descriptor& layer : manifest.layers) {
      LOAM_TRY(add(layer));
    }
    LOAM_TRY(add(manifest.config));
  }
  plan.manifests.push_back(root);
  return {};
}

class Pusher {
 public:
  Pusher(HostClient& client, content::ContentStore& store, const RegistryOptions& registry_options,
         const PushOptions& options, std::stop_token stop)
      : client_(client),
        store_(store),
        registry_options_(registry_options),
        options_(options),
        stop_(std::move(stop)) {}

  Result<> SendBlob(const content::Descriptor& blob) {
    if (LOAM_TRY(Exists("/blobs/" + blob.digest.ToString()))) {
      Report(blob, blob.size);
      return {};
    }
    for (const std::string& repository : options_.mount_from) {
      auto mounted = LOAM_TRY(Start(blob, repository));
      if (!mounted) {
        Report(blob, blob.size);
        return {};
      }
      if (&repository == &options_.mount_from.back()) {
        return Upload(blob, std::move(*mounted));
      }
    }
    return Upload(blob, {});
  }

  Result<> SendManifest(const content::Descriptor& manifest, const std::string& name) {
    const std::string text = LOAM_TRY(store_.ReadBlob(manifest.digest, kMaxManifestSize));
    HttpRequest request;
    request.method = "PUT";
    request.url = client_.endpoint().Url("/manifests/" + name);
    request.headers = {"Content-Type: " + manifest.media_type};
    request.body = text;
    request.follow_redirects = false;
    const HttpResponse response = LOAM_TRY(client_.Send(request, stop_));
    if (!response.ok()) {
      return tl::unexpected(client_.Refusal(response));
    }
    const auto stored = Digest::Parse(response.Header("docker-content-digest"));
    if (stored && *stored != manifest.digest) {
      return tl::unexpected(
          Error(ErrorCode::kDataLoss, fmt::format("the registry stored the manifest as {} instead of {}",
                                                  stored->ToString(), manifest.digest.ToString()))
              .WithHint("the registry changes manifests; it cannot be used with digests"));
    }
    return {};
  }

  Result<bool> Exists(const std::string& path) {
    HttpRequest request;
    request.method = "HEAD";
    request.url = client_.endpoint().Url(path);
    const HttpResponse response = LOAM_TRY(client_.Send(request, stop_));
    if (response.ok()) {
      return true;
    }
    if (response.status == 404) {
      return false;
    }
    if (response.status == 401 || response.status == 403) {
      request.method = "GET";  // HEAD has no body that says why
      const HttpResponse reason = LOAM_TRY(client_.Once(request, stop_));
      return tl::unexpected(client_.Refusal(reason.ok() ? response : reason));
    }
    return tl::unexpected(client_.Refusal(response));
  }

 private:
  void Report(const content::Descriptor& blob, std::uint64_t sent) const {
    if (options_.progress) {
      options_.progress(blob, sent, blob.size);
    }
  }

  // An upload, ready to take bytes.
  struct UploadSession {
    std::string url;
    std::uint64_t min_chunk = 0;
  };

  // Opens an upload; nullopt if the registry could mount the blob from `repository` instead.
  Result<std::optional<UploadSession>> Start(const content::Descriptor& blob, const std::string& repository) {
    HttpRequest request;
    request.method = "POST";
    request.url = client_.endpoint().Url("/blobs/uploads/");
    request.follow_redirects = false;
    if (!repository.empty()) {
      AddQuery(request.url, "mount", blob.digest.ToString());
      AddQuery(request.url, "from", repository);
    }
    const HttpResponse response = LOAM_TRY(client_.Send(request, stop_));
    if (!repository.empty() && response.status == 201) {
      return std::optional<UploadSession>();
    }
    if (response.status != 202) {
      return tl::unexpected(response.ok() ? NotARegistryError(response, client_.endpoint().host, "an upload")
                                          : client_.Refusal(response));
    }
    return std::optional(LOAM_TRY(SessionOf(request, response)));
  }

  static Result<UploadSession> SessionOf(const HttpRequest& request, const HttpResponse& response) {
    const std::string& location = response.Header("location");
    if (location.empty()) {
      return Unexpected(ErrorCode::kUnavailable, "the registry does not say where to upload to (no Location header)");
    }
    UploadSession session{LOAM_TRY(ResolveUrl(request.url, location)), 0};
    const std::string& chunk = response.Header("oci-chunk-min-length");
    std::from_chars(chunk.data(), chunk.data() + chunk.size(), session.min_chunk);
    return session;
  }

  // Sends the blob, in a new upload after each transient failure.
  Result<> Upload(const content::Descriptor& blob, std::optional<UploadSession> session) {
    const content::Blob file = LOAM_TRY(store_.OpenBlob(blob));
    for (int attempt = 1;; ++attempt) {
      if (!session) {
        session = LOAM_TRY(Start(blob, ""));
      }
      const std::uint64_t chunk = std::max(registry_options_.upload_chunk_size, session->min_chunk);
      const bool chunked = registry_options_.upload_chunk_size > 0 && blob.size > chunk;
      auto response = chunked ? SendChunks(blob, file, *session, chunk) : SendWhole(blob, file, *session);
      if (response && response->ok()) {
        Report(blob, blob.size);
        return {};
      }
      session.reset();
      const bool again = response ? IsTransientStatus(response->status) : HostClient::IsTransient(response.error());
      if (!again || !LOAM_TRY(client_.Backoff(attempt, response ? &*response : nullptr, stop_))) {
        return tl::unexpected(response ? client_.Refusal(*response) : std::move(response).error());
      }
    }
  }

  Result<HttpResponse> SendWhole(const content::Descriptor& blob, const content::Blob& file,
                                 const UploadSession& session) {
    HttpRequest request;
    request.method = "PUT";
    request.url = session.url;
    AddQuery(request.url, "digest", blob.digest.ToString());
    request.headers = {"Content-Type: application/octet-stream"};
    request.follow_redirects = false;
    request.body_fd = file.fd();
    request.body_size = blob.size;
    request.on_sent = [&](std::uint64_t sent) { Report(blob, sent); };
    return client_.Once(std::move(request), stop_);
  }

  Result<HttpResponse> SendChunks(const content::Descriptor& blob, const content::Blob& file, UploadSession session,
                                  std::uint64_t chunk) {
    for (std::uint64_t offset = 0; offset < blob.size;) {
      const std::uint64_t size = std::min(chunk, blob.size - offset);
      HttpRequest request;
      request.method = "PATCH";
      request.url = session.url;
      request.headers = {"Content-Type: application/octet-stream",
                         fmt::format("Content-Range: {}-{}", offset, offset + size - 1)};
      request.follow_redirects = false;
      request.body_fd = file.fd();
      request.body_offset = offset;
      request.body_size = size;
      request.on_sent = [&](std::uint64_t sent) { Report(blob, offset + sent); };
      HttpResponse response = LOAM_TRY(client_.Once(request, stop_));
      if (response.status != 202) {
        return response;
      }
      session = LOAM_TRY(SessionOf(request, response));
      offset += size;
    }
    HttpRequest request;
    request.method = "PUT";
    request.url = session.url;
    AddQuery(request.url, "digest", blob.digest.ToString());
    request.follow_redirects = false;
    return client_.Once(std::move(request), stop_);
  }

  HostClient& client_;
  content::ContentStore& store_;
  const RegistryOptions& registry_options_;
  const PushOptions& options_;
  const std::stop_token stop_;
};

// The endpoint that answers: an insecure host may speak TLS or not.
Result<Endpoint> ChooseEndpoint(RegistryClient::State& state, const ImageReference& reference, const Access& access,
                                const std::stop_token& stop) {
  const auto endpoints = EndpointsOf(reference, state.options.hosts, access.insecure, true);
  for (std::size_t i = 0; i + 1 < endpoints.size(); ++i) {
    HttpRequest request;
    request.url = endpoints[i].origin + "/v2/";
    request.tls = endpoints[i].tls;
    request.no_proxy = endpoints[i].no_proxy;
    if (state.http.Perform(request, stop)) {
      return endpoints[i];
    }
  }
  return endpoints.back();
}

}  // namespace

Result<> RegistryClient::Push(const ImageReference& given, const content::Descriptor& root,
                              content::ContentStore& store, const Access& access, const PushOptions& options,
                              std::stop_token stop) {
  const ImageReference reference = given.WithDefaultTag();
  const std::string context = fmt::format("push {}", NameForErrors(reference));
  const auto failed = [&](Error error) { return tl::unexpected(std::move(error).Wrap(context)); };
  PushPlan plan;
  std::set<Digest> seen;
  if (options.root_only) {
    plan.manifests.push_back(root);
  } else if (auto collected = Collect(root, store, 0, seen, plan); !collected) {
    return failed(std::move(collected).error());
  }
  const Endpoint endpoint = LOAM_TRY_CONTEXT(context, ChooseEndpoint(*state_, reference, access, stop));
  HostClient client(endpoint, state_->http, state_->authorizer, state_->options, access, true, options.mount_from);

  std::stop_source inner;
  const std::stop_callback forward(stop, [&inner] { inner.request_stop(); });
  Pusher pusher(client, store, state_->options, options, inner.get_token());
  std::mutex mutex;
  std::optional<Error> failure;
  const auto parallel = static_cast<std::size_t>(std::max(state_->options.parallel_transfers, 1));
  // The first blob alone: it learns how to log in, the others then need not.
  const std::size_t alone = std::min<std::size_t>(plan.blobs.size(), 1);
  const auto send = [&](std::size_t i) {
    if (inner.stop_requested()) {
      return;
    }
    auto sent = [&]() -> Result<> {
      const auto slot = LOAM_TRY(state_->slots.Acquire(reference.domain, inner.get_token()));
      return pusher.SendBlob(plan.blobs[i]);
    }();
    if (!sent) {
      const std::scoped_lock lock(mutex);
      if (!failure) {
        failure = std::move(sent).error();
      }
      inner.request_stop();
    }
  };
  if (alone == 1) {
    send(0);
  }
  ParallelFor(
      plan.blobs.size() - alone, [&](std::size_t i) { send(i + alone); }, parallel);
  if (failure) {
    return failed(std::move(*failure));
  }
  if (inner.stop_requested()) {
    return failed(Error(ErrorCode::kCanceled, "context canceled"));
  }
  for (const content::Descriptor& manifest : plan.manifests) {
    const bool is_root = manifest.digest == root.digest;
    const std::string name =
        is_root && !options.by_digest && !reference.tag.empty() ? reference.tag : manifest.digest.ToString();
    if (auto sent = pusher.SendManifest(manifest, name); !sent) {
      return failed(std::move(sent).error());
    }
  }
  return {};
}

}  // namespace loam::registry
