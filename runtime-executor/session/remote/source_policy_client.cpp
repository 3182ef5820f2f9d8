#include "runtime-executor/session/remote/source_policy_client.h"

#include <grpcpp/grpcpp.h>

#include "proto/sourcepolicy/policysession/policysession.grpc.pb.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::session {

namespace policy_api = moby::buildkit::v1::sourcepolicy::policysession;

Result<> AskSourcePolicy(const Session& session, const policy_api::CheckPolicyRequest& question,
                         policy_api::CheckPolicyResponse& answer, std::stop_token stop) {
  const auto stub = policy_api::PolicyVerifier::NewStub(session.channel());
  CallContext context(std::move(stop));
  return CheckGrpcStatus(stub->CheckPolicy(context.get(), question, &answer), "source policy of the client");
}

}  // namespace loam::session
