#include "runtime-executor/cache/checksum.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "base/strings.h"
#include "runtime-executor/cache/checksum_index.h"
#include "tests/support/require.h"

namespace loam::cache {
namespace {

using snapshot::FsRef;
using snapshot::HostTree;
using testing::HasSubstr;

// Digests of small trees as BuildKit computes them.
constexpr const char* kData0 = "sha256:cd8e75bca50f2d695f220d0cb0997d8ead387e4f926e8669a92d7f104cc9885b";
constexpr const char* kData1 = "sha256:c2b5e234f5f38fc5864da7def04782f82501a40d46192e4207d5b3f0c3c4732b";
constexpr const char* kData2 = "sha256:1c67653c3cf95b12a0014e2c4cd1d776b474b3218aee54155d6ae27b9b999c54";
constexpr const char* kDirD0 = "sha256:d47454417d2c554067fbefe5f5719edc49f3cfe969c36b62e34a187a4da0cc9a";
constexpr const char* kDirD0FileByFile = "sha256:6b612ad5c13159112ae26357ef7bd34df29916941ba40ec2ce38dfb70c6c60c3";
constexpr const char* kDirD0Modified = "sha256:555ffa3028630d97ba37832b749eda85ab676fd64ffb629fbf0f4ec8c1e3bff1";
constexpr const char* kDoubleStar = "sha256:aa7448215bbf5b837b35ce64467857d8b9747965573d14d4b31b370586370971";
constexpr const char* kEmpty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

template <class T>
T Get(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message();
    std::abort();
  }
  return std::move(*result);
}

enum class Kind { kLayers, kHost };

class ChecksumTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      LOAM_TEST_SKIP("needs root: the digests are those of files owned by root");
    }
    ::umask(022);
    dir_.emplace(Get(TempDir::Create()));
    snapshot::LayerStoreOptions options;
    options.root = dir_->path();
    store_ = Get(snapshot::LayerStore::Open(options));
    Reopen();
  }
  void Reopen() { cache_ = Get(ChecksumCache::Open(*store_, {.index_dir = dir_->path() + "/index"})); }

  // "a/b dir", "a/f file text", "l link target", "h hard path"
  static void Make(int root, const std::vector<std::string>& items) {
    for (const std::string& item : items) {
      const auto words = Split(item, ' ');
      const std::string path(words[0]);
      const std::string arg(words.size() > 2 ? words[2] : "");
      if (words[1] == "dir") {
        ASSERT_EQ(::mkdirat(root, path.c_str(), 0755), 0) << item;
      } else if (words[1] == "link") {
        ASSERT_EQ(::symlinkat(arg.c_str(), root, path.c_str()), 0) << item;
      } else if (words[1] == "hard") {
        ASSERT_EQ(::linkat(root, arg.c_str(), root, path.c_str(), 0), 0) << item;
      } else {
        const UniqueFd fd = Get(OpenFileAt(root, path, O_WRONLY | O_CREAT | O_EXCL, 0644));
        ASSERT_TRUE(WriteAll(fd.get(), arg, path));
      }
    }
  }
  FsRef Tree(const std::vector<std::string>& items, snapshot::HostTreeFilter filter = {}) {
    if (GetParam() == Kind::kHost) {
      const std::string path = dir_->path() + "/host" + std::to_string(hosts_++);
      EXPECT_TRUE(MakeDirs(path));
      const UniqueFd fd = Get(OpenFile(path, O_RDONLY | O_DIRECTORY));
      Make(fd.get(), items);
      return FsRef(Get(HostTree::Open(path, std::move(filter))));
    }
    auto active = Get(store_->Begin(FsRef()));
    Make(active.fd(), items);
    return Get(std::move(active).Commit());
  }
  std::string Sum(const FsRef& ref, const std::string& path, const ChecksumOptions& options = {}) {
    auto sum = cache_->Compute(ref, path, options);
    return sum ? sum->digest.ToString() : "error: " + sum.error().message();
  }

  std::optional<TempDir> dir_;
  std::unique_ptr<snapshot::LayerStore> store_;
  std::unique_ptr<ChecksumCache> cache_;
  int hosts_ = 0;
};

ChecksumOptions Follow() {
  return {.follow_links = true};
}
ChecksumOptions Wildcard(bool follow = false) {
  return {.follow_links = follow, .wildcard = true};
}

