// What exporters write, handed to the client that asked for it (BuildKit's FileSend service).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/session/remote/session_manager.h"

namespace loam::session {

// A file that becomes the client's output `exporter_index`: everything read from `input` until its end. `metadata` is
// told to the client ("containerimage.digest"). kAlreadyExists if the client does not want it.
Result<> SendFile(const std::shared_ptr<Session>& session, int exporter_index,
                  const std::map<std::string, std::string>& metadata, const UniqueFd& input, std::stop_token stop);

// The files below `directory`, into the client's output directory. `progress` is called with the bytes that were sent
// so far, on the calling thread or another one; may be null.
Result<> SendDirectory(const std::shared_ptr<Session>& session, int exporter_index, const std::string& directory,
                       std::stop_token stop, const std::function<void(std::uint64_t)>& progress = {});

}  // namespace loam::session
