#include "runtime-executor/snapshot/layer_db.h"

#include <fmt/format.h>

namespace loam::snapshot {
namespace {

// Version 1 had times of layers in seconds.
constexpr const char* kFromVersion1 = "UPDATE layers SET created = created * 1000000000";
constexpr sqlite::Schema kSchema = {.version = 2,
                                    .create = R"(
CREATE TABLE layers(
  id INTEGER PRIMARY KEY,
  unpacked INTEGER NOT NULL,
  diff_id BLOB,
  origin TEXT NOT NULL,
  created INTEGER NOT NULL,  -- nanoseconds
  bytes INTEGER,
  files INTEGER);
CREATE INDEX layers_by_diff_id ON layers(diff_id) WHERE diff_id IS NOT NULL;
CREATE TABLE blobs(
  layer INTEGER NOT NULL,
  digest BLOB NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  PRIMARY KEY(layer, digest)) WITHOUT ROWID;
CREATE TABLE computed(
  key TEXT PRIMARY KEY,
  layer INTEGER NOT NULL) WITHOUT ROWID;
)",
                                    .upgrade = kFromVersion1};

// Beside the schema: programs that do not know it go on as they did. Same transaction as the layer's own row, so a
// layer whose files may be lost is never without its row here.
constexpr const char* kUnsyncedTable = R"(
CREATE TABLE IF NOT EXISTS unsynced(
  layer INTEGER PRIMARY KEY,
  boot TEXT NOT NULL,
  created INTEGER NOT NULL);
)";

// As above; a row without a layer is a leftover that nobody sees.
constexpr const char* kDescriptionsTable = R"(
CREATE TABLE IF NOT EXISTS descriptions(
  layer INTEGER PRIMARY KEY,
  text TEXT NOT NULL);
)";

constexpr const char* kColumns =
    "id, unpacked, diff_id, origin, created, bytes, files, (SELECT text FROM descriptions WHERE layer = id)";

LayerInfo ReadInfo(const sqlite::Statement& row) {
  LayerInfo info;
  info.id = LayerId(row.Int(0));
  info.unpacked = row.Int(1) != 0;
  info.diff_id = row.GetDigest(2);
  info.origin = row.Text(3);
  info.created = WallTime(std::chrono::nanoseconds(row.Int(4)));
  if (!row.IsNull(5)) {
    info.bytes = row.Int(5);
    info.files = row.Int(6);
  }
  if (!row.IsNull(7)) {
    info.description = row.Text(7);
  }
  return info;
}

Result<std::optional<LayerInfo>> ReadOne(sqlite::Statement& select) {
  std::optional<LayerInfo> found;
  if (LOAM_TRY(select.Step())) {
    found = ReadInfo(select);
  }
  select.Reset();
  return found;
}

}  // namespace

Result<std::unique_ptr<LayerDb>> LayerDb::Open(const std::string& path, std::string boot) {
  auto self = std::make_unique<LayerDb>();
  self->boot_ = std::move(boot);
  self->db_ = LOAM_TRY(sqlite::Database::Open(path));
  LOAM_TRY(self->db_.EnsureSchema(kSchema, path));
  LOAM_TRY(self->db_.Execute(kUnsyncedTable));
  LOAM_TRY(self->db_.Execute(kDescriptionsTable));
  LOAM_TRY(self->Prepare());
  return self;
}

