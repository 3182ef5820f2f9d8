// RegistryClient: pull and push by the OCI distribution-spec. Every answer is verified: digests, sizes, content types
// and the size of bodies. Thread-safe: connections and tokens are kept and shared. Errors name the reference and say
// what to do. Network faults, 429 and 5xx are retried with backoff; nothing else is.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/image_reference.h"
#include "base/result.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/registry/host_config.h"
#include "runtime-executor/session/client_services.h"

namespace loam::registry {

// Manifests, indexes and image configs beyond this are refused.
inline constexpr std::uint64_t kMaxManifestSize = 4U << 20U;

struct RegistryOptions {
  HostConfigs hosts;
  std::string user_agent = "loam";
  std::chrono::milliseconds connect_timeout{30'000};
  // A connection that carries less than a byte a second for this long is given up.
  std::chrono::seconds stall_timeout{60};
  // Tries in all of one request, and the pause before the second one (doubled each time).
  int attempts = 4;
  std::chrono::milliseconds first_backoff{250};
  // Blobs on their way to or from one host at the same time.
  int parallel_transfers = 4;
  // Larger blobs are sent in chunks of this size where the registry asks for it; 0: in one request.
  std::uint64_t upload_chunk_size = 0;
};

// Bytes of one blob; `total` is its size. Called from several threads.
using TransferProgress =
    std::function<void(const content::Descriptor& blob, std::uint64_t current, std::uint64_t total)>;

// What a call needs beside the reference. Copied where it must outlive the call.
struct Access {
  // Null: anonymous.
  std::shared_ptr<session::RegistryAuth> auth;
  // As HostConfig::insecure, for this call ("registry.insecure").
  bool insecure = false;
};

struct PushOptions {
  // Repositories of the same host that may hold the blobs: they are mounted from there instead of being sent.
  std::vector<std::string> mount_from;
  // Only by digest: the tag of the reference is not set.
  bool by_digest = false;
  // What the root names is known to be there: only the root itself is sent.
  bool root_only = false;
  TransferProgress progress;
};

class RegistryClient {
 public:
  explicit RegistryClient(RegistryOptions options);
  ~RegistryClient();
  RegistryClient(const RegistryClient&) = delete;

  // What the tag (or digest) of the reference names. kNotFound: no such image; kUnauthenticated, kPermissionDenied.
  Result<content::Descriptor> Resolve(const ImageReference& reference, const Access& access, std::stop_token stop);
  // A manifest or index, verified against the descriptor.
  Result<std::string> FetchManifest(const ImageReference& reference, const content::Descriptor& descriptor,
                                    const Access& access, std::stop_token stop);
  // Size of a blob of which only the digest is known.
  Result<content::Descriptor> ResolveBlob(const ImageReference& reference, const Digest& digest, const Access& access,
                                          std::stop_token stop);
  // Manifests whose subject is this one (distribution-spec, "Listing Referrers"), also of registries that keep them
  // under a tag. At most a page of them.
  Result<std::vector<content::Descriptor>> Referrers(const ImageReference& reference, const Digest& digest,
                                                     const Access& access, std::stop_token stop);
  // Brings a blob into the store; what an earlier call left unfinished is continued. There already: nothing to do.
  Result<> FetchBlob(const ImageReference& reference, const content::Descriptor& descriptor,
                     content::ContentStore& store, const Access& access, const TransferProgress& progress,
                     std::stop_token stop);

  // Sends a manifest or index with everything it names (from `store`), then sets the tag.
  Result<> Push(const ImageReference& reference, const content::Descriptor& root, content::ContentStore& store,
                const Access& access, const PushOptions& options, std::stop_token stop);

  struct State;  // client_state.h

 private:
  std::unique_ptr<State> state_;
};

}  // namespace loam::registry
