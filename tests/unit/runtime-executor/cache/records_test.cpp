#include "runtime-executor/cache/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file_system.h"
#include "runtime-executor/cache/byte_codec.h"
#include "runtime-executor/cache/preimage_codec.h"

namespace loam::cache {
namespace {

using solver::KeyId;
using solver::NewRecord;

class RecordsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = TempDir::Create().value();
    store_ = RecordStore::Open(Path(), SystemClock()).value();
  }
  std::string Path() const { return dir_->Child("cache.db"); }
  void Reopen() {
    store_.reset();
    store_ = RecordStore::Open(Path(), SystemClock()).value();
  }
  KeyId AddRootRecord(const std::string& name, const std::string& blob) {
    NewRecord record;
    record.root = solver::RootKey{Digest::Of(name), 0};
    record.result = solver::StoredResult{blob, 10};
    record.description = name;
    return store_->Add(record).value();
  }
  KeyId AddLinked(KeyId source, const std::string& op, const std::string& blob, const Digest& selector = {}) {
    NewRecord record;
    record.links = {{source, 0, selector}};
    record.op_digest = Digest::Of(op);
    record.result = solver::StoredResult{blob, 10};
    return store_->Add(record).value();
  }
  std::vector<KeyId> Linked(KeyId source, const std::string& op, const Digest& selector = {}) {
    return store_->FindLinked({source, 0, selector}, Digest::Of(op), 0).value();
  }

  std::optional<TempDir> dir_;
  std::unique_ptr<RecordStore> store_;
};

TEST_F(RecordsTest, RootsAndLinksAreFoundAgainAfterReopening) {
  const KeyId a = AddRootRecord("a", "blob-a");
  const KeyId b = AddLinked(a, "op", "blob-b");
  const KeyId c = AddLinked(a, "op", "blob-c", Digest::Of("selector"));
  Reopen();
  EXPECT_EQ(store_->FindRoot({Digest::Of("a"), 0}).value(), a);
  EXPECT_EQ(store_->FindRoot({Digest::Of("a"), 1}).value(), std::nullopt);
  EXPECT_THAT(Linked(a, "op"), ::testing::ElementsAre(b));
  EXPECT_THAT(Linked(a, "op", Digest::Of("selector")), ::testing::ElementsAre(c));
  EXPECT_THAT(Linked(a, "other"), ::testing::IsEmpty());
  const auto records = store_->Records(b).value();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].blob, "blob-b");
}

TEST_F(RecordsTest, NewestRecordFirst) {
  const KeyId a = AddRootRecord("a", "old");
  EXPECT_EQ(AddRootRecord("a", "new"), a);
  const auto records = store_->Records(a).value();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].blob, "new");
}

TEST_F(RecordsTest, OwnWritesShowWithinAReadingStretch) {
  store_->BeginReading();
  EXPECT_EQ(store_->FindRoot({Digest::Of("a"), 0}).value(), std::nullopt);
  const KeyId a = AddRootRecord("a", "blob");
  EXPECT_EQ(store_->FindRoot({Digest::Of("a"), 0}).value(), a);
  store_->EndReading();
}

TEST_F(RecordsTest, AnotherConnectionSeesCommittedRecords) {
  const auto other = RecordStore::Open(Path(), SystemClock()).value();
  const KeyId a = AddRootRecord("a", "blob");
  EXPECT_EQ(other->FindRoot({Digest::Of("a"), 0}).value(), a);
  NewRecord record;
  record.root = solver::RootKey{Digest::Of("a"), 0};
  EXPECT_EQ(other->Add(record).value(), a);
}

TEST_F(RecordsTest, RemovingRecordsSweepsWhatLedOnlyToThem) {
  const solver::Preimage preimage{{{"op", "content"}}, {{"f", Digest::Of("f")}}};
  const KeyId content = store_->AddRoot({Digest::Of("content"), -1}, preimage).value();
  const KeyId a = AddRootRecord("a", "blob-a");
  const KeyId b = AddLinked(a, "op1", "blob-b");
  const KeyId c = AddLinked(b, "op2", "blob-c");
  static_cast<void>(AddLinked(content, "op3", "blob-d"));
  std::map<std::string, solver::RecordId> ids;
  const auto listed = store_->ListRecords().value();
  for (const RecordInfo& info : listed) {
    ids[info.blob] = info.id;
  }
  // b's record goes, but b still leads to c.
  ASSERT_TRUE(store_->RemoveRecords(std::vector{ids["blob-b"], ids["blob-a"]}).has_value());
  EXPECT_THAT(Linked(a, "op1"), ::testing::ElementsAre(b));
  EXPECT_THAT(Linked(b, "op2"), ::testing::ElementsAre(c));
  EXPECT_TRUE(store_->ContentPreimage(Digest::Of("content")).value().has_value());
  ASSERT_TRUE(store_->RemoveRecords(std::vector{ids["blob-c"], ids["blob-d"]}).has_value());
  EXPECT_THAT(Linked(a, "op1"), ::testing::IsEmpty());
  EXPECT_EQ(store_->FindRoot({Digest::Of("a"), 0}).value(), std::nullopt);
  EXPECT_FALSE(store_->ContentPreimage(Digest::Of("content")).value().has_value());
}

