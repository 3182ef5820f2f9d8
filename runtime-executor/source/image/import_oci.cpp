// Importing OCI layouts, from a directory or a tar.
#include <fcntl.h>

#include <set>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/image_reference.h"
#include "base/strings.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/source/image/import.h"
#include "runtime-executor/source/image_walk.h"
#include "runtime-executor/source/oci-layout/oci_layout.h"

namespace loam::source {
namespace {

constexpr std::string_view kBlobPrefix = "blobs/sha256/";

// The full name in an index.json entry: containerd's annotation, or the OCI one where it is more than a tag.
std::string AnnotatedName(const content::Descriptor& descriptor) {
  for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"}) {
    const auto found = descriptor.annotations.find(key);
    if (found != descriptor.annotations.end() && found->second.find_first_of(":/") != std::string::npos &&
        ParseImageReference(found->second)) {
      return found->second;
    }
  }
  return {};
}

// Copies one file of blobs/sha256 and all it names.
class DirectoryImport {
 public:
  DirectoryImport(std::string directory, content::ContentStore& store, std::stop_token stop)
      : directory_(std::move(directory)), store_(store), stop_(std::move(stop)) {}

  Result<> Copy(const content::Descriptor& root, bool optional) {
    const std::string path = directory_ + "/" + std::string(kBlobPrefix) + root.digest.Hex();
    auto file = OpenFile(path, O_RDONLY);
    if (!file) {
      return optional && file.error().Is(ErrorCode::kNotFound) ? Result<>() : tl::unexpected(std::move(file).error());
    }
    if (!store_.Contains(root)) {
      if (stop_.stop_requested()) {
        return Unexpected(ErrorCode::kCanceled, "context canceled");
      }
      auto ingest = LOAM_TRY(store_.StartIngest());
      LOAM_TRY(ingest.WriteFromFile(file->get(), 0, root.size, path));
      LOAM_TRY_CONTEXT(path, ingest.Commit(root.digest, root.size));
    }
    if (content::media_type::IsIndex(root.media_type)) {
      const auto index =
          LOAM_TRY(content::ParseIndex(LOAM_TRY(store_.ReadBlob(root.digest, registry::kMaxManifestSize))));
      for (const content::Descriptor& child : index.manifests) {
        LOAM_TRY(Copy(child, true));
      }
    } else if (content::media_type::IsManifest(root.media_type)) {
      const auto manifest =
          LOAM_TRY(content::ParseManifest(LOAM_TRY(store_.ReadBlob(root.digest, registry::kMaxManifestSize))));
      LOAM_TRY(Copy(manifest.config, false));
      for (const content::Descriptor& layer : manifest.layers) {
        LOAM_TRY(Copy(layer, false));
      }
    }
    return {};
  }

 private:
  const std::string directory_;
  content::ContentStore& store_;
  const std::stop_token stop_;
};

}  // namespace

Result<std::vector<ImportedImage>> NameImages(const content::Index& index, const std::string& index_text,
                                              const std::vector<std::string>& names, content::ContentStore& store) {
  const auto invalid = [](std::string message, std::string hint) {
    return tl::unexpected(Error(ErrorCode::kInvalidArgument, std::move(message)).WithHint(std::move(hint)));
  };
  if (index.manifests.empty()) {
    return invalid("the OCI layout holds no image", "its index.json lists no manifest");
  }
  std::vector<ImportedImage> images;
  std::set<std::string> found_names;
  bool all_have_platforms = true;
  for (const content::Descriptor& descriptor : index.manifests) {
    const std::string name = AnnotatedName(descriptor);
    found_names.insert(name);
    all_have_platforms = all_have_platforms && descriptor.platform.has_value();
    content::Descriptor target = descriptor;
    target.annotations.clear();
    images.push_back({std::move(target), name.empty() ? names : std::vector{name}});
  }
  if (images.size() > 1 && found_names.size() == 1 && all_have_platforms) {
    // The manifests of one image for several platforms.
    content::Descriptor whole;
    whole.media_type = content::media_type::kOciIndex;
    whole.digest = LOAM_TRY(store.WriteBlob(index_text));
    whole.size = index_text.size();
    const std::string& name = *found_names.begin();
    images = {{std::move(whole), name.empty() ? names : std::vector{name}}};
  }
  if (!names.empty()) {
    if (images.size() > 1) {
      return invalid(fmt::format("the file holds {} images, so they cannot be given one name", images.size()),
                     "import it without -t");
    }
    images[0].names = names;
  }
  for (const ImportedImage& image : images) {
    if (image.names.empty()) {
      return invalid("the image has no name", "give it one: loam image import -t NAME …");
    }
  }
  return images;
}

Result<std::vector<ImportedImage>> ImportOciDirectory(const std::string& directory,
                                                      const std::vector<std::string>& names,
                                                      content::ContentStore& store, std::stop_token stop) {
  const content::Index index = LOAM_TRY(ReadOciLayoutIndex(directory));
  const std::string text = LOAM_TRY(ReadFile(directory + "/index.json"));
  auto images = LOAM_TRY_CONTEXT(directory, NameImages(index, text, names, store));
  DirectoryImport import(directory, store, std::move(stop));
  for (const content::Descriptor& root : index.manifests) {
    LOAM_TRY_CONTEXT(directory, import.Copy(root, false));
  }
  return images;
}

Result<std::vector<ImportedImage>> ImportOciArchive(const std::string& path, const std::string& index_text,
                                                    const std::vector<std::string>& names, content::ContentStore& store,
                                                    std::stop_token stop) {
  const content::Index index = LOAM_TRY_CONTEXT(path + ": index.json", content::ParseIndex(index_text));
  auto images = LOAM_TRY_CONTEXT(path, NameImages(index, index_text, names, store));
  LOAM_TRY(ReadArchive(path, std::move(stop), [&](const ArchiveEntry& entry, content::ByteSource& data) -> Result<> {
    if (!entry.is_regular || !entry.path.starts_with(kBlobPrefix)) {
      return {};
    }
    const auto digest = Digest::Parse("sha256:" + entry.path.substr(kBlobPrefix.size()));
    if (!digest || store.Contains(*digest)) {
      return {};
    }
    auto ingest = LOAM_TRY(store.StartIngest());
    LOAM_TRY(content::Copy(data, ingest));
    LOAM_TRY_CONTEXT(fmt::format("{}: {}", path, entry.path), ingest.Commit(*digest));
    return {};
  }));
  return images;
}

}  // namespace loam::source