Result<> LayerDb::Prepare() {
  insert_ = LOAM_TRY(db_.Prepare("INSERT INTO layers(id, unpacked, diff_id, origin, created) VALUES(?, ?, ?, ?, ?)"));
  find_ = LOAM_TRY(db_.Prepare(fmt::format("SELECT {} FROM layers WHERE id = ?", kColumns)));
  find_diff_ = LOAM_TRY(
      db_.Prepare(fmt::format("SELECT {} FROM layers WHERE diff_id = ? ORDER BY unpacked DESC, id LIMIT 1", kColumns)));
  all_ = LOAM_TRY(db_.Prepare(fmt::format("SELECT {} FROM layers ORDER BY created, id", kColumns)));
  set_unpacked_ = LOAM_TRY(db_.Prepare("UPDATE layers SET unpacked = 1 WHERE id = ?"));
  set_origin_ = LOAM_TRY(db_.Prepare("UPDATE layers SET origin = ? WHERE id = ?"));
  set_usage_ = LOAM_TRY(db_.Prepare("UPDATE layers SET bytes = ?, files = ? WHERE id = ?"));
  set_diff_ = LOAM_TRY(db_.Prepare("UPDATE layers SET diff_id = ? WHERE id = ? AND diff_id IS NULL"));
  add_blob_ = LOAM_TRY(db_.Prepare("INSERT OR IGNORE INTO blobs(layer, digest, media_type, size) VALUES(?, ?, ?, ?)"));
  blobs_ = LOAM_TRY(db_.Prepare("SELECT digest, media_type, size FROM blobs WHERE layer = ? ORDER BY digest"));
  find_computed_ = LOAM_TRY(db_.Prepare("SELECT layer FROM computed WHERE key = ?"));
  set_computed_ = LOAM_TRY(db_.Prepare("INSERT OR REPLACE INTO computed(key, layer) VALUES(?, ?)"));
  remove_layer_ = LOAM_TRY(db_.Prepare("DELETE FROM layers WHERE id = ?"));
  remove_blobs_ = LOAM_TRY(db_.Prepare("DELETE FROM blobs WHERE layer = ?"));
  remove_computed_ = LOAM_TRY(db_.Prepare("DELETE FROM computed WHERE layer = ?"));
  add_unsynced_ = LOAM_TRY(db_.Prepare("INSERT OR REPLACE INTO unsynced(layer, boot, created) VALUES(?, ?, ?)"));
  unsynced_ = LOAM_TRY(db_.Prepare("SELECT layer FROM unsynced WHERE boot = ?"));
  lost_ = LOAM_TRY(db_.Prepare("SELECT layer FROM unsynced WHERE boot <> ?"));
  oldest_unsynced_ = LOAM_TRY(db_.Prepare("SELECT min(created) FROM unsynced WHERE boot = ?"));
  remove_unsynced_ = LOAM_TRY(db_.Prepare("DELETE FROM unsynced WHERE layer = ?"));
  set_description_ = LOAM_TRY(db_.Prepare("INSERT OR IGNORE INTO descriptions(layer, text) VALUES(?, ?)"));
  remove_description_ = LOAM_TRY(db_.Prepare("DELETE FROM descriptions WHERE layer = ?"));
  make_lazy_ =
      LOAM_TRY(db_.Prepare("UPDATE layers SET unpacked = 0 WHERE id = ? AND origin <> '' AND diff_id IS NOT NULL"));
  return {};
}

Result<> LayerDb::Insert(LayerId id, bool unpacked, const Digest& diff_id, const std::string& origin,
                         std::optional<WallTime> created) {
  const WallTime time = SystemClock().Now();
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  const std::int64_t made = created.value_or(time).time_since_epoch().count();
  const std::lock_guard lock(mutex_);
  if (!unpacked) {
    return insert_.Run(id.value(), unpacked, diff_id, origin, made);
  }
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(db_));
  LOAM_TRY(insert_.Run(id.value(), unpacked, diff_id, origin, made));
  LOAM_TRY(add_unsynced_.Run(id.value(), boot_, now));
  return transaction.Commit();
}

Result<std::optional<LayerInfo>> LayerDb::Find(LayerId id) {
  const std::lock_guard lock(mutex_);
  find_.BindAll(id.value());
  return ReadOne(find_);
}

Result<std::optional<LayerInfo>> LayerDb::FindByDiffId(const Digest& diff_id) {
  const std::lock_guard lock(mutex_);
  find_diff_.BindAll(diff_id);
  return ReadOne(find_diff_);
}

Result<std::vector<LayerInfo>> LayerDb::All() {
  const std::lock_guard lock(mutex_);
  all_.BindAll();
  std::vector<LayerInfo> rows;
  while (LOAM_TRY(all_.Step())) {
    rows.push_back(ReadInfo(all_));
  }
  return rows;
}

Result<> LayerDb::SetUnpacked(LayerId id) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(SystemClock().Now().time_since_epoch()).count();
  const std::lock_guard lock(mutex_);
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(db_));
  LOAM_TRY(set_unpacked_.Run(id.value()));
  LOAM_TRY(add_unsynced_.Run(id.value(), boot_, now));
  return transaction.Commit();
}

Result<std::vector<LayerId>> LayerDb::Ids(sqlite::Statement& select) {
  const std::lock_guard lock(mutex_);
  select.BindAll(boot_);
  std::vector<LayerId> ids;
  while (LOAM_TRY(select.Step())) {
    ids.emplace_back(select.Int(0));
  }
  return ids;
}

