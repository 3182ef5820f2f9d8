// The index.json of an OCI image layout on disk (image-layout.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime-executor/content/descriptor.h"

namespace loam::content {

inline constexpr std::string_view kOciLayoutFile = R"({"imageLayoutVersion":"1.0.0"})";
inline constexpr std::string_view kRefNameAnnotation = "org.opencontainers.image.ref.name";
inline constexpr std::string_view kImageNameAnnotation = "io.containerd.image.name";

// Adds descriptors to the index, which is made as needed, with the file that marks a layout. Each has the annotation of
// its ref name; what had the same name (and image name) before is replaced, the rest stays. Several processes may do so
// at once.
Result<> AddToLayout(const std::string& directory, const std::vector<Descriptor>& added);

// Names one descriptor, replacing what had the name.
Result<> NameInLayout(const std::string& directory, Descriptor descriptor, const std::string& ref_name);
// The digest of that ref name; kNotFound if the directory is no layout or has no such name.
Result<Digest> FindInLayout(const std::string& directory, const std::string& ref_name);

}  // namespace loam::content
