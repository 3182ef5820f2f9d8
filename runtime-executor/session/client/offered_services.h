// The gRPC services that a client offers in its session, over its ClientServices. Internal to this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <grpcpp/impl/codegen/service_type.h>

#include "runtime-executor/session/client/session_client.h"

namespace loam::session {

struct OfferedService {
  std::unique_ptr<grpc::Service> service;
  // "/moby.filesync.v1.FileSync/DiffCopy"
  std::vector<std::string> methods;
};

OfferedService OfferDirectories(std::shared_ptr<LocalDirs> directories);
OfferedService OfferSecrets(std::shared_ptr<SecretStore> secrets);
OfferedService OfferSsh(std::shared_ptr<SshAgents> agents);
OfferedService OfferCredentials(std::shared_ptr<RegistryAuth> auth);
OfferedService OfferLayouts(std::shared_ptr<OciLayouts> layouts);
OfferedService TakeOutputs(std::vector<SessionOutput> outputs);

}  // namespace loam::session
