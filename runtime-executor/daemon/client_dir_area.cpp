#include "runtime-executor/daemon/client_dir_area.h"

#include <fmt/format.h>

#include "runtime-executor/session/remote/client_dirs.h"

namespace loam::daemon {
namespace {

constexpr std::string_view kPrefix = "local-";

class ClientDirArea final : public engine::CacheArea {
 public:
  explicit ClientDirArea(std::string directory) : directory_(std::move(directory)) {}

  Result<std::vector<engine::CacheUnit>> List() override {
    std::vector<engine::CacheUnit> units;
    for (const session::ClientDirInfo& dir : LOAM_TRY(session::ListClientDirs(directory_))) {
      engine::CacheUnit unit;
      unit.id = fmt::format("{}{}", kPrefix, dir.id);
      unit.type = "source.local";
      unit.description = "local source for " + dir.name;
      unit.is_mutable = true;
      unit.in_use = dir.in_use;
      unit.created = dir.last_used;
      unit.last_used = dir.last_used;
      unit.size = LOAM_TRY(engine::TreeBytes(directory_ + "/" + dir.id));
      units.push_back(std::move(unit));
    }
    return units;
  }

  Result<bool> Remove(const std::string& id) override {
    return session::RemoveClientDir(directory_, id.substr(kPrefix.size()));
  }

 private:
  const std::string directory_;
};

}  // namespace

std::unique_ptr<engine::CacheArea> MakeClientDirArea(std::string directory) {
  return std::make_unique<ClientDirArea>(std::move(directory));
}

}  // namespace loam::daemon
