#include "runtime-executor/source/image_walk.h"

#include <set>

#include <fmt/format.h>

#include "runtime-executor/registry/registry_client.h"

namespace loam::source {
namespace {

constexpr int kDeepestIndex = 4;

class Walk {
 public:
  Walk(const content::ContentStore& store, const std::function<void(const content::Descriptor&)>& visit)
      : store_(store), visit_(visit) {}

  Result<> Node(const content::Descriptor& descriptor, int depth) {
    if (!seen_.insert(descriptor.digest).second) {
      return {};
    }
    if (depth > kDeepestIndex) {
      return Unexpected(ErrorCode::kInvalidArgument, "indexes are nested too deeply");
    }
    visit_(descriptor);
    const std::string text = LOAM_TRY(store_.ReadBlob(descriptor.digest, registry::kMaxManifestSize));
    return content::media_type::IsIndex(descriptor.media_type) ? Index(text, depth) : Manifest(text);
  }

 private:
  Result<> Index(const std::string& text, int depth) {
    const content::Index index = LOAM_TRY(content::ParseIndex(text));
    bool any = false;
    for (const content::Descriptor& manifest : index.manifests) {
      if (store_.Contains(manifest)) {
        any = true;
        LOAM_TRY(Node(manifest, depth + 1));
      }
    }
    if (!any) {
      return Unexpected(ErrorCode::kNotFound, "none of the manifests of the index is there");
    }
    return {};
  }

  Result<> Manifest(const std::string& text) {
    const content::Manifest manifest = LOAM_TRY(content::ParseManifest(text));
    LOAM_TRY(Blob(manifest.config));
    for (const content::Descriptor& layer : manifest.layers) {
      LOAM_TRY(Blob(layer));
    }
    return {};
  }

  Result<> Blob(const content::Descriptor& blob) {
    if (!seen_.insert(blob.digest).second) {
      return {};
    }
    if (!store_.Contains(blob)) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("the blob {} is missing", blob.digest.ToString()));
    }
    visit_(blob);
    return {};
  }

  const content::ContentStore& store_;
  const std::function<void(const content::Descriptor&)>& visit_;
  std::set<Digest> seen_;
};

}  // namespace

Result<> WalkImage(const content::ContentStore& store, const content::Descriptor& root,
                   const std::function<void(const content::Descriptor&)>& visit) {
  return Walk(store, visit).Node(root, 0);
}

}  // namespace loam::source
