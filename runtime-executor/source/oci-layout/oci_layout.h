// A directory in the OCI image layout (image-spec: image-layout.md).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime-executor/content/descriptor.h"

namespace loam::source {

// The `index.json` of a layout. kNotFound if the directory is no layout, kInvalidArgument if it is damaged.
Result<content::Index> ReadOciLayoutIndex(const std::string& directory);

// What a tag ("org.opencontainers.image.ref.name") or a digest names in a layout; an empty one the only image there.
// The client calls it for `--build-context name=oci-layout://DIR[:TAG][@DIGEST]`, since LLB wants a digest. kNotFound
// names what there is.
Result<content::Descriptor> ResolveInOciLayout(const std::string& directory, std::string_view tag_or_digest);

}  // namespace loam::source
