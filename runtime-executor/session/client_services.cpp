#include "runtime-executor/session/client_services.h"

namespace loam::session {
namespace {

class Bundle final : public ClientServices {
 public:
  explicit Bundle(ClientServiceParts parts) : parts_(std::move(parts)) {}

  std::shared_ptr<SecretStore> secrets() override { return parts_.secrets; }
  std::shared_ptr<SshAgents> ssh() override { return parts_.ssh; }
  std::shared_ptr<LocalDirs> local_dirs() override { return parts_.local_dirs; }
  std::shared_ptr<OciLayouts> oci_layouts() override { return parts_.oci_layouts; }
  std::shared_ptr<RegistryAuth> registry_auth() override { return parts_.registry_auth; }
  std::shared_ptr<Uploads> uploads() override { return parts_.uploads; }

 private:
  const ClientServiceParts parts_;
};

}  // namespace

std::shared_ptr<ClientServices> MakeClientServices(ClientServiceParts parts) {
  return std::make_shared<Bundle>(std::move(parts));
}

}  // namespace loam::session
