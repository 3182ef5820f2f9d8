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

}  // namespace

std::shared_ptr<ClientServices> MakeLocalClientServices(LocalClientOptions options) {
  return MakeClientServices({.secrets = MakeLocalSecrets(std::move(options.secrets)),
                             .ssh = MakeLocalSsh(std::move(options.ssh)),
                             .local_dirs = std::make_shared<InPlaceDirs>(std::move(options.local_dirs)),
                             .oci_layouts = std::make_shared<InPlaceLayouts>(std::move(options.oci_layouts)),
                             .registry_auth = MakeDockerConfigAuth(std::move(options.docker_config_dir))});
}

}  // namespace loam::session
