#include "runtime-executor/source/image/attestation_chain.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::source {
namespace {

namespace media_type = content::media_type;

constexpr const char* kReferenceType = "vnd.docker.reference.type";
constexpr const char* kReferenceDigest = "vnd.docker.reference.digest";
constexpr const char* kAttestationManifest = "attestation-manifest";
constexpr const char* kPredicateType = "in-toto.io/predicate-type";
// Kinds of signatures; the first is preferred.
constexpr std::string_view kSigstoreBundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
constexpr std::string_view kCosignSignature = "application/vnd.dev.cosign.artifact.sig.v1+json";

std::string Annotation(const content::Descriptor& descriptor, const char* key) {
  const auto found = descriptor.annotations.find(key);
  return found == descriptor.annotations.end() ? std::string() : found->second;
}

class Reading {
 public:
  Reading(const ImageProvider& provider, content::ContentStore& store, std::stop_token stop)
      : provider_(provider), store_(store), stop_(std::move(stop)) {}

  Result<std::optional<AttestationChain>> Run(const Platform& platform,
                                              const std::vector<std::string>& predicate_types) {
    const content::Descriptor root = LOAM_TRY(provider_.Resolve(stop_));
    if (root.media_type != media_type::kOciIndex) {
      return std::nullopt;
    }
    chain_.root = root.digest;
    const content::Index index = LOAM_TRY(content::ParseIndex(LOAM_TRY(Read(root))));
    chain_.image_manifest = LOAM_TRY(ImageFor(index, platform));
    const auto attestations =
        std::find_if(index.manifests.begin(), index.manifests.end(), [&](const content::Descriptor& manifest) {
          return Annotation(manifest, kReferenceType) == kAttestationManifest &&
                 Annotation(manifest, kReferenceDigest) == chain_.image_manifest.ToString();
        });
    if (attestations == index.manifests.end()) {
      return std::optional(std::move(chain_));
    }
    chain_.attestation_manifest = attestations->digest;
    const content::Manifest manifest = LOAM_TRY(content::ParseManifest(LOAM_TRY(Read(*attestations))));
    LOAM_TRY(ReadSignature(attestations->digest));
    for (const content::Descriptor& statement : manifest.layers) {
      if (std::find(predicate_types.begin(), predicate_types.end(), Annotation(statement, kPredicateType)) !=
          predicate_types.end()) {
        LOAM_TRY(Read(statement));
      }
    }
    return std::optional(std::move(chain_));
  }

 private:
  Result<Digest> ImageFor(const content::Index& index, const Platform& platform) const {
    const PlatformMatcher matcher(platform);
    const content::Descriptor* best = nullptr;
    for (const content::Descriptor& manifest : index.manifests) {
      if (!media_type::IsManifest(manifest.media_type) || (manifest.platform && !matcher.Matches(*manifest.platform))) {
        continue;
      }
      const bool better = best == nullptr || (manifest.platform && !best->platform) ||
                          (manifest.platform && best->platform && matcher.Less(*manifest.platform, *best->platform));
      if (better) {
        best = &manifest;
      }
    }
    if (best == nullptr) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("`{}`: no match for platform {} in the image",
                                                          provider_.name(), FormatPlatformAll(platform)));
    }
    return best->digest;
  }

  // One, of the best kind that there is.
  Result<> ReadSignature(const Digest& subject) {
    const std::vector<content::Descriptor> referrers = LOAM_TRY(provider_.Referrers(subject, stop_));
    for (const std::string_view kind : {kSigstoreBundle, kCosignSignature}) {
      for (const content::Descriptor& referrer : referrers) {
        if (referrer.artifact_type != kind) {
          continue;
        }
        chain_.signature_manifests = {referrer.digest};
        const content::Manifest manifest = LOAM_TRY(content::ParseManifest(LOAM_TRY(Read(referrer))));
        for (const content::Descriptor& layer : manifest.layers) {
          LOAM_TRY(Read(layer));
        }
        return {};
      }
    }
    return {};
  }

  Result<std::string> Read(const content::Descriptor& blob) {
    if (blob.size > registry::kMaxManifestSize) {
      return Unexpected(
          ErrorCode::kResourceExhausted,
          fmt::format("`{}`: {} is said to have {}; attestations of more than {} are refused", provider_.name(),
                      blob.digest.ToString(), HumanBytes(blob.size), HumanBytes(registry::kMaxManifestSize)));
    }
    LOAM_TRY(provider_.Fetch(blob, {}, stop_));
    std::string data = LOAM_TRY(store_.ReadBlob(blob.digest, registry::kMaxManifestSize));
    chain_.blobs[blob.digest] = {blob, data};
    return data;
  }

  const ImageProvider& provider_;
  content::ContentStore& store_;
  const std::stop_token stop_;
  AttestationChain chain_;
};

}  // namespace

Result<std::optional<AttestationChain>> ReadAttestationChain(const ImageProvider& provider,
                                                             content::ContentStore& store, const Platform& platform,
                                                             const std::vector<std::string>& predicate_types,
                                                             std::stop_token stop) {
  return Reading(provider, store, std::move(stop)).Run(platform, predicate_types);
}

}  // namespace loam::source
