#include "runtime-executor/source/oci-layout/oci_layout.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <set>

#include "base/file_system.h"
#include "base/strings.h"
#include "runtime-executor/registry/registry_client.h"

namespace loam::source {
namespace {

std::string Annotation(const content::Descriptor& descriptor, const char* key) {
  const auto found = descriptor.annotations.find(key);
  return found == descriptor.annotations.end() ? std::string() : found->second;
}

}  // namespace

Result<content::Index> ReadOciLayoutIndex(const std::string& directory) {
  const auto layout = LOAM_TRY(ReadFileIfExists(directory + "/oci-layout"));
  const auto index = LOAM_TRY(ReadFileIfExists(directory + "/index.json"));
  if (!layout || !index) {
    return tl::unexpected(Error(ErrorCode::kNotFound, fmt::format("`{}` is not an OCI layout", directory))
                              .WithHint("an OCI layout has the files oci-layout and index.json"));
  }
  if (index->size() > registry::kMaxManifestSize) {
    return Unexpected(ErrorCode::kResourceExhausted, fmt::format("`{}/index.json` is too large", directory));
  }
  return LOAM_TRY_CONTEXT(directory + "/index.json", content::ParseIndex(*index));
}

Result<content::Descriptor> ResolveInOciLayout(const std::string& directory, std::string_view tag_or_digest) {
  const content::Index index = LOAM_TRY(ReadOciLayoutIndex(directory));
  std::set<std::string> tags;
  for (const content::Descriptor& descriptor : index.manifests) {
    const std::string tag = Annotation(descriptor, "org.opencontainers.image.ref.name");
    if (!tag.empty()) {
      tags.insert(tag);
    }
    if ((!tag_or_digest.empty() && (tag == tag_or_digest || descriptor.digest.ToString() == tag_or_digest ||
                                    Annotation(descriptor, "io.containerd.image.name") == tag_or_digest)) ||
        (tag_or_digest.empty() && (index.manifests.size() == 1 || tag == "latest"))) {
      return descriptor;
    }
  }
  if (const auto digest = Digest::Parse(tag_or_digest)) {
    // A manifest below an index of the layout.
    const std::string path = directory + "/blobs/sha256/" + digest->Hex();
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && static_cast<std::uint64_t>(info.st_size) <= registry::kMaxManifestSize) {
      const std::string text = LOAM_TRY(ReadFile(path));
      content::Descriptor descriptor;
      descriptor.media_type = LOAM_TRY_CONTEXT(path, content::DetectMediaType(text));
      descriptor.digest = *digest;
      descriptor.size = text.size();
      return descriptor;
    }
  }
  const std::string known = Join({tags.begin(), tags.end()}, ", ");
  return tl::unexpected(
      Error(ErrorCode::kNotFound, fmt::format("the OCI layout `{}` has no image `{}`", directory,
                                              tag_or_digest.empty() ? "latest" : tag_or_digest))
          .WithHint(known.empty() ? "its images have no tags; name one by its digest" : "it has the tags " + known));
}

}  // namespace loam::source
