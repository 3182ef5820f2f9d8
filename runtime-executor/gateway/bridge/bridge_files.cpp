// BridgeBuild: the files of references and of containers.
#include <fcntl.h>

#include <algorithm>

#include "base/pattern_matcher.h"
#include "proto/frontend/gateway/pb/gateway.pb.h"
#include "runtime-executor/gateway/bridge/bridge_build.h"
#include "runtime-executor/gateway/state_files.h"

namespace loam::gateway {
namespace {

void SetStat(const sema::FileStat& file, fsutil::types::Stat& wire) {
  wire.set_path(file.path);
  wire.set_mode(file.mode);
  wire.set_size(file.size);
  wire.set_modtime(file.modified_ns);
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
  for (const sema::FileStat& file : LOAM_TRY(StateFiles(mounted).List(request.dirpath()))) {
    if (matcher.empty() || matcher.MatchesOrParentMatches(file.path)) {
      SetStat(file, *response.add_entries());
    }
  }
  return {};
}

Result<> StatFrom(const snapshot::MountedFs& mounted, const bridge_api::StatFileRequest& request,
                  bridge_api::StatFileResponse& response) {
  sema::FileStat file = LOAM_TRY(StateFiles(mounted).Stat(request.path()));
  file.path = file.path.substr(file.path.rfind('/') + 1);
  SetStat(file, *response.mutable_stat());
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
