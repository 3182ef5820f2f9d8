// What an image's index says about one of its images: the manifest of its attestations, and who signed that.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/platform.h"
#include "base/result.h"
#include "runtime-executor/source/image/image_provider.h"

namespace loam::source {

struct AttestationChain {
  struct Blob {
    content::Descriptor descriptor;
    std::string data;
  };
  Digest root;
  // Of the platform. Not among the blobs: nothing of the chain is proved by it.
  Digest image_manifest;
  // Empty: the image has none.
  Digest attestation_manifest;
  std::vector<Digest> signature_manifests;
  // Root, attestations, signatures and what the signatures hold; and the statements that were asked for.
  std::map<Digest, Blob> blobs;
};

// nullopt if the reference names no OCI index. `predicate_types`: statements to read as well. kNotFound if there is no
// image for the platform.
Result<std::optional<AttestationChain>> ReadAttestationChain(const ImageProvider& provider,
                                                             content::ContentStore& store, const Platform& platform,
                                                             const std::vector<std::string>& predicate_types,
                                                             std::stop_token stop);

}  // namespace loam::source
