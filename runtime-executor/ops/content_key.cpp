#include "runtime-executor/ops/content_key.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/layer_downloads.h"
#include "runtime-executor/solver/op.h"

namespace loam::ops {
namespace {

// The directory or file from which a selector's paths are named, relative to the root of the input.
std::string BaseOf(const PathSelector& selector) {
  std::string base = CleanRootedPath(selector.path);
  if (selector.options.wildcard) {
    base.resize(std::min(base.size(), base.find_first_of("*?[\\")));
    base.resize(base.find_last_of('/') == std::string::npos ? 0 : base.find_last_of('/'));
  }
  base.erase(0, base.starts_with('/') ? 1 : 0);
  return base;
}

std::string Below(const std::string& base, const std::string& part) {
  return base.empty() || part.starts_with(base + "/") ? part : part.empty() ? base : base + "/" + part;
}

}  // namespace

solver::ContentKeyFunction NewContentKey(cache::ChecksumCache* checksums, std::vector<PathSelector> selectors) {
  if (selectors.empty()) {
    selectors.emplace_back();
  }
  auto shared = std::make_shared<const std::vector<PathSelector>>(std::move(selectors));
  return [checksums, shared](solver::OpContext& context, const solver::ResultPtr& input) -> Result<solver::ContentKey> {
    const snapshot::FsRef fs = FsOf(input);
    const auto downloads = ShowLayerDownloads(checksums->store(), fs, context);
    std::string joined;
    for (const PathSelector& selector : *shared) {
      // Of the empty filesystem upstream says it in these words.
      if (const std::string path = CleanRootedPath(selector.path); fs.is_scratch() && path != "/") {
        return Unexpected(ErrorCode::kNotFound, fmt::format("{}: no such file or directory", path));
      }
      const auto checksum =
          LOAM_TRY(checksums->Compute(fs, CleanRootedPath(selector.path), selector.options, false, context.stop()));
      if (!joined.empty()) {
        joined += '\0';
      }
      joined += checksum.digest.ToString();
    }
    solver::ContentKey key;
    key.digest = Digest::Of(joined);
    key.base_path = shared->size() == 1 ? BaseOf(shared->front()) : std::string();
    key.preimage = [checksums, shared, fs, stop = context.stop()] {
      solver::Preimage preimage;
      for (const PathSelector& selector : *shared) {
        // What was computed a moment ago is still known; only the list of its parts is new.
        auto checksum = checksums->Compute(fs, CleanRootedPath(selector.path), selector.options, true, stop);
        if (checksum) {
          for (cache::ChecksumPart& part : checksum->parts) {
            // Paths of several selectors would mix; one selector's are the same wherever the content lies.
            preimage.files.push_back(
                {shared->size() > 1 ? Below(BaseOf(selector), part.path) : std::move(part.path), part.digest});
          }
        }
      }
      std::sort(preimage.files.begin(), preimage.files.end());
      preimage.files.erase(std::unique(preimage.files.begin(), preimage.files.end()), preimage.files.end());
      return preimage;
    };
    return key;
  };
}

std::vector<std::string> DedupePaths(const std::vector<std::string>& paths) {
  if (paths.size() <= 1) {
    return paths;
  }
  const std::set<std::string> all(paths.begin(), paths.end());
  std::vector<std::string> kept;
  for (const std::string& path : all) {
    const bool below = std::any_of(all.begin(), all.end(), [&](const std::string& other) {
      return path != other && path.starts_with(other.ends_with('/') ? other : other + "/");
    });
    if (!below) {
      kept.push_back(path);
    }
  }
  return kept;
}

}  // namespace loam::ops
