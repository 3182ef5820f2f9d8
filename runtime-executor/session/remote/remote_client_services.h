// ClientServices of a client that is connected by a session.
#pragma once

#include <memory>
#include <string>

#include "runtime-executor/session/client_services.h"
#include "runtime-executor/session/remote/session_manager.h"

namespace loam::session {

struct RemoteClientOptions {
  // Outlives the services.
  SessionManager* sessions = nullptr;
  std::string session_id;
  // Where directories of clients are kept between builds, so that only changes are transferred.
  std::string directory_cache;
};

std::shared_ptr<ClientServices> MakeRemoteClientServices(RemoteClientOptions options);

}  // namespace loam::session
