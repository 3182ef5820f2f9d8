#include "runtime-executor/exporter/oci/layout.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/go_json.h"
#include "base/image_reference.h"
#include "runtime-executor/exporter/archive_writer.h"

namespace loam::exporter {
namespace {

using content::Descriptor;
using nlohmann::ordered_json;

using content::kImageNameAnnotation;
using content::kRefNameAnnotation;

// The tag; for a reference by digest alone the whole name.
std::string RefName(const std::string& name) {
  const Result<ImageReference> reference = ParseImageReference(name);
  return reference && !reference->tag.empty() ? reference->tag : name;
}

Result<> AddBlobTo(const std::string& directory, const Descriptor& descriptor, content::ContentStore& store) {
  const std::string path = fmt::format("{}/{}", directory, BlobPath(descriptor.digest));
  const content::Blob blob = LOAM_TRY(store.OpenBlob(descriptor));
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && static_cast<std::uint64_t>(status.st_size) == descriptor.size) {
    return {};
  }
  AtomicFile file = LOAM_TRY(AtomicFile::Create(path));
  LOAM_TRY_CONTEXT("write " + path, CopyRange(blob.fd(), 0, file.fd(), 0, blob.size(), descriptor.digest.ToString()));
  return file.Commit();
}

}  // namespace

std::string BlobPath(const Digest& digest) {
  return "blobs/sha256/" + digest.Hex();
}

std::vector<Descriptor> NamedDescriptors(const Descriptor& root, const std::vector<std::string>& names) {
  if (names.empty()) {
    return {root};
  }
  std::vector<Descriptor> result;
  for (const std::string& name : names) {
    Descriptor& named = result.emplace_back(root);
    named.annotations[std::string(kImageNameAnnotation)] = name;
    named.annotations[std::string(kRefNameAnnotation)] = RefName(name);
  }
  return result;
}

std::string LayoutIndex(const std::vector<Descriptor>& manifests) {
  ordered_json index = {{"schemaVersion", 2}, {"mediaType", content::media_type::kOciIndex}};
  index["manifests"] = ordered_json::array();
  for (const Descriptor& manifest : manifests) {
    index["manifests"].push_back(ToJson(manifest));
  }
  return EscapeLikeGo(index.dump());
}

Result<std::string> DockerManifestJson(const CommittedManifest& manifest, const std::vector<std::string>& names) {
  ordered_json entry = {{"Config", BlobPath(manifest.config.digest)}, {"RepoTags", nullptr}};
  for (const std::string& name : names) {
    entry["RepoTags"].push_back(LOAM_TRY(ParseImageReference(name)).Familiar());
  }
  entry["Layers"] = ordered_json::array();
  for (const Descriptor& layer : manifest.layers) {
    entry["Layers"].push_back(BlobPath(layer.digest));
  }
  return ordered_json::array({entry}).dump();
}

Result<> WriteLayoutArchive(const CommittedImage& image, const std::vector<Descriptor>& manifests,
                            const std::string& docker_manifest, content::ContentStore& store, content::ByteSink& sink) {
  std::vector<Descriptor> blobs = image.AllBlobs();
  std::sort(blobs.begin(), blobs.end(), [](const auto& a, const auto& b) { return a.digest < b.digest; });
  ArchiveWriter archive(sink);
  LOAM_TRY(archive.AddDirectory("blobs/"));
  LOAM_TRY(archive.AddDirectory("blobs/sha256/"));
  for (const Descriptor& descriptor : blobs) {
    const content::Blob blob = LOAM_TRY(store.OpenBlob(descriptor));
    LOAM_TRY(archive.AddBlob(BlobPath(descriptor.digest), blob));
  }
  LOAM_TRY(archive.AddFile("index.json", LayoutIndex(manifests)));
  if (!docker_manifest.empty()) {
    LOAM_TRY(archive.AddFile("manifest.json", docker_manifest));
  }
  LOAM_TRY(archive.AddFile("oci-layout", kOciLayoutFile, 0444));
  return archive.Finish();
}

Result<> WriteLayoutDirectory(const CommittedImage& image, const Descriptor& root,
                              const std::vector<std::string>& names, content::ContentStore& store,
                              const std::string& directory) {
  LOAM_TRY(MakeDirs(directory + "/blobs/sha256"));
  for (const Descriptor& descriptor : image.AllBlobs()) {
    LOAM_TRY(AddBlobTo(directory, descriptor, store));
  }
  std::vector<Descriptor> added = NamedDescriptors(root, names);
  if (names.empty()) {
    added.front().annotations[std::string(kRefNameAnnotation)] = "latest";
  }
  return content::AddToLayout(directory, added);
}

}  // namespace loam::exporter
