#include "runtime-executor/cache/records.h"

#include <atomic>
#include <utility>

#include <fmt/format.h>

#include "runtime-executor/cache/preimage_codec.h"

namespace loam::cache {
namespace {

using solver::KeyId;
using solver::RecordId;

constexpr sqlite::Schema kSchema = {.version = 1, .create = R"(
CREATE TABLE keys(
  id INTEGER PRIMARY KEY,
  digest BLOB,       -- of a root: an operation or some content; NULL for others
  output INTEGER,    -- of a root; -1: content
  preimage BLOB);    -- preimages.digest
CREATE UNIQUE INDEX keys_by_digest ON keys(digest, output) WHERE digest IS NOT NULL;
CREATE TABLE links(
  source INTEGER NOT NULL, input INTEGER NOT NULL, selector BLOB NOT NULL,
  op BLOB NOT NULL, output INTEGER NOT NULL, target INTEGER NOT NULL,
  PRIMARY KEY(source, input, op, output, selector, target)) WITHOUT ROWID;
CREATE INDEX links_by_target ON links(target);
CREATE TABLE records(
  id INTEGER PRIMARY KEY, key INTEGER NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL,
  created INTEGER NOT NULL, last_used INTEGER NOT NULL, uses INTEGER NOT NULL, description TEXT NOT NULL);
CREATE INDEX records_by_key ON records(key);
CREATE TABLE preimages(digest BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE builds(
  id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, build_key TEXT NOT NULL,
  started INTEGER NOT NULL, completed INTEGER NOT NULL, error TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX builds_by_key ON builds(build_key, id);
CREATE TABLE build_contents(build INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY(build, content)) WITHOUT ROWID;
)"};

std::int64_t Nanoseconds(WallTime time) {
  return time.time_since_epoch().count();
}
WallTime FromNanoseconds(std::int64_t value) {
  return WallTime(std::chrono::nanoseconds(value));
}

// The empty selector is the empty blob, so that it can be part of a primary key.
std::string_view BlobOf(const Digest& digest) {
  if (digest.empty()) {
    return {};
  }
  return {reinterpret_cast<const char*>(digest.bytes().data()), digest.bytes().size()};  // NOLINT: bytes as bytes
}

}  // namespace

struct RecordStore::Reader {
  sqlite::Database db;
  sqlite::Statement begin, commit, find_root, find_linked, records;
  bool in_transaction = false;
  std::uint64_t seen_writes = 0;
};

struct RecordStore::Writer {
  sqlite::Database db;
  sqlite::Statement find_root, insert_key, insert_link, insert_record, insert_preimage;
};

RecordStore::RecordStore(std::string path, const Clock& clock) : path_(std::move(path)), clock_(clock) {}
RecordStore::~RecordStore() {
  EndReading();
}

Result<std::unique_ptr<RecordStore>> RecordStore::Open(const std::string& path, const Clock& clock) {
  std::unique_ptr<RecordStore> store(new RecordStore(path, clock));
  const std::lock_guard lock(store->read_mutex_);
  LOAM_TRY_CONTEXT("open the build cache", store->Read());
  return store;
}

Result<RecordStore::Reader*> RecordStore::Read() {
  if (reader_ == nullptr) {
    auto reader = std::make_unique<Reader>();
    reader->db = LOAM_TRY(sqlite::Database::Open(path_));
    LOAM_TRY(reader->db.EnsureSchema(kSchema, path_));
    reader->begin = LOAM_TRY(reader->db.Prepare("BEGIN"));
    reader->commit = LOAM_TRY(reader->db.Prepare("COMMIT"));
    reader->find_root = LOAM_TRY(reader->db.Prepare("SELECT id FROM keys WHERE digest = ? AND output = ?"));
    reader->find_linked = LOAM_TRY(reader->db.Prepare(
        "SELECT target FROM links WHERE source = ? AND input = ? AND op = ? AND output = ? AND selector = ? "
        "ORDER BY target"));
    reader->records =
        LOAM_TRY(reader->db.Prepare("SELECT id, blob, created FROM records WHERE key = ? ORDER BY id DESC"));
    reader_ = std::move(reader);
  }
  // One state for a stretch of reads, but never one that hides what this process wrote since.
  const std::uint64_t writes = writes_.load();
  if (reader_->in_transaction && reader_->seen_writes != writes) {
    LOAM_TRY(reader_->commit.Finish());
    reader_->in_transaction = false;
  }
  if (reading_ && !reader_->in_transaction) {
    LOAM_TRY(reader_->begin.Finish());
    reader_->in_transaction = true;
    reader_->seen_writes = writes;
  }
  return reader_.get();
}

Result<RecordStore::Writer*> RecordStore::Write() {
  if (writer_ == nullptr) {
    auto writer = std::make_unique<Writer>();
    writer->db = LOAM_TRY(sqlite::Database::Open(path_));
    writer->find_root = LOAM_TRY(writer->db.Prepare("SELECT id FROM keys WHERE digest = ? AND output = ?"));
    writer->insert_key = LOAM_TRY(writer->db.Prepare("INSERT INTO keys(digest, output, preimage) VALUES(?, ?, ?)"));
    writer->insert_link =
        LOAM_TRY(writer->db.Prepare("INSERT OR IGNORE INTO links(source, input, selector, op, output, target) "
                                    "VALUES(?, ?, ?, ?, ?, ?)"));
    writer->insert_record =
        LOAM_TRY(writer->db.Prepare("INSERT INTO records(key, blob, size, created, last_used, uses, description) "
                                    "VALUES(?, ?, ?, ?, ?, 0, ?)"));
    writer->insert_preimage =
        LOAM_TRY(writer->db.Prepare("INSERT OR IGNORE INTO preimages(digest, data) VALUES(?, ?)"));
    writer_ = std::move(writer);
  }
  return writer_.get();
}

void RecordStore::BeginReading() {
  const std::lock_guard lock(read_mutex_);
  reading_ = true;  // the transaction begins with the first read
}

void RecordStore::EndReading() {
  const std::lock_guard lock(read_mutex_);
  reading_ = false;
  if (reader_ != nullptr && reader_->in_transaction) {
    // Ending a transaction that only read cannot fail in a way that matters.
    static_cast<void>(reader_->commit.Finish());
    reader_->in_transaction = false;
  }
}

Result<std::optional<KeyId>> RecordStore::FindRoot(const solver::RootKey& key) {
  const std::lock_guard lock(read_mutex_);
  Reader* reader = LOAM_TRY(Read());
  reader->find_root.BindAll(key.digest, key.output);
  std::optional<KeyId> found;
  while (LOAM_TRY(reader->find_root.Step())) {
    found = KeyId(reader->find_root.Int(0));
  }
  return found;
}

Result<std::vector<KeyId>> RecordStore::FindLinked(const solver::KeyLink& link, const Digest& op_digest,
                                                   std::uint32_t output) {
  const std::lock_guard lock(read_mutex_);
  Reader* reader = LOAM_TRY(Read());
  sqlite::Statement& find = reader->find_linked;
  find.BindAll(link.source.value(), link.input, op_digest, output).BindBlob(5, BlobOf(link.selector));
  std::vector<KeyId> found;
  while (LOAM_TRY(find.Step())) {
    found.emplace_back(find.Int(0));
  }
  return found;
}

namespace {

Result<Digest> DigestOfBlob(std::string_view blob) {
  if (blob.empty()) {
    return Digest();
  }
  Digest::Bytes bytes{};
  if (blob.size() != bytes.size()) {
    return Unexpected(ErrorCode::kDataLoss, "the build cache holds a digest of another size");
  }
  std::copy(blob.begin(), blob.end(), bytes.begin());
  return Digest(bytes);
}

}  // namespace

Result<std::optional<solver::RootKey>> RecordStore::RootOf(KeyId key) {
  const std::lock_guard lock(read_mutex_);
  Reader* reader = LOAM_TRY(Read());
  auto select = LOAM_TRY(reader->db.Prepare("SELECT digest, output FROM keys WHERE id = ? AND digest IS NOT NULL"));
  select.BindAll(key.value());
  std::optional<solver::RootKey> root;
  while (LOAM_TRY(select.Step())) {
    root = solver::RootKey{LOAM_TRY(DigestOfBlob(select.Blob(0))), static_cast<std::int32_t>(select.Int(1))};
  }
  return root;
}

Result<std::vector<solver::Backlink>> RecordStore::Backlinks(KeyId key) {
  const std::lock_guard lock(read_mutex_);
  Reader* reader = LOAM_TRY(Read());
  auto select = LOAM_TRY(reader->db.Prepare(
      "SELECT source, input, selector, op, output FROM links WHERE target = ? ORDER BY source, input, op, output"));
  select.BindAll(key.value());
  std::vector<solver::Backlink> found;
  while (LOAM_TRY(select.Step())) {
    solver::Backlink backlink;
    backlink.link.source = KeyId(select.Int(0));
    backlink.link.input = static_cast<std::uint32_t>(select.Int(1));
    backlink.link.selector = LOAM_TRY(DigestOfBlob(select.Blob(2)));
    backlink.op_digest = LOAM_TRY(DigestOfBlob(select.Blob(3)));
    backlink.output = static_cast<std::uint32_t>(select.Int(4));
    found.push_back(std::move(backlink));
  }
  return found;
}

Result<std::vector<solver::CacheRecord>> RecordStore::Records(KeyId key) {
  const std::lock_guard lock(read_mutex_);
  Reader* reader = LOAM_TRY(Read());
  reader->records.BindAll(key.value());
  std::vector<solver::CacheRecord> found;
  while (LOAM_TRY(reader->records.Step())) {
    found.push_back({RecordId(reader->records.Int(0)), std::string(reader->records.Text(1)),
                     FromNanoseconds(reader->records.Int(2))});
  }
  return found;
}

namespace {

// Gives the digest under which the preimage is kept.
Result<Digest> AddPreimage(sqlite::Statement& insert, const solver::Preimage& preimage) {
  const std::string data = EncodePreimage(preimage);
  const Digest digest = Digest::Of(data);
  insert.BindAll(digest, nullptr).BindBlob(2, data);
  LOAM_TRY(insert.Finish());
  return digest;
}

}  // namespace

Result<KeyId> RecordStore::AddRoot(const solver::RootKey& key, const solver::Preimage& preimage) {
  solver::NewRecord record;
  record.root = key;
  record.preimage = &preimage;
  return Add(record);
}

Result<KeyId> RecordStore::Add(const solver::NewRecord& record) {
  const std::lock_guard lock(write_mutex_);
  Writer* writer = LOAM_TRY(Write());
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(writer->db));
  std::optional<KeyId> key = record.key;
  if (!key && record.root) {
    writer->find_root.BindAll(record.root->digest, record.root->output);
    while (LOAM_TRY(writer->find_root.Step())) {
      key = KeyId(writer->find_root.Int(0));
    }
  }
  if (!key) {
    Digest preimage;
    if (record.preimage != nullptr) {
      preimage = LOAM_TRY(AddPreimage(writer->insert_preimage, *record.preimage));
    }
    if (record.root) {
      LOAM_TRY(writer->insert_key.Run(record.root->digest, record.root->output, preimage));
    } else {
      LOAM_TRY(writer->insert_key.Run(nullptr, nullptr, preimage));
    }
    key = KeyId(writer->db.LastInsertId());
  }
  for (const solver::KeyLink& link : record.links) {
    writer->insert_link.BindAll(link.source.value(), link.input, nullptr, record.op_digest, record.output, key->value())
        .BindBlob(3, BlobOf(link.selector));
    LOAM_TRY(writer->insert_link.Finish());
  }
  if (record.result) {
    const WallTime now = clock_.Now();
    LOAM_TRY(writer->insert_record.Run(key->value(), record.result->blob, record.result->size,
                                       Nanoseconds(record.created.value_or(now)), Nanoseconds(now),
                                       record.description));
  }
  LOAM_TRY(transaction.Commit());
  ++writes_;
  return *key;
}

Result<> RecordStore::RemoveRecord(RecordId id) {
  const std::lock_guard lock(write_mutex_);
  Writer* writer = LOAM_TRY(Write());
  auto remove = LOAM_TRY(writer->db.Prepare("DELETE FROM records WHERE id = ?"));
  LOAM_TRY(remove.Run(id.value()));
  ++writes_;
  return {};
}

Result<> RecordStore::MarkUsed(std::span<const RecordId> ids) {
  const std::lock_guard lock(write_mutex_);
  Writer* writer = LOAM_TRY(Write());
  auto update = LOAM_TRY(writer->db.Prepare("UPDATE records SET last_used = ?, uses = uses + 1 WHERE id = ?"));
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(writer->db));
  const std::int64_t now = Nanoseconds(clock_.Now());
  for (const RecordId id : ids) {
    LOAM_TRY(update.Run(now, id.value()));
  }
  LOAM_TRY(transaction.Commit());
  ++writes_;
  return {};
}

Result<std::vector<RecordInfo>> RecordStore::ListRecords() {
  const std::lock_guard lock(read_mutex_);
  Reader* reader = LOAM_TRY(Read());
  auto list = LOAM_TRY(reader->db.Prepare(
      "SELECT id, blob, size, created, last_used, uses, description FROM records ORDER BY last_used, id"));
  std::vector<RecordInfo> records;
  while (LOAM_TRY(list.Step())) {
    RecordInfo info;
    info.id = RecordId(list.Int(0));
    info.blob = list.Text(1);
    info.size = list.Int(2);
    info.created = FromNanoseconds(list.Int(3));
    info.last_used = FromNanoseconds(list.Int(4));
    info.uses = list.Int(5);
    info.description = list.Text(6);
    records.push_back(std::move(info));
  }
  return records;
}

Result<> RecordStore::RemoveRecords(std::span<const RecordId> ids) {
  const std::lock_guard lock(write_mutex_);
  Writer* writer = LOAM_TRY(Write());
  auto remove = LOAM_TRY(writer->db.Prepare("DELETE FROM records WHERE id = ?"));
  // A key that has no record and leads nowhere is of no use, and with it the links to it; that may make others so.
  // Content keys of remembered builds stay, for their preimages.
  auto sweep =
      LOAM_TRY(writer->db.Prepare("DELETE FROM keys WHERE id NOT IN (SELECT key FROM records)"
                                  " AND id NOT IN (SELECT source FROM links)"
                                  " AND (digest IS NULL OR digest NOT IN (SELECT content FROM build_contents))"));
  auto unlink = LOAM_TRY(writer->db.Prepare("DELETE FROM links WHERE target NOT IN (SELECT id FROM keys)"));
  auto forget = LOAM_TRY(writer->db.Prepare(
      "DELETE FROM preimages WHERE digest NOT IN (SELECT preimage FROM keys WHERE preimage IS NOT NULL)"));
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(writer->db));
  for (const RecordId id : ids) {
    LOAM_TRY(remove.Run(id.value()));
  }
  while (true) {
    LOAM_TRY(sweep.Run());
    if (writer->db.Changes() == 0) {
      break;
    }
    LOAM_TRY(unlink.Run());
  }
  LOAM_TRY(forget.Run());
  LOAM_TRY(transaction.Commit());
  ++writes_;
  return {};
}

