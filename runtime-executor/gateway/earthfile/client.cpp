#include "runtime-executor/gateway/earthfile/client.h"

#include <sys/stat.h>

#include <fmt/format.h>

namespace loam::gateway::earthfile {
namespace {

class Client final : public session::ClientServices {
 public:
  Client(std::shared_ptr<session::ClientServices> base, std::shared_ptr<session::LocalDirs> dirs)
      : base_(std::move(base)), dirs_(std::move(dirs)) {}

  std::shared_ptr<session::SecretStore> secrets() override { return base_->secrets(); }
  std::shared_ptr<session::SshAgents> ssh() override { return base_->ssh(); }
  std::shared_ptr<session::LocalDirs> local_dirs() override { return dirs_; }
  std::shared_ptr<session::OciLayouts> oci_layouts() override { return base_->oci_layouts(); }
  std::shared_ptr<session::RegistryAuth> registry_auth() override { return base_->registry_auth(); }

 private:
  const std::shared_ptr<session::ClientServices> base_;
  const std::shared_ptr<session::LocalDirs> dirs_;
};

}  // namespace

Result<session::LocalDir> ProjectDirs::Open(const session::LocalDirRequest& request, std::stop_token) {
  const std::string path = request.name.starts_with('/') ? request.name
                           : request.name.empty() || request.name == "."
                               ? directory_
                               : directory_ + "/" + request.name;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("there is no directory {}", path));
  }
  return session::LocalDir{path, false, nullptr};
}

std::shared_ptr<session::ClientServices> WithLocalDirs(std::shared_ptr<session::ClientServices> base,
                                                       std::shared_ptr<session::LocalDirs> dirs) {
  return std::make_shared<Client>(std::move(base), std::move(dirs));
}

}  // namespace loam::gateway::earthfile
