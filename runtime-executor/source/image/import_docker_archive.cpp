// Importing `docker save` archives (manifest.json with configs and layers by file name), also those of skopeo and
// podman.
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime-executor/content/compression.h"
#include "runtime-executor/registry/registry_client.h"
#include "runtime-executor/source/image/import.h"

namespace loam::source {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct ArchivedImage {
  std::string config;               // path of the config in the archive
  std::vector<std::string> layers;  // paths, bottom to top
  std::vector<std::string> names;
};

tl::unexpected<Error> Damaged(std::string what) {
  return tl::unexpected(
      Error(ErrorCode::kInvalidArgument, "the archive's manifest.json is not that of an image: " + std::move(what))
          .WithHint("if it is a root filesystem, import it with --rootfs"));
}

Result<std::vector<std::string>> Texts(const json& object, const char* key) {
  std::vector<std::string> texts;
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return texts;
  }
  if (!found->is_array()) {
    return Damaged(fmt::format("`{}` is not a list", key));
  }
  for (const json& item : *found) {
    if (!item.is_string()) {
      return Damaged(fmt::format("`{}` is not a list of texts", key));
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

Result<std::vector<ArchivedImage>> ParseManifestJson(const std::string& text) {
  const json list = json::parse(text, nullptr, false);
  if (!list.is_array() || list.empty()) {
    return Damaged("it is no list of images");
  }
  std::vector<ArchivedImage> images;
  for (const json& item : list) {
    if (!item.is_object() || !item.contains("Config") || !item["Config"].is_string()) {
      return Damaged("an image has no `Config`");
    }
    images.push_back(
        {item["Config"].get<std::string>(), LOAM_TRY(Texts(item, "Layers")), LOAM_TRY(Texts(item, "RepoTags"))});
  }
  return images;
}

// A blob of the archive once it is in the store.
struct StoredFile {
  Digest digest;
  std::uint64_t size = 0;
  content::CompressionType compression = content::CompressionType::kUncompressed;
};

Result<StoredFile> Store(content::ByteSource& data, content::ContentStore& store) {
  auto ingest = LOAM_TRY(store.StartIngest());
  std::string head(4, '\0');
  head.resize(LOAM_TRY(content::ReadFull(data, head)));
  LOAM_TRY(ingest.Write(head));
  LOAM_TRY(content::Copy(data, ingest));
  const content::BlobInfo info = LOAM_TRY(ingest.Commit());
  return StoredFile{info.digest, info.size, content::DetectCompression(head)};
}

Result<content::Descriptor> WriteManifest(const ArchivedImage& image, const std::map<std::string, StoredFile>& files,
                                          content::ContentStore& store) {
  const StoredFile& config = files.at(image.config);
  const json parsed = json::parse(LOAM_TRY(store.ReadBlob(config.digest, registry::kMaxManifestSize)), nullptr, false);
  const json diff_ids = parsed.is_object() ? parsed.value("/rootfs/diff_ids"_json_pointer, json()) : json();
  if (!diff_ids.is_array() || diff_ids.size() != image.layers.size()) {
    return Damaged(fmt::format("the config `{}` does not describe its {} layers", image.config, image.layers.size()));
  }
  ordered_json layers = ordered_json::array();
  for (std::size_t i = 0; i < image.layers.size(); ++i) {
    const StoredFile& file = files.at(image.layers[i]);
    // Compressed layers are checked when they are unpacked.
    if (file.compression == content::CompressionType::kUncompressed && diff_ids[i] != file.digest.ToString()) {
      return tl::unexpected(
          Error(ErrorCode::kDataLoss,
                fmt::format("the layer `{}` does not have the digest that the image's config gives", image.layers[i]))
              .WithHint("the archive is damaged"));
    }
    layers.push_back({{"mediaType", content::LayerMediaType(file.compression, false)},
                      {"size", file.size},
                      {"digest", file.digest.ToString()}});
  }
  const ordered_json manifest = {{"schemaVersion", 2},
                                 {"mediaType", content::media_type::kDockerManifest},
                                 {"config",
                                  {{"mediaType", content::media_type::kDockerConfig},
                                   {"size", config.size},
                                   {"digest", config.digest.ToString()}}},
                                 {"layers", layers}};
  const std::string text = manifest.dump();
  content::Descriptor descriptor;
  descriptor.media_type = content::media_type::kDockerManifest;
  descriptor.digest = LOAM_TRY(store.WriteBlob(text));
  descriptor.size = text.size();
  return descriptor;
}

}  // namespace

Result<std::vector<ImportedImage>> ImportDockerArchive(const std::string& path, const std::string& manifest,
                                                       const ArchiveListing& listing,
                                                       const std::vector<std::string>& names,
                                                       content::ContentStore& store, std::stop_token stop) {
  auto images = LOAM_TRY_CONTEXT(path, ParseManifestJson(manifest));
  if (!names.empty()) {
    if (images.size() > 1) {
      return tl::unexpected(
          Error(ErrorCode::kInvalidArgument,
                fmt::format("`{}` holds {} images, so they cannot be given one name", path, images.size()))
              .WithHint("import it without -t"));
    }
    images[0].names = names;
  }
  // Where the data of each named file is: old archives link layers that several images have.
  std::map<std::string, std::vector<std::string>> wanted;
  for (const ArchivedImage& image : images) {
    if (image.names.empty()) {
      return tl::unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("`{}`: an image has no name", path))
                                .WithHint("give it one: loam image import -t NAME …"));
    }
    std::vector<std::string> files = image.layers;
    files.push_back(image.config);
    for (const std::string& file : files) {
      std::string target = file;
      for (int hops = 0; hops < 8 && !listing.files.contains(target) && listing.links.contains(target); ++hops) {
        target = listing.links.at(target);
      }
      if (!listing.files.contains(target)) {
        return tl::unexpected(
            Error(ErrorCode::kDataLoss, fmt::format("`{}` lacks the file `{}` of an image", path, file))
                .WithHint("the archive is damaged or incomplete"));
      }
      wanted[target].push_back(file);
    }
  }
  std::map<std::string, StoredFile> stored;
  LOAM_TRY(ReadArchive(path, std::move(stop), [&](const ArchiveEntry& entry, content::ByteSource& data) -> Result<> {
    const auto found = wanted.find(entry.path);
    if (found == wanted.end() || !entry.is_regular) {
      return {};
    }
    const StoredFile file = LOAM_TRY_CONTEXT(entry.path, Store(data, store));
    for (const std::string& name : found->second) {
      stored[name] = file;
    }
    return {};
  }));
  std::vector<ImportedImage> imported;
  for (const ArchivedImage& image : images) {
    imported.push_back({LOAM_TRY_CONTEXT(path, WriteManifest(image, stored, store)), image.names});
  }
  return imported;
}

}  // namespace loam::source