TEST_F(RecordsTest, BuildsKeepTheirContentPreimages) {
  const solver::Preimage preimage{{{"op", "content"}}, {{"src/a.c", Digest::Of("a")}, {"src/b.c", Digest::Of("b")}}};
  ASSERT_TRUE(store_->AddRoot({Digest::Of("content"), -1}, preimage).has_value());
  BuildRow build;
  build.title = "t";
  build.build_key = "k";
  build.data = "data";
  build.contents = {Digest::Of("content")};
  ASSERT_TRUE(store_->AddBuild(build).has_value());
  ASSERT_TRUE(store_->RemoveRecords({}).has_value());
  EXPECT_EQ(store_->ContentPreimage(Digest::Of("content")).value(), preimage);
  build.contents.clear();
  for (int i = 0; i < RecordStore::kKeptBuilds; ++i) {
    build.title = std::to_string(i);
    ASSERT_TRUE(store_->AddBuild(build).has_value());
  }
  const auto builds = store_->Builds("k", 1000).value();
  EXPECT_EQ(builds.size(), static_cast<std::size_t>(RecordStore::kKeptBuilds));
  EXPECT_EQ(builds.front().title, std::to_string(RecordStore::kKeptBuilds - 1));
  EXPECT_EQ(builds.front().data, "data");
  EXPECT_TRUE(store_->Builds("other", 10).value().empty());
  ASSERT_TRUE(store_->RemoveRecords({}).has_value());
  EXPECT_FALSE(store_->ContentPreimage(Digest::Of("content")).value().has_value());
}

TEST_F(RecordsTest, MarkUsedCounts) {
  static_cast<void>(AddRootRecord("a", "blob"));
  const auto before = store_->ListRecords().value();
  ASSERT_TRUE(store_->MarkUsed(std::vector{before[0].id, before[0].id}).has_value());
  const auto after = store_->ListRecords().value();
  EXPECT_EQ(after[0].uses, 2);
  EXPECT_GE(after[0].last_used, before[0].last_used);
}

TEST_F(RecordsTest, KilledWriterLeavesOnlyWholeRecords) {
  store_.reset();
  for (int round = 0; round < 10; ++round) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = RecordStore::Open(Path(), SystemClock()).value();
      static_cast<void>(!write(ready[1], "x", 1));
      for (int i = 0;; ++i) {
        NewRecord record;
        const KeyId root = store->AddRoot({Digest::Of(std::to_string(round)), -1}, {}).value();
        record.links = {{root, 0, {}}, {root, 1, {}}};
        record.op_digest = Digest::Of(std::to_string(i));
        record.result = solver::StoredResult{"b", 1};
        static_cast<void>(store->Add(record));
      }
    }
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    usleep(static_cast<useconds_t>(1000 * round));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    auto store = RecordStore::Open(Path(), SystemClock()).value();
    const auto root = store->FindRoot({Digest::Of(std::to_string(round)), -1}).value();
    if (!root) {
      continue;
    }
    // Every node that is linked at all is linked from both inputs and has its record.
    for (int i = 0;; ++i) {
      const auto first = store->FindLinked({*root, 0, {}}, Digest::Of(std::to_string(i)), 0).value();
      const auto second = store->FindLinked({*root, 1, {}}, Digest::Of(std::to_string(i)), 0).value();
      EXPECT_EQ(first, second);
      if (first.empty()) {
        break;
      }
      EXPECT_EQ(store->Records(first[0]).value().size(), 1U);
    }
  }
}

TEST(PreimageCodecTest, RoundTripAndDamage) {
  solver::Preimage preimage;
  for (int i = 0; i < 1000; ++i) {
    preimage.fields.push_back({"env:V" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'x')});
    preimage.files.push_back({"dir/file" + std::to_string(i), Digest::Of(std::to_string(i))});
  }
  const std::string bytes = EncodePreimage(preimage);
  EXPECT_EQ(DecodePreimage(bytes).value(), preimage);
  EXPECT_FALSE(DecodePreimage("").has_value());
  EXPECT_FALSE(DecodePreimage("garbage").has_value());
  const std::string text = DecompressBlob(bytes).value();
  for (std::size_t cut = 0; cut < 200; ++cut) {
    EXPECT_FALSE(DecodePreimage(CompressBlob(text.substr(0, text.size() * cut / 200))).has_value()) << cut;
  }
  EXPECT_FALSE(DecodePreimage(CompressBlob(text + "x")).has_value());
  ByteWriter huge;
  huge.Int(~std::uint64_t{0});
  EXPECT_FALSE(DecodePreimage(CompressBlob(huge.Take())).has_value());
}

}  // namespace
}  // namespace loam::cache
