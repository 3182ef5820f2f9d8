#include "runtime-executor/session/local_client_services.h"

#include <fcntl.h>

#include <fmt/format.h>

#include "base/file_system.h"
#include "runtime-executor/session/local_secrets.h"
#include "runtime-executor/session/local_ssh.h"

namespace loam::session {
namespace {

class InPlaceDirs final : public LocalDirs {
 public:
  explicit InPlaceDirs(std::map<std::string, std::string> dirs) : dirs_(std::move(dirs)) {}

  Result<LocalDir> Open(const LocalDirRequest& request, std::stop_token) override {
    const auto found = dirs_.find(request.name);
    if (found == dirs_.end()) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("the client offers no directory `{}`", request.name));
    }
    return LocalDir{found->second, false, nullptr};
  }

 private:
  const std::map<std::string, std::string> dirs_;
};

class InPlaceLayouts final : public OciLayouts {
 public:
  explicit InPlaceLayouts(std::map<std::string, std::string> layouts) : layouts_(std::move(layouts)) {}

  Result<UniqueFd> OpenBlob(std::string_view store_id, const Digest& digest, std::stop_token) override {
    const auto found = layouts_.find(std::string(store_id));
    if (found == layouts_.end()) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("the client offers no OCI layout `{}`", store_id));
    }
    return OpenFile(found->second + "/blobs/sha256/" + digest.Hex(), O_RDONLY);
  }

 private:
  const std::map<std::string, std::string> layouts_;
};

class LocalClientServices final : public ClientServices {
 public:
  explicit LocalClientServices(LocalClientOptions options)
      : secrets_(MakeLocalSecrets(std::move(options.secrets))),
        ssh_(MakeLocalSsh(std::move(options.ssh))),
        dirs_(std::make_shared<InPlaceDirs>(std::move(options.local_dirs))),
        layouts_(std::make_shared<InPlaceLayouts>(std::move(options.oci_layouts))),
        auth_(MakeDockerConfigAuth(std::move(options.docker_config_dir))) {}

  std::shared_ptr<SecretStore> secrets() override { return secrets_; }
  std::shared_ptr<SshAgents> ssh() override { return ssh_; }
  std::shared_ptr<LocalDirs> local_dirs() override { return dirs_; }
  std::shared_ptr<OciLayouts> oci_layouts() override { return layouts_; }
  std::shared_ptr<RegistryAuth> registry_auth() override { return auth_; }

 private:
  const std::shared_ptr<SecretStore> secrets_;
  const std::shared_ptr<SshAgents> ssh_;
  const std::shared_ptr<LocalDirs> dirs_;
  const std::shared_ptr<OciLayouts> layouts_;
  const std::shared_ptr<RegistryAuth> auth_;
};

}  // namespace

std::shared_ptr<ClientServices> MakeLocalClientServices(LocalClientOptions options) {
  return std::make_shared<LocalClientServices>(std::move(options));
}

}  // namespace loam::session
