// Exports of a build whose client is behind a session: files and archives are handed to it.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/session/remote/session_manager.h"

namespace loam::daemon {

struct SessionExport {
  engine::ExportRequest request;
  // Its number in the client's list, by which the client knows where it goes.
  int index = 0;
};

// Checks the type. kInvalidArgument for one that does not exist or an attribute that cannot be.
Result<> CheckExporter(const engine::ExportRequest& request);

// `session` may be null if no exporter needs the client.
Result<std::map<std::string, std::string>> ExportToSession(engine::Job& job,
                                                           std::span<const engine::PlatformResult> results,
                                                           const SessionExport& output,
                                                           const std::shared_ptr<session::Session>& session,
                                                           const std::string& scratch_root, std::stop_token stop);

}  // namespace loam::daemon
