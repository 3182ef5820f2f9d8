// ImageProvider: where an image is read from, and what is read of it before its layers: the manifest of one platform
// and the config.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/image_reference.h"
#include "base/platform.h"
#include "base/result.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/session/client_services.h"
#include "runtime-executor/source/image/image_source.h"

namespace loam::source {

// Immutable, thread-safe; shared with lazy layers. What it is made of must outlive it.
class ImageProvider {
 public:
  virtual ~ImageProvider() = default;
  // What the reference names now.
  virtual Result<content::Descriptor> Resolve(std::stop_token stop) const = 0;
  // Brings a blob into the content store, verified.
  virtual Result<> Fetch(const content::Descriptor& blob, const registry::TransferProgress& progress,
                         std::stop_token stop) const = 0;
  // Manifests that name this one as their subject (signatures, …).
  virtual Result<std::vector<content::Descriptor>> Referrers(const Digest&, std::stop_token) const {
    return std::vector<content::Descriptor>();
  }
  // Kept with the layers: MakeProviderFromOrigin makes a provider of it. Empty: layers must be fetched at once.
  [[nodiscard]] virtual std::string Origin(const Digest& root) const = 0;
  // For errors: "alpine:3.20".
  [[nodiscard]] virtual const std::string& name() const = 0;
};
using ImageProviderPtr = std::shared_ptr<const ImageProvider>;

// By the rules in image_source.h. `reference` has a tag or digest.
Result<ImageProviderPtr> ChooseProvider(const ImageSourceOptions& options, const ImageReference& reference,
                                        ResolveMode mode, std::shared_ptr<session::RegistryAuth> auth);
// An OCI layout of the client; the reference has a digest.
Result<ImageProviderPtr> MakeLayoutProvider(const ImageSourceOptions& options, const ImageReference& reference,
                                            std::string store_id, std::shared_ptr<session::OciLayouts> layouts);
Result<ImageProviderPtr> MakeProviderFromOrigin(const ImageSourceOptions& options, const std::string& origin);

struct ResolvedImage {
  // What the reference names: an index or a manifest.
  content::Descriptor root;
  content::Manifest manifest;
  std::string config;  // JSON as it is
  // Of the layers, uncompressed, bottom to top; empty if the config has no `rootfs` of layers.
  std::vector<Digest> diff_ids;
};

// The manifest that suits the platform best, as containerd chooses. kNotFound lists the platforms that there are.
Result<ResolvedImage> ReadImage(const ImageProvider& provider, content::ContentStore& store, const Platform& platform,
                                std::stop_token stop);

// Chain id of layers (image-spec, config.md): the identity of what they give together. Empty for no layers.
Digest ChainId(std::span<const Digest> diff_ids);

}  // namespace loam::source
