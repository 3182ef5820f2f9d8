#include "runtime-executor/gateway/earthfile/client.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "compiler/sema/earthfile/steps.h"

namespace loam::gateway::earthfile {
namespace {

class Client final : public session::ClientServices {
 public:
  Client(std::shared_ptr<session::ClientServices> base, std::shared_ptr<session::LocalDirs> dirs,
         std::shared_ptr<session::SecretStore> secrets)
      : base_(std::move(base)),
        dirs_(std::move(dirs)),
        secrets_(secrets == nullptr ? base_->secrets() : std::move(secrets)) {}

  std::shared_ptr<session::SecretStore> secrets() override { return secrets_; }
  std::shared_ptr<session::SshAgents> ssh() override { return base_->ssh(); }
  std::shared_ptr<session::LocalDirs> local_dirs() override { return dirs_; }
  std::shared_ptr<session::OciLayouts> oci_layouts() override { return base_->oci_layouts(); }
  std::shared_ptr<session::RegistryAuth> registry_auth() override { return base_->registry_auth(); }
  std::shared_ptr<session::Uploads> uploads() override { return base_->uploads(); }

 private:
  const std::shared_ptr<session::ClientServices> base_;
  const std::shared_ptr<session::LocalDirs> dirs_;
  const std::shared_ptr<session::SecretStore> secrets_;
};

}  // namespace

Result<session::LocalDir> ProjectDirs::Open(const session::LocalDirRequest& request, std::stop_token) {
  std::string name = request.name;
  if (name.starts_with(sema::earthfile::kLocalSourcePrefix)) {
    name.erase(0, sema::earthfile::kLocalSourcePrefix.size());
  }
  const std::string path = name.starts_with('/')         ? name
                           : name.empty() || name == "." ? directory_
                                                         : directory_ + "/" + name;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("there is no directory {}", path));
  }
  return session::LocalDir{path, false, nullptr};
}

std::shared_ptr<session::ClientServices> EarthfileClient(std::shared_ptr<session::ClientServices> base,
                                                         std::shared_ptr<session::LocalDirs> dirs,
                                                         std::shared_ptr<session::SecretStore> secrets) {
  return std::make_shared<Client>(std::move(base), std::move(dirs), std::move(secrets));
}

}  // namespace loam::gateway::earthfile
