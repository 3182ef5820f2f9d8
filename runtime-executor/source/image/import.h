// Reading images from files into the content store (`loam image import`).
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/source/image/archive_reader.h"
#include "runtime-executor/source/image_store.h"

namespace loam::source {

struct ImportedImage {
  content::Descriptor target;
  std::vector<std::string> names;  // at least one
};

// Finds out what `options.path` is, and reads it. Every blob is verified.
Result<std::vector<ImportedImage>> ImportImages(const ImportOptions& options, content::ContentStore& store,
                                                const Clock& clock, std::stop_token stop);

// The parts, by kind.
Result<std::vector<ImportedImage>> ImportOciDirectory(const std::string& directory,
                                                      const std::vector<std::string>& names,
                                                      content::ContentStore& store, std::stop_token stop);
// `index` is the text of index.json; the blobs are read from the archive.
Result<std::vector<ImportedImage>> ImportOciArchive(const std::string& path, const std::string& index,
                                                    const std::vector<std::string>& names, content::ContentStore& store,
                                                    std::stop_token stop);
// `manifest` is the text of manifest.json of a `docker save` archive, `entries` what the archive holds.
Result<std::vector<ImportedImage>> ImportDockerArchive(const std::string& path, const std::string& manifest,
                                                       const ArchiveListing& listing,
                                                       const std::vector<std::string>& names,
                                                       content::ContentStore& store, std::stop_token stop);
Result<std::vector<ImportedImage>> ImportRootfs(const std::string& path, const ImportOptions& options,
                                                content::ContentStore& store, const Clock& clock, std::stop_token stop);

// The images of an index.json with their names: the given ones, or those of the annotations.
Result<std::vector<ImportedImage>> NameImages(const content::Index& index, const std::string& index_text,
                                              const std::vector<std::string>& names, content::ContentStore& store);

}  // namespace loam::source
