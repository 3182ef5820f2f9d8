#include "base/rooted_fs.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_system.h"

namespace loam {
namespace {

template <class T>
T Get(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message();
    std::abort();
  }
  return std::move(*result);
}

class RootedFsTest : public testing::Test {
 protected:
  void SetUp() override { root_ = Get(OpenFile(dir_.path(), O_PATH | O_DIRECTORY)); }
  void Write(const std::string& path, const std::string& text) {
    const UniqueFd fd = Get(OpenInRoot(root_.get(), path, O_WRONLY | O_CREAT, 0644));
    ASSERT_TRUE(WriteAll(fd.get(), text, path));
  }
  TempDir outer_ = Get(TempDir::Create());
  TempDir dir_ = Get(TempDir::Create(outer_.path()));
  UniqueFd root_;
};

TEST_F(RootedFsTest, NothingLeavesTheRoot) {
  ASSERT_TRUE(WriteFileAtomic(outer_.Child("secret"), "outside"));
  ASSERT_EQ(::symlinkat("/secret", root_.get(), "absolute"), 0);
  ASSERT_EQ(::symlinkat("../secret", root_.get(), "relative"), 0);
  ASSERT_EQ(::symlinkat("..", root_.get(), "up"), 0);
  for (const char* path : {"absolute", "relative", "up/secret", "../secret", "/../secret", "up/up/up/secret"}) {
    const auto text = ReadFileInRoot(root_.get(), path);
    ASSERT_FALSE(text) << path;
    EXPECT_EQ(text.error().sys_errno(), ENOENT) << path;
  }
  Write("secret", "inside");
  for (const char* path : {"absolute", "relative", "up/secret", "../secret"}) {
    EXPECT_EQ(Get(ReadFileInRoot(root_.get(), path)), "inside") << path;
  }
  EXPECT_FALSE(OpenInRoot(root_.get(), std::string_view("a\0b", 3), O_PATH));
}

TEST_F(RootedFsTest, MakesDirectoriesThroughLinks) {
  Get(MakeDirsInRoot(root_.get(), "usr/lib"));
  ASSERT_EQ(::symlinkat("/usr/lib", root_.get(), "lib"), 0);
  std::vector<std::string> made;
  MakeDirOptions options;
  options.mode = 0700;
  options.mtime = timespec{1000, 0};
  options.on_made = [&](const std::string& path) { made.push_back(path); };
  Get(MakeDirsInRoot(root_.get(), "/lib/a/b", options));
  EXPECT_THAT(made, testing::ElementsAre("/lib/a", "/lib/a/b"));
  const auto info = Get(LstatInRoot(root_.get(), "usr/lib/a/b"));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->st_mode & 07777U, 0700U);
  EXPECT_EQ(info->st_mtim.tv_sec, 1000);
  Write("file", "x");
  const auto blocked = MakeDirsInRoot(root_.get(), "file/below");
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().sys_errno(), ENOTDIR);
  ASSERT_EQ(::symlinkat("nowhere", root_.get(), "dangling"), 0);
  EXPECT_FALSE(MakeDirsInRoot(root_.get(), "dangling/x"));
  EXPECT_FALSE(Get(LstatInRoot(root_.get(), "file/x")));
}

TEST_F(RootedFsTest, ParentAndName) {
  Get(MakeDirsInRoot(root_.get(), "a/b"));
  EXPECT_EQ(Get(OpenParentInRoot(root_.get(), "a/b/c/")).name, "c");
  EXPECT_EQ(Get(OpenParentInRoot(root_.get(), "/x")).name, "x");
  EXPECT_EQ(Get(OpenParentInRoot(root_.get(), "/")).name, "");
  EXPECT_FALSE(OpenParentInRoot(root_.get(), "a/.."));
}

TEST_F(RootedFsTest, CopiesTreesWithLinksHolesAndTimes) {
  Get(MakeDirsInRoot(root_.get(), "from/d"));
  Get(MakeDirsInRoot(root_.get(), "to"));
  Write("from/d/a", "text");
  ASSERT_EQ(::linkat(root_.get(), "from/d/a", root_.get(), "from/b", 0), 0);
  ASSERT_EQ(::symlinkat("d/a", root_.get(), "from/l"), 0);
  {
    const UniqueFd sparse = Get(OpenInRoot(root_.get(), "from/sparse", O_WRONLY | O_CREAT, 0600));
    ASSERT_EQ(::ftruncate(sparse.get(), 8 << 20), 0);
    ASSERT_EQ(::pwrite(sparse.get(), "x", 1, 4 << 20), 1);
  }
  const timespec times[2] = {{5, 0}, {7, 9}};
  ASSERT_EQ(::utimensat(root_.get(), "from/d", times, 0), 0);
  const UniqueFd from = Get(OpenInRoot(root_.get(), "from", O_RDONLY | O_DIRECTORY));
  const UniqueFd to = Get(OpenInRoot(root_.get(), "to", O_RDONLY | O_DIRECTORY));
  ASSERT_TRUE(CopyTree(from.get(), to.get(), {}));
  EXPECT_EQ(Get(ReadFileInRoot(to.get(), "l")), "text");
  EXPECT_EQ(Get(LstatInRoot(to.get(), "b"))->st_ino, Get(LstatInRoot(to.get(), "d/a"))->st_ino);
  EXPECT_EQ(Get(LstatInRoot(to.get(), "d"))->st_mtim.tv_sec, 7);
  const auto sparse = *Get(LstatInRoot(to.get(), "sparse"));
  EXPECT_EQ(sparse.st_size, 8 << 20);
  EXPECT_LT(sparse.st_blocks, 2048);
  // Again, over what is there, with one entry left out.
  Write("from/d/a", "TEXT");
  ASSERT_TRUE(
      CopyTree(from.get(), to.get(), {}, [](const std::string& path, const struct stat&) { return path != "b"; }));
  EXPECT_EQ(Get(ReadFileInRoot(to.get(), "d/a")), "TEXT");
  EXPECT_EQ(Get(ReadFileInRoot(to.get(), "b")), "text");
}

}  // namespace
}  // namespace loam
