// File actions on plain directories.
#include "runtime-executor/ops/file_actions.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/file_system.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/file_copy.h"
#include "runtime-executor/ops/file_unpack.h"
#include "runtime-executor/snapshot/host_tree.h"

namespace loam::ops {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class FileActionsTest : public testing::Test {
 protected:
  FileActionsTest() : dir_(TempDir::Create().value()) {
    fs::create_directory(src());
    fs::create_directory(dst());
    src_fd_ = OpenFile(src(), O_PATH | O_DIRECTORY).value();
    dst_fd_ = OpenFile(dst(), O_PATH | O_DIRECTORY).value();
  }

  [[nodiscard]] std::string src(const std::string& path = "") const { return dir_.path() + "/src" + path; }
  [[nodiscard]] std::string dst(const std::string& path = "") const { return dir_.path() + "/dst" + path; }

  void Put(const std::string& path, const std::string& text = "x", mode_t mode = 0644) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
  }
  static std::string Text(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return file ? text.str() : "<missing>";
  }
  static struct stat Stat(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  static void SetTime(const std::string& path, time_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 5}};
    utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
  }
  // Everything below dst, sorted.
  [[nodiscard]] std::vector<std::string> Tree() const {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(dst())) {
      paths.push_back(entry.path().string().substr(dst().size()));
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  static pb::FileActionCopy Action(const std::string& from, const std::string& to) {
    pb::FileActionCopy action;
    action.set_src(from);
    action.set_dest(to);
    action.set_mode(-1);
    action.set_timestamp(-1);
    action.set_createdestpath(true);
    action.set_followsymlink(true);
    action.set_dircopycontents(true);
    action.set_allowwildcard(true);
    return action;
  }
  Result<> Copy(const pb::FileActionCopy& action, const FileOwner& owner = {}) {
    return CopyAction(SourceTree(src_fd_.get()), dst_fd_.get(), action, owner, {});
  }
  void CopyOk(const pb::FileActionCopy& action, const FileOwner& owner = {}) {
    auto done = Copy(action, owner);
    ASSERT_TRUE(done) << done.error().message();
  }

  TempDir dir_;
  UniqueFd src_fd_;
  UniqueFd dst_fd_;
};

using CopyTest = FileActionsTest;

TEST_F(CopyTest, FileToNewNameMakesParents) {
  Put(src("/a"), "hello", 0640);
  SetTime(src("/a"), 1000);
  CopyOk(Action("a", "/x/y/b"));
  EXPECT_EQ(Text(dst("/x/y/b")), "hello");
  EXPECT_EQ(Stat(dst("/x/y/b")).st_mode, S_IFREG | 0640U);
  EXPECT_EQ(Stat(dst("/x/y/b")).st_mtim.tv_sec, 1000);
  EXPECT_EQ(Stat(dst("/x/y/b")).st_mtim.tv_nsec, 5);
  EXPECT_EQ(Stat(dst("/x/y")).st_mode, S_IFDIR | 0755U);
}

TEST_F(CopyTest, FileToDirectoryKeepsItsName) {
  Put(src("/a"));
  fs::create_directory(dst("/existing"));
  CopyOk(Action("a", "/existing"));
  CopyOk(Action("a", "/made/"));
  EXPECT_THAT(Tree(), ElementsAre("/existing", "/existing/a", "/made", "/made/a"));
}

TEST_F(CopyTest, DirectoryContentsOrItself) {
  Put(src("/d/one"));
  Put(src("/d/sub/two"));
  CopyOk(Action("d", "/out"));
  EXPECT_THAT(Tree(), ElementsAre("/out", "/out/one", "/out/sub", "/out/sub/two"));
  fs::remove_all(dst("/out"));
  fs::create_directory(dst("/out"));
  pb::FileActionCopy itself = Action("d", "/out");
  itself.set_dircopycontents(false);
  CopyOk(itself);
  EXPECT_THAT(Tree(), ElementsAre("/out", "/out/d", "/out/d/one", "/out/d/sub", "/out/d/sub/two"));
}

