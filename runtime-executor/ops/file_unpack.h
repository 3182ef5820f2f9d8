// Unpacking of archives as ADD of a Dockerfile does it (attemptUnpackDockerCompatibility).
#pragma once

#include <string>

#include "base/result.h"
#include "runtime-executor/ops/file_copy.h"
#include "runtime-executor/ops/file_source.h"

namespace loam::ops {

// If `source_path` (links followed) is a tar archive, plain or compressed by gzip, bzip2, xz or zstd, extracts it into
// the directory `dest_path` below `dest_fd`, which is made if missing, and returns true. Owners are the archive's
// unless options.owner says otherwise. Nothing is written outside `dest_path`.
Result<bool> UnpackArchive(const SourceTree& source, const std::string& source_path, int dest_fd,
                           const std::string& dest_path, const FileCopyOptions& options, std::stop_token stop);

}  // namespace loam::ops
