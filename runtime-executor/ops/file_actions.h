// The actions of a file op on an open root directory.
#pragma once

#include <optional>
#include <stop_token>
#include <utility>

#include <sys/types.h>

#include "base/result.h"
#include "runtime-executor/ops/file_source.h"

namespace pb {
class FileActionCopy;
class FileActionMkDir;
class FileActionMkFile;
class FileActionRm;
class FileActionSymlink;
}  // namespace pb

namespace loam::ops {

using FileOwner = std::optional<std::pair<uid_t, gid_t>>;

Result<> MakeDirectoryAction(int root_fd, const pb::FileActionMkDir& action, const FileOwner& owner);
Result<> MakeFileAction(int root_fd, const pb::FileActionMkFile& action, const FileOwner& owner);
Result<> RemoveAction(int root_fd, const pb::FileActionRm& action);
Result<> SymlinkAction(int root_fd, const pb::FileActionSymlink& action, const FileOwner& owner);
Result<> CopyAction(const SourceTree& source, int root_fd, const pb::FileActionCopy& action, const FileOwner& owner,
                    std::stop_token stop);

}  // namespace loam::ops