TEST_F(CopyTest, RootToRoot) {
  Put(src("/one"));
  Put(src("/sub/two"));
  CopyOk(Action("/", "/"));
  EXPECT_THAT(Tree(), ElementsAre("/one", "/sub", "/sub/two"));
}

TEST_F(CopyTest, KeepsWhatFilesAre) {
  Put(src("/d/suid"), "x", 04755);
  ASSERT_EQ(symlink("/nowhere/at/all", src("/d/link").c_str()), 0);
  ASSERT_EQ(mkfifo(src("/d/fifo").c_str(), 0600), 0);
  ASSERT_EQ(mknod(src("/d/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  fs::create_hard_link(src("/d/suid"), src("/d/z-same"));
  ASSERT_EQ(chown(src("/d/link").c_str(), 0, 0), -1);
  ASSERT_EQ(lchown(src("/d/link").c_str(), 5, 6), 0);
  ASSERT_EQ(setxattr(src("/d/suid").c_str(), "user.note", "v", 1, 0), 0);
  chmod(src("/d").c_str(), 01777);
  SetTime(src("/d/link"), 2000);
  SetTime(src("/d"), 3000);
  CopyOk(Action("d", "/out"));
  EXPECT_EQ(Stat(dst("/out/suid")).st_mode, S_IFREG | 04755U);
  EXPECT_EQ(fs::read_symlink(dst("/out/link")), "/nowhere/at/all");
  EXPECT_EQ(Stat(dst("/out/link")).st_uid, 5U);
  EXPECT_EQ(Stat(dst("/out/link")).st_mtim.tv_sec, 2000);
  EXPECT_TRUE(S_ISFIFO(Stat(dst("/out/fifo")).st_mode));
  EXPECT_EQ(Stat(dst("/out/null")).st_rdev, makedev(1, 3));
  EXPECT_EQ(Stat(dst("/out/suid")).st_ino, Stat(dst("/out/z-same")).st_ino);
  char value = 0;
  EXPECT_EQ(getxattr(dst("/out/suid").c_str(), "user.note", &value, 1), 1);
  EXPECT_EQ(value, 'v');
  EXPECT_EQ(Stat(dst("/out")).st_mode, S_IFDIR | 0755U) << "made as the destination, not copied";
  EXPECT_EQ(Stat(dst("/out")).st_mtim.tv_sec, 3000);
}

TEST_F(CopyTest, OwnerModeAndTimeOfEverything) {
  Put(src("/d/f"), "x", 0600);
  pb::FileActionCopy action = Action("d", "/a/b/");
  action.set_mode(0751);
  action.set_timestamp(7'000'000'003);
  CopyOk(action, std::pair<uid_t, gid_t>(10, 20));
  for (const char* path : {"/a", "/a/b", "/a/b/f"}) {
    const struct stat info = Stat(dst(path));
    EXPECT_EQ(info.st_uid, 10U) << path;
    EXPECT_EQ(info.st_gid, 20U) << path;
    EXPECT_EQ(info.st_mode & 07777U, 0751U) << path;
    EXPECT_EQ(info.st_mtim.tv_sec, 7) << path;
    EXPECT_EQ(info.st_mtim.tv_nsec, 3) << path;
  }
}

TEST_F(CopyTest, SymbolicMode) {
  Put(src("/d/f"), "x", 0600);
  Put(src("/d/prog"), "x", 0700);
  pb::FileActionCopy action = Action("d", "/out");
  action.set_modestr("a=rX,u+w");
  CopyOk(action);
  EXPECT_EQ(Stat(dst("/out/f")).st_mode & 07777U, 0644U);
  EXPECT_EQ(Stat(dst("/out/prog")).st_mode & 07777U, 0755U);
  action.set_modestr("nonsense");
  auto bad = Copy(action);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message(), HasSubstr("nonsense"));
}

TEST_F(CopyTest, ExistingTopDirectoryKeepsOwnerAndModeButSubdirectoriesDoNot) {
  Put(src("/d/sub/f"));
  chmod(src("/d").c_str(), 0700);
  chmod(src("/d/sub").c_str(), 0710);
  fs::create_directories(dst("/out/sub"));
  chmod(dst("/out").c_str(), 0777);
  chmod(dst("/out/sub").c_str(), 0777);
  SetTime(src("/d"), 4000);
  CopyOk(Action("d", "/out"));
  EXPECT_EQ(Stat(dst("/out")).st_mode & 07777U, 0777U);
  EXPECT_EQ(Stat(dst("/out")).st_mtim.tv_sec, 4000);
  EXPECT_EQ(Stat(dst("/out/sub")).st_mode & 07777U, 0710U);
}

TEST_F(CopyTest, Wildcards) {
  for (const char* name : {"/a1.txt", "/a2.txt", "/b.txt", "/dir/a3.txt", "/dir/x.log", "/other/a4.txt"}) {
    Put(src(name), name);
  }
  CopyOk(Action("/a*.txt", "/flat/"));
  CopyOk(Action("*/a?.txt", "/deep/"));
  CopyOk(Action("d?r", "/contents/"));
  EXPECT_THAT(Tree(), ElementsAre("/contents", "/contents/a3.txt", "/contents/x.log", "/deep", "/deep/a3.txt",
                                  "/deep/a4.txt", "/flat", "/flat/a1.txt", "/flat/a2.txt"));
}

TEST_F(CopyTest, WildcardWithoutMatch) {
  auto missing = Copy(Action("*.none", "/"));
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().Is(ErrorCode::kNotFound));
  pb::FileActionCopy allowed = Action("*.none", "/");
  allowed.set_allowemptywildcard(true);
  CopyOk(allowed);
  EXPECT_THAT(Tree(), testing::IsEmpty());
}

TEST_F(CopyTest, MissingSourceNamesIt) {
  auto missing = Copy(Action("no/such", "/x"));
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().Is(ErrorCode::kNotFound));
  EXPECT_THAT(missing.error().message(), HasSubstr("no/such"));
}

TEST_F(CopyTest, SourceLinksAreFollowedWithinTheRoot) {
  Put(src("/real/f"), "inside");
  ASSERT_EQ(symlink("/real", src("/abs").c_str()), 0);
  ASSERT_EQ(symlink("../../../../real/f", src("/up").c_str()), 0);
  ASSERT_EQ(symlink("/etc", src("/etc-link").c_str()), 0);
  CopyOk(Action("abs/f", "/1"));
  CopyOk(Action("up", "/2"));
  CopyOk(Action("abs", "/3"));
  EXPECT_EQ(Text(dst("/1")), "inside");
  EXPECT_EQ(Text(dst("/2")), "inside");
  EXPECT_EQ(Text(dst("/3/f")), "inside");
  EXPECT_FALSE(Copy(Action("etc-link/passwd", "/4")));
  pb::FileActionCopy as_link = Action("up", "/5");
  as_link.set_followsymlink(false);
  CopyOk(as_link);
  EXPECT_EQ(fs::read_symlink(dst("/5")), "../../../../real/f");
}

TEST_F(CopyTest, DestinationLinksStayWithinTheRoot) {
  Put(src("/f"), "new");
  Put(dst("/real/old"), "old");
  ASSERT_EQ(symlink("/real", dst("/dir-link").c_str()), 0);
  ASSERT_EQ(symlink("/real/old", dst("/file-link").c_str()), 0);
  ASSERT_EQ(symlink("../../../../../../tmp", dst("/escape").c_str()), 0);
  CopyOk(Action("f", "/dir-link/"));
  CopyOk(Action("f", "/file-link"));
  CopyOk(Action("f", "/escape/g"));
  EXPECT_EQ(Text(dst("/real/f")), "new");
  EXPECT_EQ(Text(dst("/real/old")), "new");
  EXPECT_TRUE(fs::is_symlink(dst("/file-link")));
  EXPECT_EQ(Text(dst("/tmp/g")), "new");
}

TEST_F(CopyTest, FileInTheWayOfADirectoryAndBack) {
  Put(src("/d/name/f"));
  Put(dst("/out/name"), "a file");
  EXPECT_FALSE(Copy(Action("d", "/out")));
  pb::FileActionCopy replace = Action("d", "/out");
  replace.set_alwaysreplaceexistingdestpaths(true);
  CopyOk(replace);
  EXPECT_EQ(Text(dst("/out/name/f")), "x");

  Put(src("/e/name"), "file");
  auto refused = Copy(Action("e", "/out"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("cannot replace to directory"));
  pb::FileActionCopy replace_back = Action("e", "/out");
  replace_back.set_alwaysreplaceexistingdestpaths(true);
  CopyOk(replace_back);
  EXPECT_EQ(Text(dst("/out/name")), "file");
}

TEST_F(CopyTest, LinkInTheWayIsReplacedNotFollowed) {
  Put(src("/d/f"), "new");
  Put(dst("/target"), "untouched");
  fs::create_directory(dst("/out"));
  ASSERT_EQ(symlink("/target", dst("/out/f").c_str()), 0);
  CopyOk(Action("d", "/out"));
  EXPECT_EQ(Text(dst("/out/f")), "new");
  EXPECT_FALSE(fs::is_symlink(dst("/out/f")));
  EXPECT_EQ(Text(dst("/target")), "untouched");
}

TEST_F(CopyTest, IncludeAndExcludePatterns) {
  for (const char* name : {"/d/a.c", "/d/a.h", "/d/deep/b.c", "/d/deep/b.h", "/d/empty/x.txt", "/d/skip/c.c"}) {
    Put(src(name));
  }
  chmod(src("/d/deep").c_str(), 0711);
  pb::FileActionCopy action = Action("d", "/out");
  action.add_include_patterns("**/*.c");
  action.add_exclude_patterns("skip");
  CopyOk(action);
  EXPECT_THAT(Tree(), ElementsAre("/out", "/out/a.c", "/out/deep", "/out/deep/b.c"));
  EXPECT_EQ(Stat(dst("/out/deep")).st_mode & 07777U, 0711U);
}

TEST_F(CopyTest, ExceptionsOfExcludedDirectories) {
  Put(src("/d/skip/keep/f"));
  Put(src("/d/skip/drop"));
  pb::FileActionCopy action = Action("d", "/out");
  action.add_exclude_patterns("skip");
  action.add_exclude_patterns("!skip/keep");
  CopyOk(action);
  EXPECT_THAT(Tree(), ElementsAre("/out", "/out/skip", "/out/skip/keep", "/out/skip/keep/f"));
}

TEST_F(CopyTest, WithoutCreateDestPathTheParentMustExist) {
  Put(src("/f"));
  pb::FileActionCopy action = Action("f", "/no/such/f");
  action.set_createdestpath(false);
  auto result = Copy(action);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().sys_errno(), ENOENT);
  action.set_dest("/f");
  CopyOk(action);
}

TEST_F(CopyTest, ManyAndLargeFiles) {
  for (int i = 0; i < 700; ++i) {
    Put(src(fmt::format("/d/{}/{}", i % 3, i)), std::to_string(i));
  }
  std::string large(3 << 20, 'l');
  large[12345] = 'x';
  Put(src("/d/large"), large);
  Put(src("/d/edge"), std::string(128 * 1024 + 1, 'e'));
  CopyOk(Action("d", "/out"));
  for (int i = 0; i < 700; ++i) {
    ASSERT_EQ(Text(dst(fmt::format("/out/{}/{}", i % 3, i))), std::to_string(i));
  }
  EXPECT_EQ(Text(dst("/out/large")), large);
  EXPECT_EQ(Text(dst("/out/edge")).size(), 128U * 1024 + 1);
}

TEST_F(CopyTest, StopEndsIt) {
  Put(src("/d/f"));
  std::stop_source stop;
  stop.request_stop();
  auto result = CopyAction(SourceTree(src_fd_.get()), dst_fd_.get(), Action("d", "/out"), {}, stop.get_token());
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().Is(ErrorCode::kCanceled));
}

