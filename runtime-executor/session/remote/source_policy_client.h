// The client's verdict about a source (BuildKit's PolicyVerifier service).
#pragma once

#include <stop_token>

#include "base/result.h"
#include "runtime-executor/session/remote/session_manager.h"

namespace moby::buildkit::v1::sourcepolicy::policysession {
class CheckPolicyRequest;
class CheckPolicyResponse;
}  // namespace moby::buildkit::v1::sourcepolicy::policysession

namespace loam::session {

// Blocks until the client has answered.
Result<> AskSourcePolicy(const Session& session,
                         const moby::buildkit::v1::sourcepolicy::policysession::CheckPolicyRequest& question,
                         moby::buildkit::v1::sourcepolicy::policysession::CheckPolicyResponse& answer,
                         std::stop_token stop);

}  // namespace loam::session
