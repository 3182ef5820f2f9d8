// SSH agents of a client in the same process.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "runtime-executor/session/local_client_services.h"

namespace loam::session {

std::shared_ptr<SshAgents> MakeLocalSsh(std::map<std::string, SshSource> sources);

}  // namespace loam::session
