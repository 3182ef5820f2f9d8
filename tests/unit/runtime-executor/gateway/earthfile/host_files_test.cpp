#include "runtime-executor/gateway/earthfile/host_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/file_system.h"

namespace loam::gateway::earthfile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HostFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = TempDir::Create().value();
    Write("fs/file", "new\n");
    Write("fs/dist/a", "a\n");
    Write("fs/dist/b", "b\n");
    ASSERT_TRUE(MakeDirs(dir_->Child("host")).has_value());
  }
  void Write(const std::string& path, const std::string& text) {
    const std::string full = dir_->Child(path);
    ASSERT_TRUE(MakeDirs(full.substr(0, full.rfind('/'))).has_value());
    ASSERT_TRUE(WriteFileAtomic(full, text).has_value());
  }
  std::string Host(const std::string& path) { return ReadFile(dir_->Child("host/" + path)).value_or("(not there)"); }
  std::vector<std::string> HostNames(const std::string& path) {
    std::vector<std::string> names = ListDir(dir_->Child("host/" + path)).value_or(std::vector<std::string>());
    std::sort(names.begin(), names.end());
    return names;
  }
  snapshot::MountedFs Fs() { return {OpenFile(dir_->Child("fs"), O_PATH | O_DIRECTORY).value(), snapshot::FsRef()}; }
  Result<std::vector<WrittenFile>> Save(const std::string& source, const std::string& destination,
                                        bool if_exists = false) {
    const snapshot::MountedFs fs = Fs();
    return SaveArtifact(fs, {.source = source,
                             .destination = destination,
                             .directory = dir_->Child("host"),
                             .if_exists = if_exists,
                             .artifact = "+t/" + source,
                             .on_file = {}});
  }
  Result<> Copy(CopyRequest request) {
    request.destination = dir_->Child("host/" + request.destination);
    const snapshot::MountedFs fs = Fs();
    return CopyToHost(fs, request);
  }

  std::optional<TempDir> dir_;
};

TEST_F(HostFilesTest, SavesAFileUnderANameOrIntoADirectory) {
  const auto named = Save("/file", "out/name");
  ASSERT_TRUE(named.has_value()) << named.error().message();
  EXPECT_EQ(named->at(0).destination, "out/name");
  EXPECT_EQ(Host("out/name"), "new\n");
  const auto inside = Save("file", "into/");
  ASSERT_TRUE(inside.has_value());
  EXPECT_EQ(inside->at(0).destination, "into/file");
  EXPECT_EQ(Host("into/file"), "new\n");
  EXPECT_TRUE(Save("file", ".").has_value());
  EXPECT_EQ(Host("file"), "new\n");
}

TEST_F(HostFilesTest, ADirectoryReplacesADirectoryAndAWildcardAddsToIt) {
  Write("host/dist/old", "old\n");
  ASSERT_TRUE(Save("dist/*", "dist/").has_value());
  EXPECT_THAT(HostNames("dist"), ElementsAre("a", "b", "old"));
  ASSERT_TRUE(Save("dist", "dist").has_value());
  EXPECT_THAT(HostNames("dist"), ElementsAre("a", "b"));
}

// It may be mounted, or somebody's working directory.
TEST_F(HostFilesTest, ADirectoryThatIsReplacedStaysTheSame) {
  Write("host/dist/sub/old", "old\n");
  struct stat before {};
  struct stat after {};
  ASSERT_EQ(::stat(dir_->Child("host/dist").c_str(), &before), 0);
  ASSERT_TRUE(Save("dist", "dist").has_value());
  ASSERT_EQ(::stat(dir_->Child("host/dist").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_THAT(HostNames("dist"), ElementsAre("a", "b"));
}

TEST_F(HostFilesTest, EachFileThatWasWrittenIsTold) {
  std::vector<std::string> told;
  const snapshot::MountedFs fs = Fs();
  SaveRequest request{.source = "dist",
                      .destination = "out/",
                      .directory = dir_->Child("host"),
                      .if_exists = false,
                      .artifact = "+t/dist",
                      .on_file = [&](const std::string& path, std::uint64_t bytes) {
                        told.push_back(path + " " + std::to_string(bytes));
                      }};
  ASSERT_TRUE(SaveArtifact(fs, request).has_value());
  request.source = "file";
  request.destination = "name";
  ASSERT_TRUE(SaveArtifact(fs, request).has_value());
  std::sort(told.begin(), told.end());
  EXPECT_THAT(told, ElementsAre("name 4", "out/dist/a 2", "out/dist/b 2"));
}

TEST_F(HostFilesTest, RefusesWhatWouldLoseSomethingElse) {
  Write("host/taken", "a file\n");
  const auto directory = Save("dist", "taken");
  ASSERT_FALSE(directory.has_value());
  EXPECT_THAT(directory.error().message(), HasSubstr("is a file"));
  EXPECT_EQ(Host("taken"), "a file\n");
  ASSERT_TRUE(MakeDirs(dir_->Child("host/folder")).has_value());
  EXPECT_FALSE(Save("file", "folder").has_value());
  EXPECT_FALSE(Save("dist/*", "no-slash").has_value());
}

TEST_F(HostFilesTest, WhatIsNotThereIsAnErrorUnlessItMayBeMissing) {
  const auto missing = Save("nothing", "x");
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message(), HasSubstr("cannot save artifact +t/nothing, since it does not exist"));
  EXPECT_TRUE(Save("nothing", "x", true).has_value());
  EXPECT_TRUE(Save("none*", "x/", true).has_value());
  EXPECT_FALSE(Save("none*", "x/").has_value());
}

TEST_F(HostFilesTest, LinksDoNotLeadOutOfTheFilesystem) {
  Write("secret", "of the host\n");
  ASSERT_EQ(::symlink("../secret", dir_->Child("fs/up").c_str()), 0);
  ASSERT_EQ(::symlink(dir_->Child("secret").c_str(), dir_->Child("fs/away").c_str()), 0);
  EXPECT_FALSE(Save("up", "stolen").has_value());
  EXPECT_FALSE(Save("away", "stolen").has_value());
  EXPECT_FALSE(Save("../secret", "stolen").has_value());
  EXPECT_EQ(Host("stolen"), "(not there)");
}

TEST_F(HostFilesTest, CopyMergesDirectories) {
  Write("host/to/kept", "kept\n");
  ASSERT_TRUE(Copy({.source = "dist", .destination = "to"}).has_value());
  EXPECT_THAT(HostNames("to"), ElementsAre("a", "b", "kept"));
  ASSERT_TRUE(Copy({.source = "dist", .destination = "to", .directory = true}).has_value());
  EXPECT_THAT(HostNames("to"), ElementsAre("a", "b", "dist", "kept"));
  ASSERT_TRUE(Copy({.source = "dist", .destination = "fresh", .directory = true}).has_value());
  EXPECT_THAT(HostNames("fresh"), ElementsAre("a", "b"));
  ASSERT_TRUE(Copy({.source = "dist", .destination = "fresh2", .directory = true, .inside = true}).has_value());
  EXPECT_THAT(HostNames("fresh2"), ElementsAre("dist"));
  EXPECT_FALSE(Copy({.source = "nothing", .destination = "x"}).has_value());
  EXPECT_TRUE(Copy({.source = "nothing", .destination = "x", .if_exists = true}).has_value());
}

}  // namespace
}  // namespace loam::gateway::earthfile
