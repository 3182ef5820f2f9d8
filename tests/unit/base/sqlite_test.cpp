#include "base/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/file_system.h"

namespace loam::sqlite {
namespace {

using ::testing::HasSubstr;

class SqliteTest : public ::testing::Test {
 protected:
  SqliteTest() : dir_(*TempDir::Create()), db_(*Database::Open(dir_.Child("test.db"))) {
    EXPECT_TRUE(
        db_.Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB, real REAL)").has_value());
  }
  std::int64_t Count(Database& db) {
    auto statement = db.Prepare("SELECT count(*) FROM t");
    EXPECT_TRUE(*statement->Step());
    return statement->Int(0);
  }
  TempDir dir_;
  Database db_;
};

TEST_F(SqliteTest, BindsAndReadsEveryType) {
  const Digest digest = Digest::Of("x");
  auto insert = db_.Prepare("INSERT INTO t(id, name, data, real) VALUES(?, ?, ?, ?)");
  ASSERT_TRUE(insert.has_value()) << insert.error().message();
  ASSERT_TRUE(insert->Run(1, std::string("zero\0inside", 11), digest, 2.5).has_value());
  ASSERT_TRUE(insert->Run(2, nullptr, std::optional<Digest>(), std::optional<double>(1.0)).has_value());
  ASSERT_TRUE(insert->BindAll(3, "", nullptr, true).BindBlob(3, std::string_view("\0\xff", 2)).Finish().has_value());
  EXPECT_EQ(db_.LastInsertId(), 3);
  EXPECT_EQ(db_.Changes(), 1);

  auto select = db_.Prepare("SELECT name, data, real FROM t WHERE id = ?");
  select->BindAll(1);
  ASSERT_TRUE(*select->Step());
  EXPECT_EQ(select->Text(0), std::string_view("zero\0inside", 11));
  EXPECT_EQ(select->GetDigest(1), digest);
  EXPECT_EQ(select->Double(2), 2.5);
  EXPECT_FALSE(*select->Step());
  select->BindAll(2);
  ASSERT_TRUE(*select->Step());
  EXPECT_TRUE(select->IsNull(0));
  EXPECT_TRUE(select->GetDigest(1).empty());
  select->BindAll(3);
  ASSERT_TRUE(*select->Step());
  EXPECT_FALSE(select->IsNull(0));
  EXPECT_EQ(select->Blob(1), std::string_view("\0\xff", 2));
}

TEST_F(SqliteTest, TransactionsRollBackUnlessCommitted) {
  {
    auto transaction = Transaction::Begin(db_);
    ASSERT_TRUE(transaction.has_value());
    ASSERT_TRUE(db_.Execute("INSERT INTO t(id) VALUES(1)").has_value());
  }
  EXPECT_EQ(Count(db_), 0);
  {
    auto transaction = Transaction::Begin(db_);
    ASSERT_TRUE(db_.Execute("INSERT INTO t(id) VALUES(1)").has_value());
    ASSERT_TRUE(transaction->Commit().has_value());
  }
  EXPECT_EQ(Count(db_), 1);
}

TEST_F(SqliteTest, ErrorsHaveCodesAndTheStatement) {
  const auto syntax = db_.Execute("SELEC 1");
  ASSERT_FALSE(syntax.has_value());
  EXPECT_THAT(syntax.error().message(), HasSubstr("SELEC 1"));
  ASSERT_TRUE(db_.Execute("INSERT INTO t(id, name) VALUES(1, 'a')").has_value());
  auto insert = db_.Prepare("INSERT INTO t(id, name) VALUES(?, ?)");
  EXPECT_EQ(insert->Run(2, "a").error().code(), ErrorCode::kAlreadyExists);
  EXPECT_TRUE(insert->Run(2, "b").has_value()) << "a failed statement can be run again";
}

TEST_F(SqliteTest, WritersWaitForEachOther) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this, thread] {
      auto db = Database::Open(dir_.Child("test.db"));
      for (int i = 0; i < 25; ++i) {
        auto transaction = Transaction::Begin(*db);
        ASSERT_TRUE(transaction.has_value()) << transaction.error().message();
        auto insert = db->Prepare("INSERT INTO t(id) VALUES(?)");
        ASSERT_TRUE(insert->Run(thread * 100 + i).has_value());
        ASSERT_TRUE(transaction->Commit().has_value());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(Count(db_), 100);
}

TEST_F(SqliteTest, ABusyDatabaseIsUnavailable) {
  auto transaction = Transaction::Begin(db_);
  OpenOptions impatient;
  impatient.busy_timeout = std::chrono::milliseconds(1);
  auto other = Database::Open(dir_.Child("test.db"), impatient);
  ASSERT_TRUE(other.has_value()) << other.error().message();
  const auto blocked = Transaction::Begin(*other);
  ASSERT_FALSE(blocked.has_value());
  EXPECT_EQ(blocked.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Count(*other), 0) << "readers are not blocked";
}

TEST_F(SqliteTest, SchemasAreMadeUpgradedAndRefused) {
  const std::string path = dir_.Child("schema.db");
  auto db = Database::Open(path);
  ASSERT_TRUE(db.has_value());
  const Schema first = {.version = 1, .create = "CREATE TABLE t(n INTEGER); INSERT INTO t VALUES(1);"};
  ASSERT_TRUE(db->EnsureSchema(first, path).has_value());
  ASSERT_TRUE(db->EnsureSchema(first, path).has_value()) << "nothing is made twice";
  const Schema second = {.version = 2, .create = "CREATE TABLE t(n INTEGER);", .upgrade = "UPDATE t SET n = n * 10;"};
  ASSERT_TRUE(db->EnsureSchema(second, path).has_value());
  auto select = db->Prepare("SELECT n FROM t");
  ASSERT_TRUE(select.has_value());
  ASSERT_TRUE(*select->Step());
  EXPECT_EQ(select->Int(0), 10);
  select->Reset();
  const auto older = db->EnsureSchema(first, path);
  ASSERT_FALSE(older.has_value());
  EXPECT_EQ(older.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(*db->UserVersion(), 2);
}

TEST_F(SqliteTest, SchemaIsMadeByOneOfManyAtOnce) {
  const std::string path = dir_.Child("race.db");
  std::vector<std::thread> threads;
  std::atomic<int> made = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      auto db = Database::Open(path);
      made += db && db->EnsureSchema({.version = 1, .create = "CREATE TABLE t(n INTEGER)"}, path) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(made, 8);
}

TEST_F(SqliteTest, OpenErrors) {
  EXPECT_FALSE(Database::Open(dir_.Child("no/such/dir.db")).has_value());
  ASSERT_TRUE(WriteFileAtomic(dir_.Child("junk.db"), std::string(5000, 'j')).has_value());
  const auto junk = Database::Open(dir_.Child("junk.db"));
  ASSERT_FALSE(junk.has_value());
  EXPECT_EQ(junk.error().code(), ErrorCode::kDataLoss);
  ASSERT_TRUE(db_.SetUserVersion(7).has_value());
  EXPECT_EQ(*db_.UserVersion(), 7);
}

}  // namespace
}  // namespace loam::sqlite
