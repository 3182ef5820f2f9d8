// OCI image layout (image-layout.md): its files, as members of a tar or of a directory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/content/layout_index.h"
#include "runtime-executor/exporter/image_writer.h"

namespace loam::exporter {

using content::kOciLayoutFile;

// "blobs/sha256/<hex>"
std::string BlobPath(const Digest& digest);

// The image's descriptors for an index.json: one a name with the name's annotations; without names a single one.
std::vector<content::Descriptor> NamedDescriptors(const content::Descriptor& root,
                                                  const std::vector<std::string>& names);

// index.json as containerd's exporter writes it.
std::string LayoutIndex(const std::vector<content::Descriptor>& manifests);

// manifest.json of a docker-archive.
Result<std::string> DockerManifestJson(const CommittedManifest& manifest, const std::vector<std::string>& names);

// The whole archive, members sorted by name. `docker_manifest` is manifest.json, empty: none.
Result<> WriteLayoutArchive(const CommittedImage& image, const std::vector<content::Descriptor>& manifests,
                            const std::string& docker_manifest, content::ContentStore& store, content::ByteSink& sink);

// Adds the image to a layout directory, which is made as needed. Names move to this image; the others stay. Without
// names it is known by the ref name "latest".
Result<> WriteLayoutDirectory(const CommittedImage& image, const content::Descriptor& root,
                              const std::vector<std::string>& names, content::ContentStore& store,
                              const std::string& directory);

}  // namespace loam::exporter
