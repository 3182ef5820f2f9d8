// BridgeBuild: the files of references and of containers.
#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "base/go_file_mode.h"
#include "base/pattern_matcher.h"
#include "proto/frontend/gateway/pb/gateway.pb.h"
#include "runtime-executor/gateway/bridge/bridge_build.h"
#include "runtime-executor/gateway/state_files.h"

namespace loam::gateway {
namespace {

void SetStat(const FileDetails& file, fsutil::types::Stat& wire) {
  const snapshot::TreeEntry& entry = file.entry;
  wire.set_path(file.name);
  wire.set_mode(GoFileMode(entry.mode) & ~go_file_mode::kSocket);
  wire.set_uid(entry.uid);
  wire.set_gid(entry.gid);
  wire.set_size(entry.is_dir() ? 0 : static_cast<std::int64_t>(entry.size));
  wire.set_modtime(entry.mtime.tv_sec * 1'000'000'000 + entry.mtime.tv_nsec);
  wire.set_linkname(file.link);
  wire.set_devmajor(major(entry.rdev));
  wire.set_devminor(minor(entry.rdev));
  wire.mutable_xattrs()->insert(file.xattrs.begin(), file.xattrs.end());
}

Result<> ReadFrom(const snapshot::MountedFs& mounted, const bridge_api::ReadFileRequest& request,
                  bridge_api::ReadFileResponse& response) {
  const auto limit = static_cast<std::uint64_t>(std::max<std::int64_t>(request.range().length(), 0));
  const auto offset = static_cast<std::uint64_t>(std::max<std::int64_t>(request.range().offset(), 0));
  response.set_data(LOAM_TRY(StateFiles(mounted).Read(request.filepath(), limit, offset)));
  return {};
}

Result<> ListFrom(const snapshot::MountedFs& mounted, const bridge_api::ReadDirRequest& request,
                  bridge_api::ReadDirResponse& response) {
  PatternMatcher matcher;
  if (!request.includepattern().empty()) {
    matcher = LOAM_TRY(PatternMatcher::Create({request.includepattern()}));
  }
  for (const FileDetails& file : LOAM_TRY(StateFiles(mounted).ListDetails(request.dirpath()))) {
    if (matcher.empty() || matcher.MatchesOrParentMatches(file.name)) {
      SetStat(file, *response.add_entries());
    }
  }
  return {};
}

Result<> StatFrom(const snapshot::MountedFs& mounted, const bridge_api::StatFileRequest& request,
                  bridge_api::StatFileResponse& response) {
  SetStat(LOAM_TRY(StateFiles(mounted).Details(request.path())), *response.mutable_stat());
  return {};
}

// What a mount of a container shows now.
Result<snapshot::MountedFs> ViewOf(const ContainerUse& container, std::int32_t index) {
  const int view = LOAM_TRY((**container).View(static_cast<std::size_t>(index)));
  UniqueFd fd(fcntl(view, F_DUPFD_CLOEXEC, 0));
  if (!fd.valid()) {
    return UnexpectedErrno("look into a container");
  }
  return snapshot::MountedFs(std::move(fd), snapshot::FsRef());
}

}  // namespace

Result<> BridgeBuild::ReadFile(const bridge_api::ReadFileRequest& request, bridge_api::ReadFileResponse& response) {
  return ReadFrom(LOAM_TRY(MountRef(request.ref())), request, response);
}

Result<> BridgeBuild::ReadDir(const bridge_api::ReadDirRequest& request, bridge_api::ReadDirResponse& response) {
  return ListFrom(LOAM_TRY(MountRef(request.ref())), request, response);
}

Result<> BridgeBuild::StatFile(const bridge_api::StatFileRequest& request, bridge_api::StatFileResponse& response) {
  return StatFrom(LOAM_TRY(MountRef(request.ref())), request, response);
}

Result<snapshot::MountedFs> BridgeBuild::MountRef(const std::string& id) {
  const snapshot::FsRef fs = LOAM_TRY(SolveRef(id));
  return options_.job->Mount(fs, stop_.get_token());
}

Result<> BridgeBuild::ReadFileContainer(const bridge_api::ReadFileRequest& request,
                                        bridge_api::ReadFileResponse& response) {
  const ContainerUse container = LOAM_TRY(containers_.Use(request.ref()));
  const snapshot::MountedFs view = LOAM_TRY(ViewOf(container, request.mountindex()));
  return ReadFrom(view, request, response);
}

Result<> BridgeBuild::ReadDirContainer(const bridge_api::ReadDirRequest& request,
                                       bridge_api::ReadDirResponse& response) {
  const ContainerUse container = LOAM_TRY(containers_.Use(request.ref()));
  const snapshot::MountedFs view = LOAM_TRY(ViewOf(container, request.mountindex()));
  return ListFrom(view, request, response);
}

Result<> BridgeBuild::StatFileContainer(const bridge_api::StatFileRequest& request,
                                        bridge_api::StatFileResponse& response) {
  const ContainerUse container = LOAM_TRY(containers_.Use(request.ref()));
  const snapshot::MountedFs view = LOAM_TRY(ViewOf(container, request.mountindex()));
  return StatFrom(view, request, response);
}

}  // namespace loam::gateway
