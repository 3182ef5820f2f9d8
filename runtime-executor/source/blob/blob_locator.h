// One blob by its digest, in a registry or in an OCI layout of the client: `docker-image+blob://host/name@sha256:…`,
// `oci-layout+blob://name@sha256:…`.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/image_reference.h"
#include "base/result.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/source/source.h"

namespace loam::source {

inline constexpr std::string_view kImageBlobScheme = "docker-image+blob";
inline constexpr std::string_view kLayoutBlobScheme = "oci-layout+blob";

struct BlobLocator {
  bool layout = false;
  ImageReference reference;
  Digest digest;
  // Of the layout.
  std::string store_id;
};

// kInvalidArgument for another scheme, a tag, or no digest. `store_id`, or for "" what the locator names.
Result<BlobLocator> ParseBlobLocator(std::string_view locator, const std::string& store_id);

// Brings the blob into a content store, verified.
Result<> FetchBlob(registry::RegistryClient& registry, const BlobLocator& locator, SourceContext& context,
                   content::ContentStore& store);

// Brings a blob of the client's layout into a content store, verified, at most `limit` bytes. `name` is for errors.
Result<> CopyLayoutBlob(session::OciLayouts& layouts, const std::string& store_id, const std::string& name,
                        const content::Descriptor& blob, std::uint64_t limit, content::ContentStore& store,
                        const registry::TransferProgress& progress, std::stop_token stop);

}  // namespace loam::source
