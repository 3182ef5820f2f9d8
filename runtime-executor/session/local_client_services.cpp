#include "runtime-executor/session/local_client_services.h"

#include <fcntl.h>
#include <sys/stat.h>

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
    if (request.metadata_only) {
      return Unexpected(ErrorCode::kUnimplemented, "the metadata alone of a directory that is read in place");
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
    return OpenFile(BlobPath(found->second, digest), O_RDONLY);
  }

  Result<> WriteBlob(std::string_view store_id, const Digest& digest, std::uint64_t size, int blob,
                     std::stop_token) override {
    const auto found = layouts_.find(std::string(store_id));
    if (found == layouts_.end()) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("the client offers no OCI layout `{}`", store_id));
    }
    const std::string path = BlobPath(found->second, digest);
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && static_cast<std::uint64_t>(status.st_size) == size) {
      return {};
    }
    LOAM_TRY(MakeDirs(found->second + "/blobs/sha256"));
    AtomicFile file = LOAM_TRY(AtomicFile::Create(path));
    LOAM_TRY_CONTEXT("write " + path, CopyRange(blob, 0, file.fd(), 0, size, digest.ToString()));
    return file.Commit();
  }

 private:
  static std::string BlobPath(const std::string& layout, const Digest& digest) {
    return layout + "/blobs/sha256/" + digest.Hex();
  }

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