TEST_P(ChecksumTest, FilesAndDirectories) {
  const FsRef ref = Tree(
      {"foo file data0", "bar file data1", "d0 dir", "d0/abc file data0", "d0/def link abc", "d0/ghi link nosuchfile"});
  EXPECT_THAT(Sum(ref, "nosuch", Follow()), HasSubstr("\"/nosuch\": not found"));
  EXPECT_EQ(Sum(ref, "foo", Follow()), kData0);
  EXPECT_EQ(Sum(ref, "bar", Follow()), kData1);
  EXPECT_EQ(Sum(ref, "d0/abc", Follow()), kData0);
  EXPECT_EQ(Sum(ref, "/d0/../d0/abc", Follow()), kData0);
  EXPECT_EQ(Sum(ref, "d0/def", Follow()), kData0);
  EXPECT_THAT(Sum(ref, "d0/ghi", Follow()), HasSubstr("not found"));
  EXPECT_EQ(Sum(ref, "d0", Follow()), kDirD0);
  if (GetParam() == Kind::kLayers) {
    EXPECT_EQ(Sum(ref, "/", Follow()), "sha256:427c9cf9ae98c0f81fb57a3076b965c7c149b6b0a85625ad4e884236649a42c6");
    // A root counts as any other directory.
    EXPECT_EQ(Sum(Tree({"abc file data0", "def link abc", "ghi link nosuchfile"}), "/", Follow()), kDirD0);
    EXPECT_EQ(Sum(Tree({"abc file data0", "def link abc"}), "/", Follow()), kDirD0Modified);
  }
  EXPECT_EQ(Sum(Tree({"abc dir", "abc/aa dir", "abc/aa/foo file data2"}), "abc/aa/foo", Follow()), kData2);
}

TEST_P(ChecksumTest, DirectoriesByName) {
  EXPECT_EQ(
      Sum(Tree({"d0 dir", "d0/foo dir", "d0/foo/bar file data0", "d0/foo-subdir dir", "d0/foo.subdir file data1"}),
          "d0", Follow()),
      "sha256:14276c302c940a80f82ca5477bf766c98a24702d6a9948ee71bb277cdad3ae05");
  EXPECT_EQ(Sum(Tree({"d0 dir", "d0/foo dir", "d0/foo/bar file data0", "d0/foo/subdir1 dir",
                      "d0/foo/subdir1/baz file data1", "d0/foo/subdir2 dir"}),
                "d0/foo"),
            "sha256:e76717544f71725bd759a981554ca17c286b3d222598f46a671b983fd2b8172d");
  const FsRef test = Tree({"test dir", "test/foo file data0"});
  const char* expected = "sha256:8f36dfd60011a21345427f4d3177b1223e11fbb732c18dd07cd8b2a27a0b53ca";
  EXPECT_EQ(Sum(test, "test"), expected);
  EXPECT_NE(Sum(test, "test", {.exclude_patterns = {"*.git"}}).find("sha256:"), std::string::npos);
}

TEST_P(ChecksumTest, WildcardsSelectFileByFile) {
  const FsRef ref =
      Tree({"bar file data1", "foo file data0", "fox file data2", "x dir", "x/d0 dir", "x/d0/abc file data0",
            "x/d0/def link abc", "x/d0/ghi link nosuchfile", "y1 link foo", "y2 link fox"});
  EXPECT_EQ(Sum(ref, "f*o", Wildcard()), Digest::Of(std::string("\0foo", 4) + kData0).ToString());
  EXPECT_EQ(Sum(ref, "f*", Wildcard()), "sha256:0b6731924f0a32a812bf8a729202e55e54ded331f9e4ff2397f681e43694e086");
  EXPECT_EQ(Sum(ref, "x/d?", Wildcard()), kDirD0FileByFile);
  EXPECT_EQ(Sum(ref, "x/d?/def", Wildcard(true)), kData0);
  EXPECT_EQ(Sum(ref, "y*", Wildcard(true)), "sha256:982153600b9653a1decb0f961e09e2bc1be335cfcaac9b39dbd1120b65fdf92c");
  EXPECT_EQ(Sum(ref, "nothing*", Wildcard()), kEmpty);
  EXPECT_THAT(Sum(ref, "x/[", Wildcard()), HasSubstr("error"));
}

