// Preimages as bytes: a compact binary form, compressed. Stable across versions: a reader refuses what it does not
// know.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime-executor/solver/cache_map.h"

namespace loam::cache {

std::string EncodePreimage(const solver::Preimage& preimage);
// kDataLoss if the bytes are damaged.
Result<solver::Preimage> DecodePreimage(std::string_view bytes);

// zstd with the size in front; for other blobs of the cache database.
std::string CompressBlob(std::string_view bytes);
Result<std::string> DecompressBlob(std::string_view bytes);

}  // namespace loam::cache