TEST_F(CopyTest, HostTreeShowsOnlyWhatItsFilterLets) {
  Put(src("/keep/a"));
  Put(src("/keep/secret"));
  Put(src("/drop/b"));
  ASSERT_EQ(lchown(src("/keep/a").c_str(), 1234, 1234), 0);
  snapshot::HostTreeFilter filter;
  filter.exclude = {"drop", "**/secret"};
  auto tree = snapshot::HostTree::Open(src(), filter);
  ASSERT_TRUE(tree) << tree.error().message();
  const snapshot::MountedFs mounted(UniqueFd(dup((*tree)->fd())), snapshot::FsRef(*tree));
  const SourceTree source(mounted);
  ASSERT_TRUE(CopyAction(source, dst_fd_.get(), Action("/", "/out"), {}, {}));
  EXPECT_THAT(Tree(), ElementsAre("/out", "/out/keep", "/out/keep/a"));
  EXPECT_EQ(Stat(dst("/out/keep/a")).st_uid, 0U);
  EXPECT_FALSE(CopyAction(source, dst_fd_.get(), Action("drop/b", "/x"), {}, {}));
  EXPECT_FALSE(CopyAction(source, dst_fd_.get(), Action("keep/sec*", "/x"), {}, {}));
  ASSERT_TRUE(CopyAction(source, dst_fd_.get(), Action("keep/*", "/y/"), {}, {}));
  EXPECT_EQ(Text(dst("/y/a")), "x");
}