TEST_P(ChecksumTest, SymlinksAreNotFollowedUnlessAsked) {
  const FsRef ref = Tree({"target file data0", "sym link target", "sym2 link target2", "foo dir", "foo/ghi link target",
                          "y1 link foo/ghi"});
  const char* link = "sha256:a2ba571981f48ec34eb79c9a3ab091b6491e825c2f7e9914ea86e8e958be7fae";
  EXPECT_EQ(Sum(ref, "sym", Wildcard()), link);
  EXPECT_NE(Sum(ref, "sym2", Wildcard()), link);
  EXPECT_EQ(Sum(ref, "foo/ghi", Wildcard()), link);
  EXPECT_THAT(Sum(ref, "foo/ghi", Wildcard(true)), HasSubstr("not found"));
  EXPECT_THAT(Sum(ref, "y1", Wildcard(true)), HasSubstr("not found"));
  EXPECT_EQ(Sum(ref, "sym"), link);
  const char* foo = "sha256:9b761577efcb1239cf4be971914c5d7404914dd32ff436401af1764dc5446b83";
  EXPECT_EQ(Sum(ref, "foo", Follow()), foo);
  EXPECT_EQ(Sum(ref, "fo?", Wildcard(true)), "sha256:2797e710c6d1a89ff2d91c834b828b1dc500f2982430a58241df8e146f4c4bb4");
  EXPECT_EQ(Sum(ref, "foo", {.follow_links = true, .exclude_patterns = {"*.git"}}), foo);
}

TEST_P(ChecksumTest, PatternsSelect) {
  const FsRef ref = Tree({"prefix dir", "prefix/a dir", "prefix/a/b dir", "prefix/a/b/c dir", "prefix/a/b/c/foo dir",
                          "prefix/a/b/c/foo/bar file abc"});
  for (const bool wildcard : {false, true}) {
    EXPECT_EQ(Sum(ref, "prefix/a", {.wildcard = wildcard, .include_patterns = {"**/foo/**", "**/report"}}),
              kDoubleStar);
    EXPECT_EQ(Sum(ref, "prefix/a", {.wildcard = wildcard, .include_patterns = {"**/foo", "**/report"}}), kDoubleStar);
    EXPECT_EQ(Sum(ref, "prefix/a", {.wildcard = wildcard, .include_patterns = {"**/none/**"}}), kEmpty);
    EXPECT_EQ(Sum(ref, "", {.wildcard = wildcard, .include_patterns = {"d2/foo"}}), kEmpty);
    // An exclusion that takes away what another pattern would have added.
    EXPECT_EQ(Sum(ref, "prefix/a", {.wildcard = wildcard, .include_patterns = {"b"}, .exclude_patterns = {"**/bar"}}),
              Sum(Tree({"prefix dir", "prefix/a dir", "prefix/a/b dir", "prefix/a/b/c dir", "prefix/a/b/c/foo dir"}),
                  "prefix/a", {.wildcard = wildcard, .include_patterns = {"b"}}));
  }
  const auto required = Sum(ref, "prefix", {.include_patterns = {"**/bar"}, .required_paths = {"/prefix/missing"}});
  EXPECT_THAT(required, HasSubstr("\"/prefix/missing\": not found"));
}

TEST_P(ChecksumTest, PathsThroughSymlinks) {
  const FsRef ref =
      Tree({"lib dir", "lib/sub dir", "lib/sub/foo file data0", "lib/sub/link link ../../lib2", "lib2 dir",
            "lib2/sub dir", "lib2/sub/foo file data0", "link1 link /lib", "link2 link /lib/", "link3 link /lib/.",
            "link4 link /lib/../lib", "link5 link ../lib", "loop link loop2", "loop2 link loop", "root link /"});
  for (const char* path : {"link1/sub/foo", "link2/sub/foo", "link3/sub/foo", "link4/sub/foo", "link5/sub/foo",
                           "link1/sub/link/sub/foo", "root/root/lib/sub/foo"}) {
    EXPECT_EQ(Sum(ref, path, Follow()), kData0) << path;
    EXPECT_EQ(Sum(ref, path), kData0) << path;
  }
  EXPECT_THAT(Sum(ref, "loop", Follow()), HasSubstr("too many links"));
  EXPECT_EQ(Sum(ref, "root", Follow()), Sum(ref, "/", Follow()));
}

