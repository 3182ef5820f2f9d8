#include "base/file_system.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/remove_tree.h"

namespace loam {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FileSystemTest : public ::testing::Test {
 protected:
  FileSystemTest() : dir_(*TempDir::Create()) {}
  std::string Path(std::string_view name) { return dir_.Child(name); }
  TempDir dir_;
};

TEST_F(FileSystemTest, WritesAndReadsWhole) {
  const std::string data(3'000'001, 'x');
  ASSERT_TRUE(WriteFileAtomic(Path("f"), data, 0640, true).has_value());
  EXPECT_TRUE(*ReadFile(Path("f")) == data);
  struct stat status {};
  ASSERT_EQ(::stat(Path("f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
  ASSERT_TRUE(WriteFileAtomic(Path("f"), "new").has_value());
  EXPECT_EQ(*ReadFile(Path("f")), "new");
  EXPECT_THAT(*ListDir(dir_.path()), ElementsAre("f")) << "no temporary file may stay";
}

TEST_F(FileSystemTest, ErrorsNameOperationAndPath) {
  const auto missing = ReadFile(Path("none"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().sys_errno(), ENOENT);
  EXPECT_THAT(missing.error().message(), HasSubstr("open " + Path("none")));
  EXPECT_FALSE(ReadFileIfExists(Path("none"))->has_value());
  EXPECT_FALSE(ReadFileIfExists(dir_.path()).has_value());
  const auto no_parent = WriteFileAtomic(Path("a/b"), "x");
  ASSERT_FALSE(no_parent.has_value());
  EXPECT_THAT(no_parent.error().message(), HasSubstr(Path("a/b")));
}

TEST_F(FileSystemTest, FullDiskIsAnErrorWithItsErrno) {
  const auto fd = OpenFile("/dev/full", O_WRONLY);
  ASSERT_TRUE(fd.has_value());
  const auto result = WriteAll(fd->get(), "data", "the output");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().sys_errno(), ENOSPC);
  EXPECT_THAT(result.error().message(), HasSubstr("the output"));
}

TEST_F(FileSystemTest, DroppedAtomicFileLeavesNothing) {
  {
    auto file = AtomicFile::Create(Path("f"));
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE(WriteAll(file->fd(), "half", "f").has_value());
  }
  EXPECT_THAT(*ListDir(dir_.path()), IsEmpty());
}

TEST_F(FileSystemTest, WritesManyPieces) {
  std::vector<std::string> texts;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    texts.push_back(std::to_string(i) + (i % 7 == 0 ? "" : "-"));
    expected += texts.back();
  }
  const std::vector<std::string_view> pieces(texts.begin(), texts.end());
  const auto fd = OpenFile(Path("f"), O_WRONLY | O_CREAT);
  ASSERT_TRUE(WriteAll(fd->get(), pieces, "f").has_value());
  EXPECT_EQ(*ReadFile(Path("f")), expected);
}

TEST_F(FileSystemTest, MakesDirectories) {
  ASSERT_TRUE(MakeDirs(Path("a/b//c/")).has_value());
  EXPECT_TRUE(MakeDirs(Path("a/b/c")).has_value());
  ASSERT_TRUE(WriteFileAtomic(Path("file"), "").has_value());
  EXPECT_EQ(MakeDirs(Path("file")).error().sys_errno(), ENOTDIR);
  EXPECT_EQ(MakeDirs(Path("file/x")).error().sys_errno(), ENOTDIR);
}

TEST_F(FileSystemTest, RemovesTreesWithoutFollowingLinks) {
  ASSERT_TRUE(MakeDirs(Path("keep")).has_value());
  ASSERT_TRUE(WriteFileAtomic(Path("keep/file"), "x").has_value());
  ASSERT_TRUE(MakeDirs(Path("tree/a/b")).has_value());
  ASSERT_EQ(::symlink(Path("keep").c_str(), Path("tree/a/link").c_str()), 0);
  ASSERT_EQ(::symlink(Path("keep").c_str(), Path("tree-link").c_str()), 0);
  ASSERT_TRUE(RemoveTree(Path("tree")).has_value());
  ASSERT_TRUE(RemoveTree(Path("tree-link")).has_value());
  EXPECT_TRUE(RemoveTree(Path("nothing")).has_value());
  EXPECT_THAT(*ListDir(dir_.path()), ElementsAre("keep"));
  EXPECT_EQ(*ReadFile(Path("keep/file")), "x");
}

TEST_F(FileSystemTest, RemovesTreesDeeperThanOpenFilesAllow) {
  // A removal that was interrupted may have left directories that it moved up.
  ASSERT_TRUE(MakeDirs(Path("tree/.loam-deep-1")).has_value());
  UniqueFd level = *OpenFile(Path("tree"), O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < 1000; ++depth) {
    ASSERT_EQ(::mkdirat(level.get(), "d", 0755), 0);
    ASSERT_EQ(::mkdirat(level.get(), "e", 0755), 0);
    level = *OpenFileAt(level.get(), "d", O_RDONLY | O_DIRECTORY);
  }
  level.Reset();
  const auto result = RemoveTree(Path("tree"));
  EXPECT_TRUE(result.has_value()) << result.error().message();
  EXPECT_THAT(*ListDir(dir_.path()), IsEmpty());
}

TEST_F(FileSystemTest, ARemovalThatIsStoppedLeavesTheRest) {
  ASSERT_TRUE(MakeDirs(Path("tree/a/b")).has_value());
  std::stop_source stop;
  stop.request_stop();
  const auto result = RemoveTreeAt(AT_FDCWD, Path("tree"), stop.get_token());
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(result.error().Is(ErrorCode::kCanceled));
  EXPECT_THAT(*ListDir(Path("tree/a")), ElementsAre("b"));
  ASSERT_TRUE(RemoveTreeAt(AT_FDCWD, Path("tree"), std::stop_token()).has_value());
  EXPECT_THAT(*ListDir(dir_.path()), IsEmpty());
}

TEST_F(FileSystemTest, CopiesRanges) {
  std::string data;
  for (int i = 0; i < 300'000; ++i) {
    data += std::to_string(i);
  }
  ASSERT_TRUE(WriteFileAtomic(Path("from"), data).has_value());
  const auto from = OpenFile(Path("from"), O_RDONLY);
  const auto to = OpenFile(Path("to"), O_RDWR | O_CREAT);
  ASSERT_TRUE(CopyRange(from->get(), 1000, to->get(), 10, 1'500'000, "from").has_value());
  EXPECT_TRUE(*ReadFile(Path("to")) == std::string(10, '\0') + data.substr(1000, 1'500'000));
  const auto too_long = CopyRange(from->get(), 0, to->get(), 0, data.size() + 1, "from");
  ASSERT_FALSE(too_long.has_value());
  EXPECT_EQ(too_long.error().code(), ErrorCode::kDataLoss);
}

TEST_F(FileSystemTest, LocksExcludeEachOther) {
  const std::string path = Path("lock");
  auto first = FileLock::Acquire(path, FileLock::Mode::kShared);
  auto second = FileLock::TryAcquire(path, FileLock::Mode::kShared);
  ASSERT_TRUE(second->has_value());
  EXPECT_FALSE(FileLock::TryAcquire(path, FileLock::Mode::kExclusive)->has_value());
  EXPECT_FALSE(*first->TryUpgrade());
  second->reset();
  EXPECT_TRUE(*first->TryUpgrade());
  EXPECT_FALSE(FileLock::TryAcquire(path, FileLock::Mode::kShared)->has_value());
  ASSERT_TRUE(first->Downgrade().has_value());
  EXPECT_TRUE(FileLock::TryAcquire(path, FileLock::Mode::kShared)->has_value());
}

TEST_F(FileSystemTest, ALockDiesWithItsHolder) {
  const std::string path = Path("lock");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto lock = FileLock::Acquire(path, FileLock::Mode::kExclusive);
    static_cast<void>(::write(ready[1], "x", 1));
    ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_FALSE(FileLock::TryAcquire(path, FileLock::Mode::kShared)->has_value());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(FileLock::TryAcquire(path, FileLock::Mode::kShared)->has_value());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(TempDir, RemovesItself) {
  std::string path;
  {
    auto dir = TempDir::Create();
    path = dir->path();
    ASSERT_TRUE(MakeDirs(dir->Child("a/b")).has_value());
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace loam
