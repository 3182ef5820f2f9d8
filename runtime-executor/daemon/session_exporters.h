// Exporters that the client picks once the result is known (BuildKit's session service Exporter).
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/daemon/session_export.h"
#include "runtime-executor/session/remote/session_manager.h"

namespace loam::daemon {

// Asks the client which exporters the result shall go to; none if it does not offer the service. `first_index` is the
// number of the first of them in the client's list.
Result<std::vector<SessionExport>> FindSessionExporters(const std::shared_ptr<session::Session>& session,
                                                        const std::map<std::string, std::string>& metadata,
                                                        const std::vector<std::string>& refs, int first_index,
                                                        std::stop_token stop);
// Tells the client what all exporters said. Its refusal is the build's error; not to offer the service is none.
Result<> FinalizeSessionExport(const std::shared_ptr<session::Session>& session,
                               const std::map<std::string, std::string>& response, std::stop_token stop);

}  // namespace loam::daemon