TEST_P(ChecksumTest, SymlinkedPrefixOfPatterns) {
  const FsRef ref =
      Tree({"data dir", "data/d0 dir", "data/d0/d1 dir", "data/d0/d1/d2 dir", "data/d0/d1/d2/foo file abc",
            "data/symlink-to-d0 link d0", "mnt dir", "mnt/data link ../data"});
  const ChecksumOptions plain{.include_patterns = {"**/foo"}};
  const ChecksumOptions wild{.wildcard = true, .include_patterns = {"**/foo"}};
  EXPECT_NE(Sum(ref, "data/d0", plain), kEmpty);
  EXPECT_EQ(Sum(ref, "mnt/data/d0", plain), Sum(ref, "data/d0", plain));
  EXPECT_EQ(Sum(ref, "mnt/data/d0", wild), Sum(ref, "data/d0", plain));
  EXPECT_EQ(Sum(ref, "mnt/data/d*", wild), Sum(ref, "data/d*", wild));
  EXPECT_EQ(Sum(ref, "mnt/data/d0/d1/d*", wild), Sum(ref, "data/d0/d1/d*", wild));
  EXPECT_EQ(Sum(ref, "mnt/data/symlink-to-d0/d*/d2", wild), Sum(ref, "mnt/data/d0/d*/d2", wild));
}

TEST_P(ChecksumTest, HardLinksCountAsFiles) {
  const FsRef ref = Tree({"abc dir", "abc/foo file data0", "ln hard abc/foo"});
  EXPECT_EQ(Sum(ref, "ln"), kData0);
  EXPECT_EQ(Sum(ref, "abc/foo"), kData0);
}

TEST_P(ChecksumTest, PartsExplainTheDigest) {
  const FsRef ref = Tree({"d dir", "d/a file data0", "d/s dir", "d/s/b file data1"});
  const auto single = Get(cache_->Compute(ref, "d", {}, true));
  std::vector<std::string> paths;
  for (const auto& part : single.parts) {
    paths.push_back(part.path);
  }
  EXPECT_THAT(paths, testing::ElementsAre("/", "a", "s/", "s/b"));
  EXPECT_EQ(single.parts[1].digest.ToString(), kData0);
  const auto wild = Get(cache_->Compute(ref, "d/*", Wildcard(), true));
  paths.clear();
  for (const auto& part : wild.parts) {
    paths.push_back(part.path);
  }
  EXPECT_THAT(paths, testing::ElementsAre("a", "s/", "s/b"));
}

TEST_P(ChecksumTest, ModeOwnerAndXattrsCount) {
  const FsRef ref = Tree({"d dir", "d/a file data0"});
  const std::string before = Sum(ref, "d/a");
  if (GetParam() == Kind::kHost) {
    const std::string file = ref.host_tree()->path() + "/d/a";
    const auto again = [&] { return Sum(FsRef(Get(HostTree::Open(ref.host_tree()->path(), {}))), "d/a"); };
    ASSERT_EQ(::chown(file.c_str(), 7, 7), 0);
    EXPECT_EQ(again(), before);  // a local source is owned by 0:0
    ASSERT_EQ(::setxattr(file.c_str(), "user.x", "y", 1, 0), 0);
    EXPECT_NE(again(), before);
    ASSERT_EQ(::removexattr(file.c_str(), "user.x"), 0);
    EXPECT_EQ(again(), before);
    ASSERT_EQ(::chmod(file.c_str(), 0755), 0);
    EXPECT_NE(again(), before);
    return;
  }
  auto active = Get(store_->Begin(ref));
  ASSERT_EQ(::fchownat(active.fd(), "d/a", 7, 7, 0), 0);
  const FsRef owned = Get(std::move(active).Commit());
  EXPECT_NE(Sum(owned, "d/a"), before);
  EXPECT_EQ(Sum(ref, "d/a"), before);
}