Result<> RecordStore::AddBuild(const BuildRow& build) {
  const std::lock_guard lock(write_mutex_);
  Writer* writer = LOAM_TRY(Write());
  auto insert = LOAM_TRY(writer->db.Prepare(
      "INSERT INTO builds(title, build_key, started, completed, error, data) VALUES(?, ?, ?, ?, ?, ?)"));
  auto content = LOAM_TRY(writer->db.Prepare("INSERT OR IGNORE INTO build_contents(build, content) VALUES(?, ?)"));
  auto transaction = LOAM_TRY(sqlite::Transaction::Begin(writer->db));
  insert
      .BindAll(build.title, build.build_key, Nanoseconds(build.started), Nanoseconds(build.completed), build.error,
               nullptr)
      .BindBlob(6, CompressBlob(build.data));
  LOAM_TRY(insert.Finish());
  const std::int64_t id = writer->db.LastInsertId();
  for (const Digest& digest : build.contents) {
    LOAM_TRY(content.Run(id, digest));
  }
  LOAM_TRY(
      writer->db.Execute(fmt::format("DELETE FROM builds WHERE id <= {0};"
                                     "DELETE FROM build_contents WHERE build <= {0};",
                                     id - kKeptBuilds)));
  LOAM_TRY(transaction.Commit());
  ++writes_;
  return {};
}

