#include "base/sqlite.h"

#include <sqlite3.h>

#include <fmt/format.h>

#include <cstring>

#include "base/check.h"

namespace loam::sqlite {
namespace {

ErrorCode CodeOf(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kUnavailable;
    case SQLITE_FULL:
      return ErrorCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kDataLoss;
    case SQLITE_CONSTRAINT:
      return ErrorCode::kAlreadyExists;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return ErrorCode::kPermissionDenied;
    case SQLITE_CANTOPEN:
      return ErrorCode::kFailedPrecondition;
    case SQLITE_INTERRUPT:
      return ErrorCode::kCanceled;
    default:
      return ErrorCode::kInternal;
  }
}

tl::unexpected<Error> Failed(sqlite3* handle, int code, std::string_view doing) {
  const char* file = handle != nullptr ? sqlite3_db_filename(handle, "main") : nullptr;
  const int extended = handle != nullptr ? sqlite3_extended_errcode(handle) : code;
  std::string reason = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  if (handle != nullptr && (code & 0xff) == SQLITE_FULL) {
    reason = "no space left on device";
  }
  Error error(CodeOf(code),
              fmt::format("{} ({}): {} (sqlite {})", file != nullptr ? file : "database", doing, reason, extended));
  if (error.Is(ErrorCode::kDataLoss)) {
    return Unexpected(std::move(error).WithHint(
        "the file is damaged: move it away and a new one begins (its images or its cache are lost), or use another "
        "state root (--root)"));
  }
  return Unexpected(std::move(error));
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

Result<Database> Database::Open(const std::string& path, const OpenOptions& options) {
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database;
  database.handle_.reset(handle);
  if (code != SQLITE_OK) {
    const int sys = handle != nullptr ? sqlite3_system_errno(handle) : 0;
    if (sys != 0) {
      return Unexpected(Error::FromErrno(sys, fmt::format("open database {}", path)));
    }
    return Unexpected(CodeOf(code), fmt::format("open database {}: {}", path, sqlite3_errstr(code)));
  }
  sqlite3_busy_timeout(handle, static_cast<int>(options.busy_timeout.count()));
  if (!options.read_only) {
    // The last connection to close would otherwise write the log back and sync, at the end of every short-lived
    // process. A commit that finds the log longer than 1 MiB does it instead.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    LOAM_TRY(database.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=256;"));
  }
  LOAM_TRY(database.Execute("PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"));
  return database;
}

Result<> Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    return Failed(handle_.get(), code, sql);
  }
  return {};
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK) {
    return Failed(handle_.get(), code, sql);
  }
  Statement statement;
  statement.handle_.reset(handle);
  return statement;
}

std::int64_t Database::LastInsertId() const {
  return sqlite3_last_insert_rowid(handle_.get());
}
std::int64_t Database::Changes() const {
  return sqlite3_changes64(handle_.get());
}

Result<std::int64_t> Database::UserVersion() {
  Statement statement = LOAM_TRY(Prepare("PRAGMA user_version"));
  LOAM_TRY(statement.Step());
  return statement.Int(0);
}

Result<> Database::SetUserVersion(std::int64_t version) {
  return Execute(fmt::format("PRAGMA user_version={}", version));
}

Result<> Database::EnsureSchema(const Schema& schema, std::string_view path) {
  if (LOAM_TRY(UserVersion()) == schema.version) {
    return {};
  }
  Transaction transaction = LOAM_TRY(Transaction::Begin(*this));
  const std::int64_t version = LOAM_TRY(UserVersion());  // another process may have been faster
  if (version > schema.version) {
    return Unexpected(
        Error(ErrorCode::kFailedPrecondition,
              fmt::format("`{}` was written by a newer version of loam: its schema is {}, this one knows {}", path,
                          version, schema.version))
            .WithHint("use that version, or another state root (--root)"));
  }
  if (version < schema.version) {
    LOAM_TRY(Execute(version == 0 || schema.upgrade == nullptr ? schema.create : schema.upgrade));
    LOAM_TRY(SetUserVersion(schema.version));
  }
  return transaction.Commit();
}

void Statement::Finalize::operator()(sqlite3_stmt* handle) const {
  sqlite3_finalize(handle);
}

namespace {
// Binding fails only for a wrong index or when out of memory: our own bug.
void CheckBound(int code) {
  LOAM_CHECK(code == SQLITE_OK, "cannot bind a parameter of a statement");
}
}  // namespace

Statement& Statement::Bind(int index, std::int64_t value) {
  CheckBound(sqlite3_bind_int64(handle_.get(), index, value));
  return *this;
}

Statement& Statement::Bind(int index, double value) {
  CheckBound(sqlite3_bind_double(handle_.get(), index, value));
  return *this;
}

Statement& Statement::Bind(int index, std::string_view value) {
  // A null pointer would bind NULL.
  const char* data = value.data() != nullptr ? value.data() : "";
  CheckBound(sqlite3_bind_text64(handle_.get(), index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::Bind(int index, std::nullptr_t) {
  CheckBound(sqlite3_bind_null(handle_.get(), index));
  return *this;
}

Statement& Statement::BindBlob(int index, std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  CheckBound(sqlite3_bind_blob64(handle_.get(), index, data, bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::Bind(int index, const Digest& digest) {
  if (digest.empty()) {
    return Bind(index, nullptr);
  }
  CheckBound(sqlite3_bind_blob64(handle_.get(), index, digest.bytes().data(), digest.bytes().size(), SQLITE_TRANSIENT));
  return *this;
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    sqlite3_reset(handle_.get());
    return false;
  }
  auto failed = Failed(sqlite3_db_handle(handle_.get()), code, sqlite3_sql(handle_.get()));
  sqlite3_reset(handle_.get());
  return failed;
}

Result<> Statement::Finish() {
  while (LOAM_TRY(Step())) {
  }
  return {};
}

void Statement::Reset() {
  sqlite3_reset(handle_.get());
}

std::int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}
double Statement::Double(int column) const {
  return sqlite3_column_double(handle_.get(), column);
}

std::string_view Statement::Text(int column) const {
  const void* data = sqlite3_column_text(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return data != nullptr ? std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size))
                         : std::string_view();
}

std::string_view Statement::Blob(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return data != nullptr ? std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size))
                         : std::string_view();
}

Digest Statement::GetDigest(int column) const {
  const std::string_view blob = Blob(column);
  Digest::Bytes bytes;
  if (blob.size() != bytes.size()) {
    return Digest();
  }
  std::memcpy(bytes.data(), blob.data(), bytes.size());
  return Digest(bytes);
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

Result<Transaction> Transaction::Begin(Database& database) {
  LOAM_TRY(database.Execute("BEGIN IMMEDIATE"));
  return Transaction(&database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) {
    // Fails only when SQLite has rolled back by itself already.
    static_cast<void>(database_->Execute("ROLLBACK"));
  }
}

Result<> Transaction::Commit() {
  LOAM_TRY(database_->Execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace loam::sqlite
