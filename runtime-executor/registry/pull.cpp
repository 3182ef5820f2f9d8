// Fetching blobs: verified, bounded, continued after an interruption.
#include <charconv>

#include <fmt/format.h>

#include "base/check.h"
#include "base/strings.h"
#include "runtime-executor/registry/client_state.h"
#include "runtime-executor/registry/registry_client.h"

namespace loam::registry {
namespace {

constexpr std::uint64_t kGoodProgress = 1U << 20U;

Result<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no number", text));
  }
  return value;
}

Error TooLong(const content::Descriptor& blob) {
  return Error(ErrorCode::kDataLoss,
               fmt::format("the registry sends more than the {} bytes that the manifest gives for {}", blob.size,
                           blob.digest.ToString()))
      .WithHint("the registry or something in between changes data; do not use this image");
}

// One blob on its way into one ingest.
class Download {
 public:
  Download(HostClient& client, const content::Descriptor& blob, content::Ingest& ingest,
           const TransferProgress& progress)
      : client_(client), blob_(blob), ingest_(ingest), progress_(progress) {}

  // Tries until the ingest has all bytes.
  Result<> Run(std::stop_token stop) {
    for (int attempt = 1; ingest_.offset() < blob_.size; ++attempt) {
      const std::uint64_t before = ingest_.offset();
      HttpRequest request;
      request.url = client_.endpoint().Url("/blobs/" + blob_.digest.ToString());
      if (before > 0) {
        request.headers = {fmt::format("Range: bytes={}-", before)};
      }
      request.on_head = [this](const HttpResponse& head) { return OnHead(head); };
      request.receiver = [this](const HttpResponse&, std::string_view data) { return OnData(data); };
      const auto response = client_.Once(std::move(request), stop);
      if (response && response->ok() && ingest_.offset() == blob_.size) {
        return {};
      }
      if (response && response->status == 416 && before > 0) {
        LOAM_TRY(ingest_.Restart());
        continue;
      }
      // Good progress counts as a new beginning: a long download may be interrupted often.
      if (ingest_.offset() > before + kGoodProgress) {
        attempt = 1;
      }
      if (response && !response->ok() && !IsTransientStatus(response->status)) {
        return tl::unexpected(client_.Refusal(*response));
      }
      if (!response && !HostClient::IsTransient(response.error())) {
        return tl::unexpected(response.error());
      }
      if (!LOAM_TRY(client_.Backoff(attempt, response ? &*response : nullptr, stop))) {
        if (!response) {
          return tl::unexpected(
              response.error().Wrap(fmt::format("the connection broke after {} of {} bytes of {}", ingest_.offset(),
                                                blob_.size, blob_.digest.ToString())));
        }
        return tl::unexpected(response->ok() ? TooShort() : client_.Refusal(*response));
      }
    }
    return {};
  }

 private:
  [[nodiscard]] Error TooShort() const {
    return Error(ErrorCode::kDataLoss, fmt::format("the registry sends only {} of the {} bytes of {}", ingest_.offset(),
                                                   blob_.size, blob_.digest.ToString()))
        .WithHint("try again later; if it stays so, the image is damaged in the registry");
  }

  Result<> OnHead(const HttpResponse& head) {
    std::uint64_t start = 0;
    if (head.status == 206) {
      // "bytes 100-199/200"
      const std::string& range = head.Header("content-range");
      const std::size_t space = range.find(' ');
      const std::size_t dash = range.find('-');
      auto parsed = space == std::string::npos || dash == std::string::npos || dash < space
                        ? Unexpected(ErrorCode::kInvalidArgument, "")
                        : ParseNumber(std::string_view(range).substr(space + 1, dash - space - 1));
      if (!parsed || *parsed != ingest_.offset()) {
        LOAM_TRY(ingest_.Restart());
        return Unexpected(ErrorCode::kDataLoss, fmt::format("the registry answered with the wrong range `{}`", range));
      }
      start = *parsed;
    } else if (ingest_.offset() > 0) {
      LOAM_TRY(ingest_.Restart());  // it does not do ranges
    }
    if (const auto length = ParseNumber(head.Header("content-length"))) {
      if (start + *length > blob_.size) {
        return tl::unexpected(TooLong(blob_));
      }
      if (start + *length < blob_.size) {
        return tl::unexpected(
            Error(ErrorCode::kDataLoss, fmt::format("the registry has {} bytes for {}, the manifest says {}",
                                                    start + *length, blob_.digest.ToString(), blob_.size))
                .WithHint("the image is damaged in the registry; push it again"));
      }
    }
    return {};
  }

