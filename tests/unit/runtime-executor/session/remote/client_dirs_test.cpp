#include "runtime-executor/session/remote/client_dirs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_system.h"

namespace loam::session {
namespace {

class ClientDirsTest : public testing::Test {
 protected:
  // As a transfer leaves it.
  std::shared_ptr<HeldClientDir> Hold(const std::string& patterns, const std::string& key = "key") {
    auto held = HoldClientDir(cache_.path(), {.key = key, .patterns = patterns, .name = "context"});
    EXPECT_TRUE(held) << held.error().message();
    EXPECT_TRUE(MakeDirs((*held)->path));
    EXPECT_TRUE(WriteFileAtomic((*held)->path + ".manifest", patterns));
    return *held;
  }
  // The number of the copy.
  static std::string Copy(const std::shared_ptr<HeldClientDir>& held) {
    return held->path.substr(held->path.rfind('.') + 1);
  }

  const TempDir cache_ = TempDir::Create().value();
};

TEST_F(ClientDirsTest, SelectionsThatAreUsedAtOnceKeepCopiesOfTheirOwn) {
  for (int build = 0; build < 3; ++build) {
    // In either order.
    auto first = Hold(build % 2 == 0 ? "a" : "b");
    auto second = Hold(build % 2 == 0 ? "b" : "a");
    EXPECT_EQ(Copy(first), build % 2 == 0 ? "0" : "1") << build;
    EXPECT_EQ(Copy(second), build % 2 == 0 ? "1" : "0") << build;
  }
}

TEST_F(ClientDirsTest, AnotherSelectionStartsFromWhatIsThere) {
  EXPECT_EQ(Copy(Hold("all")), "0");
  EXPECT_EQ(Copy(Hold("one file")), "0");
  EXPECT_EQ(Copy(Hold("all")), "0");
  EXPECT_EQ(Copy(Hold("all", "other")), "0");
  const auto dirs = ListClientDirs(cache_.path());
  ASSERT_TRUE(dirs);
  EXPECT_EQ(dirs->size(), 2U);
}

TEST_F(ClientDirsTest, AnotherSelectionTakesWhatWasNotUsedForLong) {
  auto stale = Hold("stale");
  auto fresh = Hold("fresh");
  const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, (stale->path + ".manifest").c_str(), long_ago, 0), 0);
  const std::string copy = Copy(stale);
  stale.reset();
  fresh.reset();
  EXPECT_EQ(Copy(Hold("new")), copy);
}

TEST_F(ClientDirsTest, WhatIsGivenAwayStartsEmpty) {
  const std::string elsewhere = cache_.Child("elsewhere");
  int moves = 0;
  const auto move = [&](const std::string& path) -> Result<std::shared_ptr<void>> {
    ++moves;
    EXPECT_NE(access((path + ".manifest").c_str(), F_OK), 0) << "a transfer would take the files for there";
    EXPECT_EQ(rename(path.c_str(), elsewhere.c_str()), 0);
    return std::make_shared<int>();
  };
  const auto held = Hold("all");
  const auto given = GiveAwayClientDir(*held, move);
  ASSERT_TRUE(given);
  EXPECT_TRUE(*given);
  const auto again = GiveAwayClientDir(*held, move);
  ASSERT_TRUE(again);
  EXPECT_FALSE(*again);
  EXPECT_EQ(moves, 1);
  EXPECT_TRUE(ListClientDirs(cache_.path())->empty());
}

TEST_F(ClientDirsTest, NothingStaysOfARemovedCopy) {
  Hold("all");
  const auto dirs = ListClientDirs(cache_.path());
  ASSERT_EQ(dirs->size(), 1U);
  EXPECT_EQ(dirs->front().name, "context");
  EXPECT_FALSE(dirs->front().in_use);
  EXPECT_TRUE(*RemoveClientDir(cache_.path(), dirs->front().id));
  EXPECT_THAT(*ListDir(cache_.path()), testing::ElementsAre(dirs->front().id + ".lock"));
}

}  // namespace
}  // namespace loam::session