class UnpackTest : public FileActionsTest {
 protected:
  struct Member {
    std::string name;
    unsigned type;
    std::string data = "";
    mode_t mode = 0644;
    uid_t uid = 0;
  };
  void MakeArchive(const std::string& path, const std::vector<Member>& members, int filter = ARCHIVE_FILTER_NONE) {
    archive* writer = archive_write_new();
    archive_write_add_filter(writer, filter);
    archive_write_set_format_pax_restricted(writer);
    ASSERT_EQ(archive_write_open_filename(writer, path.c_str()), ARCHIVE_OK);
    for (const Member& member : members) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, member.name.c_str());
      archive_entry_set_perm(entry, member.mode);
      archive_entry_set_uid(entry, member.uid);
      archive_entry_set_mtime(entry, 5000, 0);
      if (member.type == 1) {
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_hardlink(entry, member.data.c_str());
      } else {
        archive_entry_set_filetype(entry, member.type);
        if (member.type == AE_IFLNK) {
          archive_entry_set_symlink(entry, member.data.c_str());
        } else if (member.type == AE_IFREG) {
          archive_entry_set_size(entry, static_cast<la_int64_t>(member.data.size()));
        }
      }
      archive_write_header(writer, entry);
      if (member.type == AE_IFREG) {
        archive_write_data(writer, member.data.data(), member.data.size());
      }
      archive_entry_free(entry);
    }
    archive_write_close(writer);
    archive_write_free(writer);
  }
  static pb::FileActionCopy Add(const std::string& from, const std::string& to) {
    pb::FileActionCopy action = Action(from, to);
    action.set_attemptunpackdockercompatibility(true);
    return action;
  }
};

