// The image source: `docker-image://` from the local image store and registries, `oci-layout://` from layouts that the
// client offers.
//
// Where a docker-image reference is looked up (resolve mode):
//   default  the local image store if it has the name (so that an imported or just built image is found), else the
//            registry
//   pull     the registry; the local image store is not asked
//   local    as default
// A reference with a digest is only ever satisfied by content of that digest.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/platform.h"
#include "base/result.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/session/client_services.h"
#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/source/image_store.h"
#include "runtime-executor/source/source.h"

namespace loam::source {

enum class ResolveMode : std::uint8_t { kDefault, kForcePull, kPreferLocal };

// "default" (or ""), "pull", "local".
Result<ResolveMode> ParseResolveMode(std::string_view text);

// Pointers are kept and must outlive the source and every lazy layer that it made.
struct ImageSourceOptions {
  content::ContentStore* content = nullptr;
  snapshot::LayerStore* layers = nullptr;
  registry::RegistryClient* registry = nullptr;
  ImageStore* images = nullptr;
  // Credentials for layers that are needed when the client that asked for them is gone; null: anonymous.
  std::shared_ptr<session::RegistryAuth> default_auth;
};

struct ImageConfigRequest {
  std::string reference;             // in any spelling
  std::optional<Platform> platform;  // nullopt: the host's
  ResolveMode mode = ResolveMode::kDefault;
  // Not empty: from this OCI layout of the client; the reference must have a digest.
  std::string oci_store_id;
};

struct ResolvedImageConfig {
  // Normalised, with tag: "docker.io/library/alpine:3.20".
  std::string reference;
  // Of the manifest or index that the reference names: what the reference is pinned with.
  Digest digest;
  // The config of the wanted platform, as it is.
  std::string config;
};

class ImageResolver;

// For FROM: what the compiler has to know of an image. Thread-safe. Remembers answers for the life of the object, so
// that one build sees one image; make one a job.
class ImageConfigs {
 public:
  ImageConfigs(ImageSourceOptions options, std::shared_ptr<session::ClientServices> client);
  ~ImageConfigs();
  Result<ResolvedImageConfig> Resolve(const ImageConfigRequest& request, std::stop_token stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::unique_ptr<Source> MakeImageSource(ImageSourceOptions options);
std::unique_ptr<Source> MakeOciLayoutSource(ImageSourceOptions options);

// For LayerStore::SetLazyOpener: opens layers of images from their origin, after a restart.
snapshot::LazyOpener MakeLazyLayerOpener(ImageSourceOptions options);
// Brings the blob of such a layer into the content store as it is (for exporters that reuse it).
Result<> FetchLayerBlob(const ImageSourceOptions& options, const content::Descriptor& blob, const std::string& origin,
                        const registry::TransferProgress& progress, std::stop_token stop);

}  // namespace loam::source
