// Overlayfs as detached mounts. Options are fixed so that layers stay independent of what they are stacked on: no
// redirects, no metacopy, no index; `volatile`, because an upper directory that was not committed is thrown away
// anyway.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::snapshot {

struct OverlaySpec {
  // Directories relative to `base_fd`, top first; at least two if there is no upper.
  std::vector<std::string> lowers;
  // Empty: read-only.
  std::string upper;
  std::string work;
  // Own xattrs in user.overlay.* instead of trusted.overlay.*.
  bool userxattr = false;
  // One colon-separated lowerdir, mounted with mount(2) in a mount namespace of a short-lived thread: for kernels
  // before 6.7.
  bool legacy = false;
};

// How many lowers one mount may have.
inline constexpr std::size_t kMaxOverlayLowers = 480;
// With the legacy form all options share one page.
inline constexpr std::size_t kMaxLegacyOverlayLowers = 200;

Result<UniqueFd> MountOverlay(int base_fd, const OverlaySpec& spec);

// A detached mount of a directory; where the kernel does not allow one, the directory itself.
Result<UniqueFd> CloneDirectory(int dir_fd, const std::string& path);

}  // namespace loam::snapshot