TEST_F(UnpackTest, UnpacksPlainAndCompressed) {
  for (const int filter :
       {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD}) {
    const std::string out = fmt::format("/out-{}", filter);
    MakeArchive(src("/a.tar"),
                {{"dir", AE_IFDIR, "", 0700},
                 {"dir/f", AE_IFREG, "data", 0640, 77},
                 {"implied/g", AE_IFREG, "g"},
                 {"link", AE_IFLNK, "/abs/target"},
                 {"hard", 1, "dir/f"}},
                filter);
    CopyOk(Add("a.tar", out));
    EXPECT_EQ(Text(dst(out + "/dir/f")), "data");
    EXPECT_EQ(Stat(dst(out + "/dir/f")).st_uid, 77U);
    EXPECT_EQ(Stat(dst(out + "/dir/f")).st_mode & 07777U, 0640U);
    EXPECT_EQ(Stat(dst(out + "/dir")).st_mtim.tv_sec, 5000);
    EXPECT_EQ(Stat(dst(out + "/dir")).st_mode & 07777U, 0700U);
    EXPECT_EQ(Text(dst(out + "/implied/g")), "g");
    EXPECT_EQ(fs::read_symlink(dst(out + "/link")), "/abs/target");
    EXPECT_EQ(Stat(dst(out + "/hard")).st_ino, Stat(dst(out + "/dir/f")).st_ino);
  }
}