  Result<> OnData(std::string_view data) {
    if (data.size() > blob_.size - ingest_.offset()) {
      return tl::unexpected(TooLong(blob_));
    }
    LOAM_TRY(ingest_.Write(data));
    if (progress_) {
      progress_(blob_, ingest_.offset(), blob_.size);
    }
    return {};
  }

  HostClient& client_;
  const content::Descriptor& blob_;
  content::Ingest& ingest_;
  const TransferProgress& progress_;
};

Result<> FetchAt(HostClient& client, const content::Descriptor& blob, content::ContentStore& store,
                 const TransferProgress& progress, const std::stop_token& stop) {
  auto ingest = LOAM_TRY(store.ResumeIngest("pull-" + blob.digest.Hex()));
  // What an earlier process left may be damaged: then it is fetched once more from its start.
  bool resumed = ingest.offset() > 0;
  if (ingest.offset() > blob.size) {
    LOAM_TRY(ingest.Restart());
    resumed = false;
  }
  if (resumed && progress) {
    progress(blob, ingest.offset(), blob.size);
  }
  LOAM_TRY(Download(client, blob, ingest, progress).Run(stop));
  auto committed = ingest.Commit(blob.digest, blob.size);
  if (!committed && committed.error().Is(ErrorCode::kDataLoss) && resumed) {
    auto fresh = LOAM_TRY(store.StartIngest());
    LOAM_TRY(Download(client, blob, fresh, progress).Run(stop));
    committed = fresh.Commit(blob.digest, blob.size);
  }
  if (!committed) {
    Error error = std::move(committed).error();
    return tl::unexpected(
        error.Is(ErrorCode::kDataLoss)
            ? std::move(error).WithHint("the registry or something in between changes data; do not use this image")
            : std::move(error));
  }
  return {};
}

}  // namespace

Result<content::Descriptor> RegistryClient::ResolveBlob(const ImageReference& reference, const Digest& digest,
                                                        const Access& access, std::stop_token stop) {
  return ForEachEndpoint<content::Descriptor>(
      *state_, reference, access, stop, [&](HostClient& client) -> Result<content::Descriptor> {
        HttpRequest request;
        request.method = "HEAD";
        request.url = client.endpoint().Url("/blobs/" + digest.ToString());
        const HttpResponse head = LOAM_TRY(client.Send(request, stop));
        if (!head.ok()) {
          return tl::unexpected(client.Refusal(head));
        }
        content::Descriptor blob;
        blob.digest = digest;
        blob.size = LOAM_TRY_CONTEXT(fmt::format("the size of the blob {}", digest.ToString()),
                                     ParseNumber(head.Header("content-length")));
        return blob;
      });
}

Result<> RegistryClient::FetchBlob(const ImageReference& reference, const content::Descriptor& descriptor,
                                   content::ContentStore& store, const Access& access, const TransferProgress& progress,
                                   std::stop_token stop) {
  if (store.Contains(descriptor)) {
    return {};
  }
  const auto slot = LOAM_TRY(state_->slots.Acquire(reference.domain, stop));
  // Someone else may have brought it while this call waited.
  if (store.Contains(descriptor)) {
    return {};
  }
  return ForEachEndpoint<void>(*state_, reference, access, stop,
                               [&](HostClient& client) { return FetchAt(client, descriptor, store, progress, stop); });
}

}  // namespace loam::registry