Result<std::vector<BuildRow>> RecordStore::Builds(std::string_view build_key, std::size_t limit) {
  const std::lock_guard lock(read_mutex_);
  Reader* reader = LOAM_TRY(Read());
  auto select = LOAM_TRY(reader->db.Prepare(
      "SELECT id, title, build_key, started, completed, error, data FROM builds WHERE ?1 = '' OR build_key = ?1 "
      "ORDER BY id DESC LIMIT ?2"));
  select.BindAll(build_key, limit);
  std::vector<BuildRow> builds;
  while (LOAM_TRY(select.Step())) {
    BuildRow build;
    build.id = select.Int(0);
    build.title = select.Text(1);
    build.build_key = select.Text(2);
    build.started = FromNanoseconds(select.Int(3));
    build.completed = FromNanoseconds(select.Int(4));
    build.error = select.Text(5);
    build.data = LOAM_TRY(DecompressBlob(select.Blob(6)));
    builds.push_back(std::move(build));
  }
  return builds;
}

Result<std::optional<solver::Preimage>> RecordStore::ContentPreimage(const Digest& content) {
  const std::lock_guard lock(read_mutex_);
  Reader* reader = LOAM_TRY(Read());
  auto select =
      LOAM_TRY(reader->db.Prepare("SELECT p.data FROM keys k JOIN preimages p ON p.digest = k.preimage "
                                  "WHERE k.digest = ? AND k.output = -1"));
  select.BindAll(content);
  std::optional<solver::Preimage> found;
  while (LOAM_TRY(select.Step())) {
    found = LOAM_TRY(DecodePreimage(select.Blob(0)));
  }
  return found;
}

}  // namespace loam::cache
