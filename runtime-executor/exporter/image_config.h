// The image config of an export: the frontend's config with the layers that were made, times and history completed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/platform.h"
#include "base/result.h"
#include "runtime-executor/exporter/layers.h"

namespace loam::exporter {

// diffIDs of a config (of a base image). Empty text: none.
Result<std::vector<Digest>> DiffIdsOf(std::string_view image_config);

// The config's bytes as they are stored: members sorted and text escaped as BuildKit writes them. History entries
// without a layer of their own are kept; layers without an entry get one; missing times are filled in; `epoch` clamps
// times of all that is not the base image's. An empty config becomes a minimal one for `platform`. `inline_cache` are
// the records of an inline cache, if there is one.
Result<std::string> CompleteImageConfig(std::string_view image_config, std::string_view base_image_config,
                                        const Platform& platform, const std::vector<LayerBlob>& layers,
                                        std::optional<std::int64_t> epoch, std::string_view inline_cache = {});

}  // namespace loam::exporter