TEST_F(UnpackTest, OwnerReplacesThatOfTheArchive) {
  MakeArchive(src("/a.tar"), {{"f", AE_IFREG, "data", 0644, 77}});
  CopyOk(Add("a.tar", "/out"), std::pair<uid_t, gid_t>(3, 4));
  EXPECT_EQ(Stat(dst("/out/f")).st_uid, 3U);
  EXPECT_EQ(Stat(dst("/out")).st_gid, 4U);
}

TEST_F(UnpackTest, WhatIsNoArchiveIsCopied) {
  Put(src("/plain.tar"), "this is no archive");
  Put(src("/empty"), "");
  Put(src("/zeros"), std::string(10240, '\0'));
  for (const char* name : {"plain.tar", "empty", "zeros"}) {
    CopyOk(Add(name, "/out/"));
  }
  EXPECT_THAT(Tree(), ElementsAre("/out", "/out/empty", "/out/plain.tar", "/out/zeros"));
}

TEST_F(UnpackTest, NothingLeavesTheDestination) {
  Put(dst("/victim"), "safe");
  MakeArchive(src("/evil.tar"), {{"../../victim", AE_IFREG, "evil"},
                                 {"up", AE_IFLNK, "../.."},
                                 {"up/victim2", AE_IFREG, "evil"},
                                 {"abs", AE_IFLNK, "/"},
                                 {"abs/victim3", AE_IFREG, "evil"}});
  CopyOk(Add("evil.tar", "/a/b"));
  EXPECT_EQ(Text(dst("/victim")), "safe");
  EXPECT_EQ(Text(dst("/a/b/victim")), "evil");
  EXPECT_FALSE(fs::exists(dst("/victim2")));
  EXPECT_FALSE(fs::exists("/victim3"));
  EXPECT_TRUE(fs::exists(dst("/a/b/victim3")));
}

TEST_F(UnpackTest, TruncatedArchiveIsAnError) {
  MakeArchive(src("/a.tar"), {{"f", AE_IFREG, std::string(100000, 'd')}});
  fs::resize_file(src("/a.tar"), 20000);
  EXPECT_FALSE(Copy(Add("a.tar", "/out")));
}

