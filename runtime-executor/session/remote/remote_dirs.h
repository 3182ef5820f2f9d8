// Directories of a client behind a session: transferred into directories of the daemon.
#pragma once

#include <memory>

#include "runtime-executor/session/remote/remote_client_services.h"

namespace loam::session {

std::shared_ptr<LocalDirs> MakeRemoteDirs(const RemoteClientOptions& options);

}  // namespace loam::session