TEST_P(ChecksumTest, DirectoryModeIsPartOfIt) {
  if (GetParam() == Kind::kLayers) {
    auto active = Get(store_->Begin(FsRef()));
    Make(active.fd(), {"d0 dir", "d0/foo dir", "d0/foo/bar file data0", "d0/foo/subdir1 dir",
                       "d0/foo/subdir1/baz file data1", "d0/foo/subdir2 dir"});
    ASSERT_EQ(::fchmodat(active.fd(), "d0/foo", 0700, 0), 0);
    const FsRef ref = Get(std::move(active).Commit());
    EXPECT_EQ(Sum(ref, "d0/foo"), "sha256:3a729f6ba0d3d74c6ade7d118b08b46e37e447afdad7fc6e258dbba12fa80141");
  }
}

TEST_P(ChecksumTest, Scratch) {
  EXPECT_EQ(Sum(FsRef(), "/"), kEmpty);
  EXPECT_THAT(Sum(FsRef(), "x"), HasSubstr("\"/x\": not found"));
}

TEST_P(ChecksumTest, FilterHidesFiles) {
  if (GetParam() != Kind::kHost) {
    return;  // only local sources have a filter
  }
  const std::vector<std::string> items = {
      "keep dir",     "keep/a file data0", "node_modules dir",  "node_modules/x file data1",
      "z.log file q", "logs dir",          "logs/a.log file q", "logs/keep.txt file data0"};
  const FsRef all = Tree(items);
  const FsRef some = Tree(items, {.include = {}, .exclude = {"node_modules", "**/*.log", "*.log"}, .follow_paths = {}});
  EXPECT_NE(Sum(all, "/"), Sum(some, "/"));
  EXPECT_EQ(Sum(some, "/"), Sum(Tree({"keep dir", "keep/a file data0", "logs dir", "logs/keep.txt file data0"}), "/"));
  EXPECT_THAT(Sum(some, "node_modules/x"), HasSubstr("not found"));
  // A parent of something included is visible, its other children are not.
  const FsRef one = Tree(items, {.include = {"logs/keep.txt"}, .exclude = {}, .follow_paths = {}});
  EXPECT_EQ(Sum(one, "/"), Sum(Tree({"logs dir", "logs/keep.txt file data0"}), "/"));
  const FsRef followed = Tree({"a dir", "a/l link ../b/f", "b dir", "b/f file data0", "b/g file data1"},
                              {.include = {}, .exclude = {}, .follow_paths = {"a/l"}});
  EXPECT_EQ(Sum(followed, "/"), Sum(Tree({"a dir", "a/l link ../b/f", "b dir", "b/f file data0"}), "/"));
}

TEST_P(ChecksumTest, ChangesAreSeenAndTouchesDoNotMatter) {
  if (GetParam() != Kind::kHost) {
    return;  // layers do not change
  }
  const FsRef ref = Tree({"a file data0"});
  const std::string path = ref.host_tree()->path();
  const auto sum = [&] {
    Reopen();
    return Sum(FsRef(Get(HostTree::Open(path, {}))), "a");
  };
  EXPECT_EQ(sum(), kData0);
  // Changed at once, same size, with the old mtime put back: only ctime can tell, and it may lie in the same tick.
  struct stat old {};
  ASSERT_EQ(::stat((path + "/a").c_str(), &old), 0);
  {
    const UniqueFd fd = Get(OpenFile(path + "/a", O_WRONLY));
    ASSERT_EQ(::pwrite(fd.get(), "data1", 5, 0), 5);
    const timespec times[2] = {old.st_atim, old.st_mtim};
    ASSERT_EQ(::futimens(fd.get(), times), 0);
  }
  EXPECT_EQ(sum(), kData1);
  ASSERT_EQ(::utimensat(AT_FDCWD, (path + "/a").c_str(), nullptr, 0), 0);
  EXPECT_EQ(sum(), kData1);
}

INSTANTIATE_TEST_SUITE_P(All, ChecksumTest, testing::Values(Kind::kLayers, Kind::kHost),
                         [](const auto& test) { return test.param == Kind::kHost ? "host" : "layers"; });

