#include "runtime-executor/content/content_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/file_system.h"

namespace loam::content {
namespace {

using ::testing::HasSubstr;

class ContentStoreTest : public ::testing::Test {
 protected:
  ContentStoreTest() : dir_(*TempDir::Create()), store_(*ContentStore::Open(dir_.Child("content"))) {}

  std::vector<std::string> Blobs() { return *ListDir(dir_.Child("content/blobs/sha256")); }
  std::vector<std::string> Ingests() { return *ListDir(dir_.Child("content/ingest")); }

  TempDir dir_;
  std::unique_ptr<ContentStore> store_;
};

TEST_F(ContentStoreTest, StoresAndReads) {
  const auto digest = store_->WriteBlob("hello");
  ASSERT_TRUE(digest.has_value()) << digest.error().message();
  EXPECT_EQ(*digest, Digest::Of("hello"));
  EXPECT_EQ(*store_->ReadBlob(*digest), "hello");
  EXPECT_EQ(store_->Info(*digest)->size, 5U);
  EXPECT_TRUE(store_->Contains(*digest));
  auto blob = store_->OpenBlob(*digest);
  ASSERT_TRUE(blob.has_value());
  std::string text(3, '\0');
  EXPECT_EQ(*blob->ReadAt(text, 2), 3U);
  EXPECT_EQ(text, "llo");
  EXPECT_EQ(*ReadFull(*blob, text), 3U);
  EXPECT_EQ(text, "hel");
}

TEST_F(ContentStoreTest, MissingBlobs) {
  const Digest digest = Digest::Of("nothing");
  EXPECT_FALSE(store_->Contains(digest));
  EXPECT_EQ(store_->Info(digest).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(store_->OpenBlob(digest).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(store_->ReadBlob(digest).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(store_->Delete(digest).has_value());
}

TEST_F(ContentStoreTest, RefusesDataThatIsNotWhatWasExpected) {
  {
    auto ingest = store_->StartIngest();
    ASSERT_TRUE(ingest->Write("evil").has_value());
    const auto result = ingest->Commit(Digest::Of("good"), 4);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code(), ErrorCode::kDataLoss);
    EXPECT_THAT(result.error().message(), HasSubstr(Digest::Of("evil").ToString()));
  }
  {
    auto ingest = store_->StartIngest();
    ASSERT_TRUE(ingest->Write("good").has_value());
    EXPECT_FALSE(ingest->Commit(Digest::Of("good"), 5).has_value());
  }
  {
    auto ingest = store_->ResumeIngest("key");
    ASSERT_TRUE(ingest->Write("evil").has_value());
    EXPECT_FALSE(ingest->Commit(Digest::Of("good")).has_value());
  }
  EXPECT_THAT(Blobs(), ::testing::IsEmpty());
  EXPECT_THAT(Ingests(), ::testing::IsEmpty()) << "wrong data must not be resumed";
}

TEST_F(ContentStoreTest, DroppedIngestLeavesNothing) {
  {
    auto ingest = store_->StartIngest();
    ASSERT_TRUE(ingest->Write("half").has_value());
  }
  EXPECT_THAT(Blobs(), ::testing::IsEmpty());
  EXPECT_THAT(Ingests(), ::testing::IsEmpty());
}

TEST_F(ContentStoreTest, ResumesByKey) {
  {
    auto ingest = store_->ResumeIngest("pull-x");
    EXPECT_EQ(ingest->offset(), 0U);
    ASSERT_TRUE(ingest->Write("first half, ").has_value());
  }
  {
    auto other_key = store_->ResumeIngest("pull-y");
    EXPECT_EQ(other_key->offset(), 0U);
  }
  auto ingest = store_->ResumeIngest("pull-x");
  ASSERT_EQ(ingest->offset(), 12U);
  ASSERT_TRUE(ingest->Write("second half").has_value());
  const auto info = ingest->Commit(Digest::Of("first half, second half"), 23);
  ASSERT_TRUE(info.has_value()) << info.error().message();
  EXPECT_EQ(*store_->ReadBlob(info->digest), "first half, second half");
  // Done: the key starts anew.
  EXPECT_EQ(store_->ResumeIngest("pull-x")->offset(), 0U);
}

TEST_F(ContentStoreTest, AKeyInUseGivesAFreshIngest) {
  auto first = store_->ResumeIngest("k");
  ASSERT_TRUE(first->Write("abc").has_value());
  auto second = store_->ResumeIngest("k");
  EXPECT_EQ(second->offset(), 0U);
  ASSERT_TRUE(second->Write("abcdef").has_value());
  EXPECT_TRUE(second->Commit(Digest::Of("abcdef")).has_value());
  ASSERT_TRUE(first->Write("def").has_value());
  EXPECT_TRUE(first->Commit(Digest::Of("abcdef")).has_value());
  EXPECT_EQ(Blobs().size(), 1U);
  EXPECT_THAT(Ingests(), ::testing::IsEmpty());
}

TEST_F(ContentStoreTest, RestartForgets) {
  auto ingest = store_->StartIngest();
  ASSERT_TRUE(ingest->Write("wrong").has_value());
  ASSERT_TRUE(ingest->Restart().has_value());
  ASSERT_TRUE(ingest->Write("right").has_value());
  EXPECT_TRUE(ingest->Commit(Digest::Of("right"), 5).has_value());
  EXPECT_EQ(*store_->ReadBlob(Digest::Of("right")), "right");
}

TEST_F(ContentStoreTest, ManyThreadsCommitTheSameBlob) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        EXPECT_TRUE(store_->WriteBlob(fmt::format("blob {}", round)).has_value());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(Blobs().size(), 50U);
  EXPECT_EQ(*store_->ReadBlob(Digest::Of("blob 7")), "blob 7");
}

TEST_F(ContentStoreTest, FindsDamagedBlobsAndReplacesThem) {
  const Digest digest = *store_->WriteBlob("precious");
  ASSERT_TRUE(WriteFileAtomic(store_->PathOf(digest), "preci").has_value());
  EXPECT_EQ(store_->ReadBlob(digest).error().code(), ErrorCode::kDataLoss);
  Descriptor descriptor;
  descriptor.digest = digest;
  descriptor.size = 8;
  EXPECT_FALSE(store_->Contains(descriptor));
  EXPECT_EQ(store_->OpenBlob(descriptor).error().code(), ErrorCode::kDataLoss);
  ASSERT_TRUE(store_->WriteBlob("precious").has_value());
  EXPECT_EQ(*store_->ReadBlob(digest), "precious");
  EXPECT_TRUE(store_->Contains(descriptor));
}

TEST_F(ContentStoreTest, WalksAndDeletes) {
  const Digest a = *store_->WriteBlob("a");
  const Digest b = *store_->WriteBlob("bb");
  std::map<Digest, std::uint64_t> seen;
  ASSERT_TRUE(store_
                  ->Walk([&](const BlobInfo& info) -> Result<> {
                    seen[info.digest] = info.size;
                    return {};
                  })
                  .has_value());
  EXPECT_EQ(seen, (std::map<Digest, std::uint64_t>{{a, 1}, {b, 2}}));
  auto open = store_->OpenBlob(a);
  ASSERT_TRUE(store_->Delete(a).has_value());
  EXPECT_FALSE(store_->Contains(a));
  EXPECT_EQ(*ReadAll(*open, 10), "a") << "an open blob outlives its deletion";
}

TEST_F(ContentStoreTest, AKilledProcessLeavesNoBlob) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto unkeyed = store_->StartIngest();
    auto keyed = store_->ResumeIngest("k");
    static_cast<void>(unkeyed->Write("half"));
    static_cast<void>(keyed->Write("half"));
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_THAT(Blobs(), ::testing::IsEmpty());
  EXPECT_EQ(store_->ResumeIngest("k")->offset(), 4U) << "the lock died with its holder";
  ASSERT_TRUE(store_->RemoveStaleIngests(std::chrono::hours(1)).has_value());
  EXPECT_EQ(store_->ResumeIngest("k")->offset(), 4U);
  ASSERT_TRUE(store_->RemoveStaleIngests(std::chrono::seconds(-1)).has_value());
  EXPECT_THAT(Ingests(), ::testing::IsEmpty());
}

TEST_F(ContentStoreTest, LimitsWhatIsReadIntoMemory) {
  const Digest digest = *store_->WriteBlob(std::string(1000, 'x'));
  EXPECT_EQ(store_->ReadBlob(digest, 999).error().code(), ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace loam::content
