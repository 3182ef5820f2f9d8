// SQLite as values: a Database is one connection, a Statement one prepared query, a Transaction a scope that rolls back
// unless committed. None of them is thread-safe: a connection belongs to one thread at a time (guard it with a mutex).
//
//   auto db = LOAM_TRY(sqlite::Database::Open(path));
//   auto insert = LOAM_TRY(db.Prepare("INSERT INTO t(id, name) VALUES(?, ?)"));
//   auto transaction = LOAM_TRY(sqlite::Transaction::Begin(db));
//   LOAM_TRY(insert.Run(1, "one"));
//   LOAM_TRY(transaction.Commit());
//   auto select = LOAM_TRY(db.Prepare("SELECT name FROM t WHERE id = ?"));
//   select.BindAll(1);
//   while (LOAM_TRY(select.Step())) { use(select.Text(0)); }
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/digest.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace loam::sqlite {

struct OpenOptions {
  // How long a statement waits for another process's or thread's write lock before it fails with kUnavailable.
  std::chrono::milliseconds busy_timeout{60'000};
  bool read_only = false;
};

// The tables of a database and their number (`PRAGMA user_version`).
struct Schema {
  std::int64_t version = 0;
  const char* create = "";
  // For a database of an older version; nullptr: `create` is written so that it does that as well.
  const char* upgrade = nullptr;
};

class Statement;

class Database {
 public:
  // Opens or creates the file, in WAL mode with synchronous=NORMAL and foreign keys on. ":memory:" is allowed.
  static Result<Database> Open(const std::string& path, const OpenOptions& options = {});

  Database() = default;

  // Makes or upgrades the tables, also when several processes do that at once. kFailedPrecondition: they are of a newer
  // version; `path` is named in the error.
  Result<> EnsureSchema(const Schema& schema, std::string_view path);

  // Runs one or several statements that return no rows of interest.
  Result<> Execute(const std::string& sql);
  // A statement must not outlive its database.
  Result<Statement> Prepare(std::string_view sql);

  [[nodiscard]] std::int64_t LastInsertId() const;
  // Rows changed by the last INSERT, UPDATE or DELETE.
  [[nodiscard]] std::int64_t Changes() const;
  // `PRAGMA user_version`, the number of the schema.
  Result<std::int64_t> UserVersion();
  Result<> SetUserVersion(std::int64_t version);

  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// Parameters are numbered from 1, columns from 0. Bound text and blobs are copied.
class Statement {
 public:
  Statement() = default;

  Statement& Bind(int index, std::int64_t value);
  Statement& Bind(int index, double value);
  Statement& Bind(int index, std::string_view value);
  Statement& Bind(int index, std::nullptr_t);
  Statement& BindBlob(int index, std::string_view bytes);
  // As a 32-byte blob; the empty digest as NULL.
  Statement& Bind(int index, const Digest& digest);

  // Resets the statement and binds parameters 1… from `values` (integers, bool, enums, double, text, Digest, nullptr,
  // optional of these). Strings are bound as TEXT; for a BLOB: BindAll(id, nullptr).BindBlob(2, bytes).Finish().
  template <class... T>
  Statement& BindAll(const T&... values) {
    Reset();
    int index = 0;
    (BindOne(++index, values), ...);
    return *this;
  }

  // True when a row is there. After false or an error the statement is reset, so that it can be bound and run again.
  Result<bool> Step();
  // BindAll, steps to the end ignoring rows, resets.
  template <class... T>
  Result<> Run(const T&... values) {
    BindAll(values...);
    return Finish();
  }
  // Steps to the end and resets.
  Result<> Finish();
  // Forgets the current row; keeps the bindings.
  void Reset();

  [[nodiscard]] std::int64_t Int(int column) const;
  [[nodiscard]] double Double(int column) const;
  // Valid until the next Step or Reset.
  [[nodiscard]] std::string_view Text(int column) const;
  [[nodiscard]] std::string_view Blob(int column) const;
  // The empty digest for NULL or anything that is not 32 bytes.
  [[nodiscard]] Digest GetDigest(int column) const;
  [[nodiscard]] bool IsNull(int column) const;

 private:
  friend class Database;
  template <class T>
  void BindOne(int index, const T& value) {
    if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::nullopt_t>) {
      Bind(index, nullptr);
    } else if constexpr (std::is_same_v<T, Digest>) {
      Bind(index, value);
    } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      Bind(index, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      Bind(index, static_cast<double>(value));
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      Bind(index, std::string_view(value));
    } else {
      if (value.has_value()) {
        BindOne(index, *value);
      } else {
        Bind(index, nullptr);
      }
    }
  }

  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// BEGIN IMMEDIATE … COMMIT: the write lock is taken at once, so that a read inside cannot be invalidated by another
// writer. The destructor rolls back what was not committed.
class Transaction {
 public:
  static Result<Transaction> Begin(Database& database);
  ~Transaction();
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;

  Result<> Commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;
};

}  // namespace loam::sqlite