TEST_F(FileActionsTest, MakesDirectories) {
  pb::FileActionMkDir action;
  action.set_path("/a/b");
  action.set_mode(0750);
  action.set_timestamp(-1);
  auto no_parent = MakeDirectoryAction(dst_fd_.get(), action, {});
  ASSERT_FALSE(no_parent);
  EXPECT_TRUE(no_parent.error().Is(ErrorCode::kNotFound));
  action.set_makeparents(true);
  action.set_timestamp(9'000'000'000);
  ASSERT_TRUE(MakeDirectoryAction(dst_fd_.get(), action, std::pair<uid_t, gid_t>(1, 2)));
  for (const char* path : {"/a", "/a/b"}) {
    EXPECT_EQ(Stat(dst(path)).st_mode, S_IFDIR | 0750U);
    EXPECT_EQ(Stat(dst(path)).st_uid, 1U);
  }
  EXPECT_EQ(Stat(dst("/a/b")).st_mtim.tv_sec, 9);
  chmod(dst("/a/b").c_str(), 0700);
  action.set_makeparents(false);
  ASSERT_TRUE(MakeDirectoryAction(dst_fd_.get(), action, {})) << "an existing one is no error";
  EXPECT_EQ(Stat(dst("/a/b")).st_mode & 07777U, 0700U);
}

TEST_F(FileActionsTest, MakesFiles) {
  pb::FileActionMkFile action;
  action.set_path("/f");
  action.set_mode(0660);
  action.set_data(std::string("a\0b", 3));
  action.set_timestamp(-1);
  ASSERT_TRUE(MakeFileAction(dst_fd_.get(), action, std::pair<uid_t, gid_t>(8, 9)));
  EXPECT_EQ(Text(dst("/f")), std::string("a\0b", 3));
  EXPECT_EQ(Stat(dst("/f")).st_mode, S_IFREG | 0660U);
  EXPECT_EQ(Stat(dst("/f")).st_gid, 9U);
  action.set_data("z");
  action.set_mode(0600);
  ASSERT_TRUE(MakeFileAction(dst_fd_.get(), action, {}));
  EXPECT_EQ(Text(dst("/f")), "z");
  EXPECT_EQ(Stat(dst("/f")).st_mode & 07777U, 0660U) << "an existing file keeps its mode";
  ASSERT_EQ(symlink("/elsewhere", dst("/l").c_str()), 0);
  action.set_path("/l");
  ASSERT_TRUE(MakeFileAction(dst_fd_.get(), action, {}));
  EXPECT_EQ(Text(dst("/elsewhere")), "z");
  action.set_path("/no/dir/f");
  EXPECT_FALSE(MakeFileAction(dst_fd_.get(), action, {}));
}

TEST_F(FileActionsTest, MakesSymlinks) {
  pb::FileActionSymlink action;
  action.set_oldpath("../../anything");
  action.set_newpath("/link");
  action.set_timestamp(4'000'000'000);
  ASSERT_TRUE(SymlinkAction(dst_fd_.get(), action, std::pair<uid_t, gid_t>(8, 9)));
  EXPECT_EQ(fs::read_symlink(dst("/link")), "../../anything");
  EXPECT_EQ(Stat(dst("/link")).st_uid, 8U);
  EXPECT_EQ(Stat(dst("/link")).st_mtim.tv_sec, 4);
}

TEST_F(FileActionsTest, Removes) {
  Put(dst("/d/a.o"));
  Put(dst("/d/b.o"));
  Put(dst("/d/c.c"));
  Put(dst("/outside"));
  ASSERT_EQ(symlink("/outside", dst("/d/link.o").c_str()), 0);
  pb::FileActionRm action;
  action.set_path("/d/*.o");
  action.set_allowwildcard(true);
  ASSERT_TRUE(RemoveAction(dst_fd_.get(), action));
  EXPECT_THAT(Tree(), ElementsAre("/d", "/d/c.c", "/outside"));
  action.set_allowwildcard(false);
  action.set_path("/d/gone");
  auto missing = RemoveAction(dst_fd_.get(), action);
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().Is(ErrorCode::kNotFound));
  action.set_allownotfound(true);
  ASSERT_TRUE(RemoveAction(dst_fd_.get(), action));
  action.set_path("/d");
  ASSERT_TRUE(RemoveAction(dst_fd_.get(), action));
  EXPECT_THAT(Tree(), ElementsAre("/outside"));
  action.set_path("/");
  EXPECT_FALSE(RemoveAction(dst_fd_.get(), action));
  action.set_path("/../../..");
  EXPECT_FALSE(RemoveAction(dst_fd_.get(), action));
}

}  // namespace
}  // namespace loam::ops