Result<std::vector<LayerId>> LayerDb::Unsynced() {
  return Ids(unsynced_);
}

Result<std::vector<LayerId>> LayerDb::Lost() {
  return Ids(lost_);
}

Result<std::optional<WallTime>> LayerDb::OldestUnsynced() {
  const std::lock_guard lock(mutex_);
  oldest_unsynced_.BindAll(boot_);
  std::optional<WallTime> oldest;
  if (LOAM_TRY(oldest_unsynced_.Step()) && !oldest_unsynced_.IsNull(0)) {
    oldest = WallTime(std::chrono::seconds(oldest_unsynced_.Int(0)));
  }
  oldest_unsynced_.Reset();
  return oldest;
}

Result<> LayerDb::SetSynced(const std::vector<LayerId>& ids) {
  const std::lock_guard lock(mutex_);
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(db_));
  for (const LayerId id : ids) {
    LOAM_TRY(remove_unsynced_.Run(id.value()));
  }
  return transaction.Commit();
}

Result<> LayerDb::Forget(LayerId id) {
  const std::lock_guard lock(mutex_);
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(db_));
  LOAM_TRY(make_lazy_.Run(id.value()));
  if (db_.Changes() == 0) {
    LOAM_TRY(remove_layer_.Run(id.value()));
    LOAM_TRY(remove_blobs_.Run(id.value()));
    LOAM_TRY(remove_description_.Run(id.value()));
    LOAM_TRY(remove_computed_.Run(id.value()));
  }
  LOAM_TRY(remove_unsynced_.Run(id.value()));
  return transaction.Commit();
}

Result<> LayerDb::SetOrigin(LayerId id, const std::string& origin) {
  const std::lock_guard lock(mutex_);
  return set_origin_.Run(origin, id.value());
}

Result<> LayerDb::SetDescription(LayerId id, const std::string& description) {
  const std::lock_guard lock(mutex_);
  return set_description_.Run(id.value(), description);
}

Result<> LayerDb::SetUsage(LayerId id, const DiskUsage& usage) {
  const std::lock_guard lock(mutex_);
  return set_usage_.Run(usage.bytes, usage.files, id.value());
}

Result<> LayerDb::SetDiffId(LayerId id, const Digest& diff_id) {
  const std::lock_guard lock(mutex_);
  return set_diff_.Run(diff_id, id.value());
}

Result<> LayerDb::AddBlob(LayerId id, const content::Descriptor& blob) {
  const std::lock_guard lock(mutex_);
  return add_blob_.Run(id.value(), blob.digest, blob.media_type, blob.size);
}

Result<std::vector<content::Descriptor>> LayerDb::Blobs(LayerId id) {
  const std::lock_guard lock(mutex_);
  blobs_.BindAll(id.value());
  std::vector<content::Descriptor> blobs;
  while (LOAM_TRY(blobs_.Step())) {
    content::Descriptor blob;
    blob.digest = blobs_.GetDigest(0);
    blob.media_type = blobs_.Text(1);
    blob.size = static_cast<std::uint64_t>(blobs_.Int(2));
    blobs.push_back(std::move(blob));
  }
  return blobs;
}

Result<std::optional<LayerId>> LayerDb::FindComputed(const std::string& key) {
  const std::lock_guard lock(mutex_);
  find_computed_.BindAll(key);
  std::optional<LayerId> found;
  if (LOAM_TRY(find_computed_.Step())) {
    found = LayerId(find_computed_.Int(0));
  }
  find_computed_.Reset();
  return found;
}

Result<> LayerDb::SetComputed(const std::string& key, LayerId id) {
  const std::lock_guard lock(mutex_);
  return set_computed_.Run(key, id.value());
}

Result<> LayerDb::Remove(const std::vector<LayerId>& ids) {
  const std::lock_guard lock(mutex_);
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(db_));
  for (const LayerId id : ids) {
    LOAM_TRY(remove_layer_.Run(id.value()));
    LOAM_TRY(remove_blobs_.Run(id.value()));
    LOAM_TRY(remove_description_.Run(id.value()));
    LOAM_TRY(remove_computed_.Run(id.value()));
    LOAM_TRY(remove_unsynced_.Run(id.value()));
  }
  return transaction.Commit();
}

}  // namespace loam::snapshot
