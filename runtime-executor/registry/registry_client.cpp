// Resolving references and fetching manifests. Blobs are in pull.cpp, pushes in push.cpp.
#include "runtime-executor/registry/registry_client.h"

#include <charconv>

#include <fmt/format.h>

#include "base/strings.h"
#include "runtime-executor/registry/client_state.h"
#include "runtime-executor/registry/endpoint.h"
#include "runtime-executor/registry/host_client.h"
#include "runtime-executor/registry/registry_error.h"

namespace loam::registry {
namespace {

namespace media_type = content::media_type;

std::string AcceptHeader() {
  return fmt::format("Accept: {}, {}, {}, {}", media_type::kDockerManifest, media_type::kDockerManifestList,
                     media_type::kOciManifest, media_type::kOciIndex);
}

bool IsManifestType(const std::string& type) {
  return media_type::IsIndex(type) || media_type::IsManifest(type);
}

// An image of the first Docker registries; neither Docker nor BuildKit read them any more.
bool IsSchema1(std::string_view type) {
  return type == "application/vnd.docker.distribution.manifest.v1+json" ||
         type == "application/vnd.docker.distribution.manifest.v1+prettyjws";
}

std::optional<std::uint64_t> ContentLength(const HttpResponse& response) {
  const std::string& text = response.Header("content-length");
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  return !text.empty() && error == std::errc() && end == text.data() + text.size() ? std::optional(size) : std::nullopt;
}

Error Schema1Error() {
  return Error(ErrorCode::kUnimplemented, "the image has the old format \"Docker image manifest version 2, schema 1\"")
      .WithHint("pull and push it again with a current Docker, which converts it");
}

// A manifest as it was sent, checked to be one.
Result<content::Descriptor> DescribeManifest(const HttpResponse& response, const std::string& host) {
  content::Descriptor descriptor;
  descriptor.media_type = response.ContentType();
  if (IsSchema1(descriptor.media_type)) {
    return tl::unexpected(Schema1Error());
  }
  if (!IsManifestType(descriptor.media_type)) {
    const auto detected = content::DetectMediaType(response.body);
    if (!detected) {
      return tl::unexpected(NotARegistryError(response, host, "a manifest"));
    }
    descriptor.media_type = *detected;
  }
  descriptor.digest = Digest::Of(response.body);
  descriptor.size = response.body.size();
  return descriptor;
}

Result<content::Descriptor> ResolveAt(HostClient& client, const ImageReference& reference, std::stop_token stop) {
  Digest wanted;
  if (!reference.digest.empty()) {
    wanted = LOAM_TRY(Digest::Parse(reference.digest));
  }
  HttpRequest request;
  request.url = client.endpoint().Url("/manifests/" + (wanted.empty() ? reference.tag : reference.digest));
  request.headers = {AcceptHeader()};
  request.body_limit = kMaxManifestSize;
  request.method = "HEAD";
  const auto mismatch = [&](const Digest& got) {
    return tl::unexpected(Error(ErrorCode::kDataLoss, fmt::format("the registry has {} under the digest {}",
                                                                  got.ToString(), wanted.ToString()))
                              .WithHint("the registry or something in between changes data; do not use this image"));
  };
  const HttpResponse head = LOAM_TRY(client.Send(request, stop));
  if (head.status == 401 || head.status == 403 || head.status == 429) {
    // HEAD has no body; the reason comes with GET.
    request.method = "GET";
    const HttpResponse body = LOAM_TRY(client.Once(request, stop));
    return tl::unexpected(client.Refusal(body.ok() ? head : body));
  }
  if (head.ok()) {
    const auto size = ContentLength(head);
    const auto digest = Digest::Parse(head.Header("docker-content-digest"));
    if (IsSchema1(head.ContentType())) {
      return tl::unexpected(Schema1Error());
    }
    if (digest && !wanted.empty() && *digest != wanted) {
      return mismatch(*digest);
    }
    if (size && *size > 0 && *size <= kMaxManifestSize && IsManifestType(head.ContentType()) &&
        (digest || !wanted.empty())) {
      content::Descriptor descriptor;
      descriptor.media_type = head.ContentType();
      descriptor.digest = wanted.empty() ? *digest : wanted;
      descriptor.size = *size;
      return descriptor;
    }
  }
  // Some registries do not support HEAD, or leave out the digest.
  request.method = "GET";
  const HttpResponse response = LOAM_TRY(client.Send(request, stop));
  if (!response.ok()) {
    return tl::unexpected(client.Refusal(response));
  }
  content::Descriptor descriptor = LOAM_TRY(DescribeManifest(response, client.endpoint().host));
  if (!wanted.empty() && descriptor.digest != wanted) {
    return mismatch(descriptor.digest);
  }
  return descriptor;
}

Result<std::string> FetchManifestAt(HostClient& client, const content::Descriptor& descriptor, std::stop_token stop) {
  HttpRequest request;
  request.url = client.endpoint().Url("/manifests/" + descriptor.digest.ToString());
  request.headers = {AcceptHeader()};
  request.body_limit = std::min(descriptor.size, kMaxManifestSize);
  HttpResponse response = LOAM_TRY(client.Send(request, stop));
  if (!response.ok()) {
    return tl::unexpected(client.Refusal(response));
  }
  if (response.body.size() != descriptor.size || Digest::Of(response.body) != descriptor.digest) {
    if (response.ContentType() == "text/html") {
      return tl::unexpected(NotARegistryError(response, client.endpoint().host, "a manifest"));
    }
    return tl::unexpected(
        Error(ErrorCode::kDataLoss,
              fmt::format("the manifest {} does not have that digest ({} bytes with digest {})",
                          descriptor.digest.ToString(), response.body.size(), Digest::Of(response.body).ToString()))
            .WithHint("the registry or something in between changes data; do not use this image"));
  }
  return std::move(response.body);
}

// An empty list where there is nothing of that name.
Result<std::vector<content::Descriptor>> ReferrersAt(HostClient& client, const Digest& digest, std::stop_token stop) {
  for (const std::string& path : {"/referrers/" + digest.ToString(), "/manifests/sha256-" + digest.Hex()}) {
    HttpRequest request;
    request.url = client.endpoint().Url(path);
    request.headers = {fmt::format("Accept: {}", content::media_type::kOciIndex)};
    request.body_limit = kMaxManifestSize;
    const HttpResponse response = LOAM_TRY(client.Send(request, stop));
    if (response.ok() && response.ContentType() == content::media_type::kOciIndex) {
      return LOAM_TRY_CONTEXT(path, content::ParseIndex(response.body)).manifests;
    }
    const bool unknown = response.ok() || response.status == 404 || response.status == 400 || response.status == 405;
    if (!unknown) {
      return tl::unexpected(client.Refusal(response));
    }
  }
  return std::vector<content::Descriptor>();
}

}  // namespace

std::string NameForErrors(const ImageReference& reference) {
  return "`" + reference.Familiar() + "`";
}

TransferSlots::Slot::~Slot() {
  if (owner_ != nullptr) {
    {
      const std::scoped_lock lock(owner_->mutex_);
      --owner_->used_[host_];
    }
    owner_->freed_.notify_all();
  }
}

Result<TransferSlots::Slot> TransferSlots::Acquire(const std::string& host, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (!freed_.wait(lock, stop, [&] { return used_[host] < per_host_; })) {
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  ++used_[host];
  return Slot(this, host);
}

RegistryClient::RegistryClient(RegistryOptions options) : state_(std::make_unique<State>(std::move(options))) {}
RegistryClient::~RegistryClient() = default;

Result<content::Descriptor> RegistryClient::Resolve(const ImageReference& reference, const Access& access,
                                                    std::stop_token stop) {
  return ForEachEndpoint<content::Descriptor>(*state_, reference, access, stop, [&](HostClient& client) {
    return ResolveAt(client, reference.WithDefaultTag(), stop);
  });
}

Result<std::vector<content::Descriptor>> RegistryClient::Referrers(const ImageReference& reference,
                                                                   const Digest& digest, const Access& access,
                                                                   std::stop_token stop) {
  return ForEachEndpoint<std::vector<content::Descriptor>>(
      *state_, reference, access, stop, [&](HostClient& client) { return ReferrersAt(client, digest, stop); });
}

Result<std::string> RegistryClient::FetchManifest(const ImageReference& reference,
                                                  const content::Descriptor& descriptor, const Access& access,
                                                  std::stop_token stop) {
  if (descriptor.size > kMaxManifestSize) {
    return Unexpected(ErrorCode::kResourceExhausted,
                      fmt::format("{}: the manifest {} is said to have {}; manifests of more than {} are refused",
                                  NameForErrors(reference), descriptor.digest.ToString(), HumanBytes(descriptor.size),
                                  HumanBytes(kMaxManifestSize)));
  }
  return ForEachEndpoint<std::string>(*state_, reference, access, stop,
                                      [&](HostClient& client) { return FetchManifestAt(client, descriptor, stop); });
}

}  // namespace loam::registry
