#include "runtime-executor/gateway/earthfile/auto_skip_db.h"

#include <mutex>

#include "base/file_system.h"
#include "base/sqlite.h"

namespace loam::gateway::earthfile {
namespace {

class Store final : public sema::earthfile::AutoSkipStore {
 public:
  explicit Store(sqlite::Database database) : database_(std::move(database)) {}

  Result<bool> Contains(std::string_view target, std::string_view hash) override {
    const std::lock_guard lock(mutex_);
    auto select = LOAM_TRY(database_.Prepare("SELECT 1 FROM built WHERE target = ? AND hash = ?"));
    select.Bind(1, target).Bind(2, hash);
    return LOAM_TRY(select.Step());
  }

  Result<> Add(std::string_view target, std::string_view hash) override {
    const std::lock_guard lock(mutex_);
    auto insert = LOAM_TRY(database_.Prepare("INSERT OR IGNORE INTO built(target, hash) VALUES(?, ?)"));
    LOAM_TRY(insert.Run(target, hash));
    return {};
  }

 private:
  std::mutex mutex_;  // guards database_
  sqlite::Database database_;
};

}  // namespace

Result<std::unique_ptr<sema::earthfile::AutoSkipStore>> OpenAutoSkipStore(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    LOAM_TRY(MakeDirs(path.substr(0, slash)));
  }
  auto database = LOAM_TRY(sqlite::Database::Open(path));
  LOAM_TRY(
      database.Execute("CREATE TABLE IF NOT EXISTS built(target TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(target, "
                       "hash)) WITHOUT ROWID"));
  return std::make_unique<Store>(std::move(database));
}

}  // namespace loam::gateway::earthfile