// Of a directory of the host: the files whose contents were read, which are not those that are remembered.
TEST(ChecksumReads, AreTold) {
  const TempDir dir = Get(TempDir::Create());
  snapshot::LayerStoreOptions options;
  options.root = dir.Child("root");
  const auto store = Get(snapshot::LayerStore::Open(options));
  const std::string host = dir.Child("host");
  ASSERT_TRUE(MakeDirs(host + "/sub"));
  ASSERT_TRUE(WriteFileAtomic(host + "/a", "1"));
  ASSERT_TRUE(WriteFileAtomic(host + "/sub/b", "22"));
  ASSERT_TRUE(WriteFileAtomic(host + "/other", "333"));
  std::mutex mutex;
  std::vector<std::string> told;
  const auto reads = [&](const std::string& path) {
    const auto cache = Get(ChecksumCache::Open(
        *store, {.index_dir = dir.Child("index"), .on_read = [&](const auto& tree, const auto& file, auto bytes) {
                   const std::lock_guard lock(mutex);
                   told.push_back(fmt::format("{} {} {}", tree == host, file, bytes));
                 }}));
    told.clear();
    const FsRef ref = FsRef(Get(HostTree::Open(host, {})));
    Get(cache->Compute(ref, path, {}));
    std::sort(told.begin(), told.end());
    return told;
  };
  EXPECT_THAT(reads("/a"), testing::ElementsAre("true a 1"));
  EXPECT_THAT(reads("/a"), testing::ElementsAre());
  EXPECT_THAT(reads("/sub"), testing::ElementsAre("true sub/b 2"));
  ASSERT_TRUE(WriteFileAtomic(host + "/a", "x"));
  EXPECT_THAT(reads("/"), testing::ElementsAre("true a 1", "true other 3"));
}

// --- the index ---

snapshot::TreeEntry EntryAt(std::int64_t seconds, long nanoseconds) {
  snapshot::TreeEntry entry;
  entry.mode = S_IFREG | 0644;
  entry.ino = 5;
  entry.size = 3;
  entry.mtime = entry.ctime = {seconds, nanoseconds};
  return entry;
}

TEST(ChecksumIndex, RacyFilesAreNotRemembered) {
  const WallTime began(std::chrono::seconds(100));
  EXPECT_TRUE(MayRemember(EntryAt(99, 998'900'000), began, false));
  EXPECT_FALSE(MayRemember(EntryAt(99, 999'000'000), began, false));
  EXPECT_FALSE(MayRemember(EntryAt(100, 1), began, false));
  EXPECT_FALSE(MayRemember(EntryAt(200, 1), began, false));  // from the future
  // Whole seconds, or a clock that is not ours.
  EXPECT_FALSE(MayRemember(EntryAt(98, 0), began, false));
  EXPECT_TRUE(MayRemember(EntryAt(97, 0), began, false));
  EXPECT_FALSE(MayRemember(EntryAt(98, 1), began, true));
  // The later of the two counts.
  auto entry = EntryAt(50, 1);
  entry.ctime = {99, 999'000'000};
  EXPECT_FALSE(MayRemember(entry, began, false));
}

TEST(ChecksumIndex, PersistsAndForgetsUnused) {
  const TempDir dir = Get(TempDir::Create());
  const std::string path = dir.Child("index");
  const auto one = StampOf(EntryAt(1, 1), false);
  const auto two = StampOf(EntryAt(2, 1), false);
  {
    ChecksumIndex index(path);
    index.Add(one, Digest::Of("1"));
    index.Add(two, Digest::Of("2"));
    EXPECT_NE(StampOf(EntryAt(1, 1), true), one);
    ASSERT_TRUE(index.Save());
  }
  struct stat before {};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  {
    ChecksumIndex index(path);
    EXPECT_EQ(index.Find(one), Digest::Of("1"));
    EXPECT_EQ(index.Find(StampOf(EntryAt(3, 1), false)), std::nullopt);
    ASSERT_TRUE(index.Save());  // nothing new: not written
    struct stat after {};
    ASSERT_EQ(::stat(path.c_str(), &after), 0);
    EXPECT_EQ(after.st_ino, before.st_ino);
    index.Add(StampOf(EntryAt(3, 1), false), Digest::Of("3"));
    ASSERT_TRUE(index.Save());
  }
  {
    ChecksumIndex index(path);
    EXPECT_EQ(index.Find(one), Digest::Of("1"));
    EXPECT_EQ(index.Find(two), std::nullopt);
  }
  std::string text = Get(ReadFile(path));
  text[40] = static_cast<char>(text[40] ^ 1);
  ASSERT_TRUE(WriteFileAtomic(path, text));
  ChecksumIndex damaged(path);
  EXPECT_EQ(damaged.Find(one), std::nullopt);
}

}  // namespace
}  // namespace loam::cache
