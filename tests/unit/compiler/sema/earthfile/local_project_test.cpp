#include "compiler/sema/earthfile/local_project.h"

#include <cstdlib>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_system.h"
#include "base/process.h"
#include "compiler/sema/earthfile/project.h"
#include "compiler/sema/earthfile/standard_library.h"

namespace loam::sema::earthfile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class EarthLocalProjectTest : public testing::Test {
 protected:
  void SetUp() override {
    // git's own configuration sends the host of the references to a bare repository on this machine.
    config_ = dir_.Child("gitconfig");
    Write("gitconfig", fmt::format("[user]\n name = A B\n email = a@b\n[init]\n defaultBranch = main\n[url "
                                   "\"file://{}/remote\"]\n insteadOf = https://git.example\n",
                                   dir_.path()));
    setenv("GIT_CONFIG_GLOBAL", config_.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  }
  void Write(const std::string& name, const std::string& text) const {
    const std::string path = dir_.Child(name);
    ASSERT_TRUE(MakeDirs(path.substr(0, path.rfind('/'))));
    ASSERT_TRUE(WriteFileAtomic(path, text));
  }
  std::string Shell(const std::string& script) const {
    const auto ran = RunProcess({.args = {"/bin/sh", "-ec", script}, .env = {}, .cwd = dir_.path(), .fds = {}});
    EXPECT_TRUE(ran && ran->status.ok()) << script << (ran ? ran->err : ran.error().message());
    std::string out = ran ? ran->out : "";
    while (out.ends_with('\n')) {
      out.pop_back();
    }
    return out;
  }
  LocalProjectHost Host(bool offline = false, const std::string& branch = "") const {
    return LocalProjectHost({.directory = dir_.Child("work"),
                             .cache_directory = dir_.Child("cache"),
                             .git_branch = branch,
                             .sites = {},
                             .offline = offline});
  }
  void MakeRemote() {
    Write("seed/sub/Earthfile", "VERSION 0.8\nt:\n    FROM scratch\n");
    Shell(
        "cd seed && git init -q && git add . && git commit -qm one && git tag v1 && git checkout -q -b dev && "
        "echo x > new && git add . && git commit -qm 'two' && git checkout -q main && mkdir -p ../remote/org && "
        "git clone -q --bare . ../remote/org/repo.git");
  }
  TempDir dir_ = *TempDir::Create();
  std::string config_;
};

TEST_F(EarthLocalProjectTest, FilesAndDirectories) {
  Write("work/a/x", "text");
  Write("work/a/y/z", "");
  LocalProjectHost host = Host();
  EXPECT_EQ(*host.ReadFile({"", "./a"}, "x"), "text");
  EXPECT_EQ(host.ReadFile({"", "./a"}, "none").error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(*host.FileExists({"", "a"}, "x"));
  EXPECT_FALSE(*host.FileExists({"", "a"}, "y"));
  EXPECT_FALSE(*host.FileExists({"", "a"}, "none"));
  const auto entries = host.ListDirectory({"", "a"}, "");
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_TRUE((*entries)[1].is_directory);
  EXPECT_EQ(host.ListDirectory({"", "none"}, "").error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(*GlobDirectories(host, {"", "."}, "*/y"), ElementsAre("a/y"));
  EXPECT_THAT(*GlobDirectories(host, {"", "./a/y"}, "../../[a-b]"), ElementsAre("../../a"));
  const std::string one = *host.HashFile({"", "a"}, "x");
  Write("work/a/x", "other");
  EXPECT_NE(*host.HashFile({"", "a"}, "x"), one);
}

TEST_F(EarthLocalProjectTest, PipesAndDevicesAreNotWaitedFor) {
  Shell("mkdir work && mkfifo work/Earthfile && ln -s /dev/zero work/zero");
  for (const char* const name : {"Earthfile", "zero"}) {
    const auto read = Host().ReadFile({"", "."}, name);
    ASSERT_FALSE(read) << name;
    EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(read.error().message(), HasSubstr("no regular file"));
  }
}

TEST_F(EarthLocalProjectTest, NoRepository) {
  Write("work/x", "");
  EXPECT_EQ(*Host().Git({"", "."}), std::nullopt);
}

TEST_F(EarthLocalProjectTest, GitFactsOfADirectory) {
  Write("work/sub/x", "");
  LocalProjectHost fresh = Host();
  Shell("cd work && git init -q");
  // No commit, no origin.
  auto empty = fresh.Git({"", "."});
  ASSERT_TRUE(empty && *empty);
  EXPECT_EQ((*empty)->hash, "");
  EXPECT_EQ((*empty)->git_path, "");
  Shell(
      "cd work && git remote add origin git@github.com:org/repo.git && git add . && "
      "git commit -qm \"title\n\nCo-authored-by: C D <c@d>\" && git tag v1");
  const auto facts = Host().Git({"", "./sub"});
  ASSERT_TRUE(facts && *facts);
  EXPECT_EQ((*facts)->relative_directory, "sub");
  EXPECT_EQ((*facts)->origin_url, "git@github.com:org/repo.git");
  EXPECT_EQ((*facts)->git_path, "github.com/org/repo");
  EXPECT_EQ((*facts)->hash, Shell("cd work && git rev-parse HEAD"));
  EXPECT_EQ((*facts)->short_hash.size(), 8U);
  EXPECT_EQ((*facts)->content_hash, Shell("cd work && git rev-parse 'HEAD^{tree}'"));
  EXPECT_THAT((*facts)->branches, ElementsAre("main"));
  EXPECT_THAT((*facts)->tags, ElementsAre("v1"));
  EXPECT_THAT((*facts)->refs, UnorderedElementsAre("main", "v1"));
  EXPECT_EQ((*facts)->author_name, "A B");
  EXPECT_EQ((*facts)->author_email, "a@b");
  EXPECT_THAT((*facts)->co_authors, ElementsAre("c@d"));
  EXPECT_EQ((*facts)->commit_timestamp, Shell("cd work && git log -1 --format=%ct"));
  EXPECT_EQ(WithGitFacts(*ParseReference("./sub+t"), &**facts).Canonical(), "github.com/org/repo/sub:v1+t");
  const auto overridden = Host(false, "feature").Git({"", "."});
  EXPECT_THAT((*overridden)->branches, ElementsAre("feature"));
  EXPECT_TRUE((*overridden)->branch_overridden);
}

TEST_F(EarthLocalProjectTest, GitIsAskedOnceForARepository) {
  for (const char* const file : {"work/a/x", "work/b/deep/x", "work/inner/c/x", "outside/x"}) {
    Write(file, "");
  }
  Shell(
      "cd work && git init -q && git add . && git commit -qm one && cd inner && git init -q && git add . && "
      "git commit -qm two");
  // A program that counts how often it is called, in front of git.
  Write("bin/git", fmt::format("#!/bin/sh\necho x >>{}/calls\nexec $REAL_GIT \"$@\"\n", dir_.path()));
  const std::string path = std::getenv("PATH");
  const std::string real = Shell("chmod +x bin/git; command -v git");
  setenv("REAL_GIT", real.c_str(), 1);
  setenv("PATH", (dir_.Child("bin") + ":" + path).c_str(), 1);
  LocalProjectHost host = Host();
  const auto relative = [&](const char* directory) {
    const auto facts = host.Git({"", directory});
    return facts && *facts ? (*facts)->relative_directory : std::string("none");
  };
  const auto calls = [&] { return ReadFile(dir_.Child("calls")).value_or("").size(); };
  EXPECT_EQ(relative("../outside"), "none");
  EXPECT_EQ(calls(), 0U);
  EXPECT_EQ(relative("./a"), "a");
  const std::size_t once = calls();
  EXPECT_GT(once, 0U);
  EXPECT_EQ(relative("."), "");
  EXPECT_EQ(relative("./b/deep"), "b/deep");
  EXPECT_EQ(calls(), once);
  // The nearest repository counts.
  EXPECT_EQ(relative("./inner/c"), "c");
  EXPECT_EQ(calls(), 2 * once);
  setenv("PATH", path.c_str(), 1);
  unsetenv("REAL_GIT");
}

TEST_F(EarthLocalProjectTest, FetchesRemotes) {
  MakeRemote();
  LocalProjectHost host = Host();
  const auto head = host.Fetch("git.example/org/repo/sub", "");
  ASSERT_TRUE(head) << head.error().message();
  EXPECT_EQ(head->directory, "sub");
  EXPECT_EQ(head->clone_url, "https://git.example/org/repo.git");
  EXPECT_EQ(head->commit, Shell("cd seed && git rev-parse main"));
  EXPECT_THAT(head->git.branches, ElementsAre("main"));
  EXPECT_THAT(head->git.tags, ElementsAre("v1"));
  EXPECT_EQ(head->git.author_email, "a@b");
  EXPECT_THAT(*host.ReadFile({head->root, head->directory}, "Earthfile"), HasSubstr("VERSION"));
  EXPECT_FALSE(*host.FileExists({head->root, ""}, "new"));
  const auto dev = host.Fetch("git.example/org/repo", "dev");
  ASSERT_TRUE(dev) << dev.error().message();
  EXPECT_THAT(dev->git.branches, ElementsAre("dev"));
  EXPECT_TRUE(*host.FileExists({dev->root, ""}, "new"));
  EXPECT_EQ(host.Fetch("git.example/org/repo", "tags/v1")->commit, head->commit);
  EXPECT_EQ(host.Fetch("git.example/org/repo", dev->commit)->commit, dev->commit);
  EXPECT_EQ(host.Fetch("git.example/org/repo", dev->commit.substr(0, 10))->commit, dev->commit);
  EXPECT_EQ(host.Fetch("git.example/org/repo", "none").error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(host.Fetch("git.example/org/other", ""));
  // A pinned commit that is there needs no network.
  EXPECT_EQ(Host(true).Fetch("git.example/org/repo", dev->commit)->commit, dev->commit);
  EXPECT_EQ(Host(true).Fetch("git.example/org/repo", "dev").error().code(), ErrorCode::kUnavailable);
  // Nothing outside of the tree can be read.
  EXPECT_EQ(host.ReadFile({head->root, "sub"}, "../../../../gitconfig").error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(EarthLocalProjectTest, OneCommitThroughABuild) {
  MakeRemote();
  LocalProjectHost host = Host();
  const std::string first = host.Fetch("git.example/org/repo", "main")->commit;
  Shell("cd seed && echo y > y && git add . && git commit -qm three && git push -q ../remote/org/repo.git main");
  EXPECT_EQ(host.Fetch("git.example/org/repo", "main")->commit, first);
  EXPECT_NE(Host().Fetch("git.example/org/repo", "main")->commit, first);
}

TEST_F(EarthLocalProjectTest, RemoteProjectsLoad) {
  MakeRemote();
  LocalProjectHost host = Host();
  source::SourceManager sources;
  Project project(host, sources, {});
  const auto file = project.Load(*ParseReference("git.example/org/repo/sub:v1+t"), {});
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_NE((*file)->ast.FindTarget("t"), nullptr);
  const auto none = project.Load(*ParseReference("git.example/org/repo/other:v1+t"), {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().diagnostics()[0].kind, diag::Kind::kEarthNoEarthfile);
}

TEST(EarthCloneAddress, Sites) {
  const auto address = [](std::string_view path, std::vector<GitSite> sites) { return *CloneAddressOf(path, sites); };
  EXPECT_EQ(address("github.com/o/r/a/b", {}).urls[0], "https://github.com/o/r.git");
  EXPECT_EQ(address("github.com/o/r/a/b", {}).directory, "a/b");
  GitSite ssh;
  ssh.name = "github.com";
  ssh.auth = "ssh";
  EXPECT_THAT(address("github.com/o/r", {ssh}).urls, ElementsAre("git@github.com:o/r.git"));
  ssh.port = 2222;
  EXPECT_THAT(address("github.com/o/r", {ssh}).urls, ElementsAre("ssh://git@github.com:2222/o/r.git"));
  EXPECT_EQ(address("gitlab.com/o/r", {ssh}).urls[0], "https://gitlab.com/o/r.git");
  GitSite https;
  https.name = "github.com";
  https.auth = "https";
  https.user = "me";
  https.password = "p@ss";
  EXPECT_THAT(address("github.com/o/r", {https}).urls, ElementsAre("https://me:p%40ss@github.com/o/r.git"));
  GitSite substitute;
  substitute.name = "mine";
  substitute.pattern = "mine/([^/]+)";
  substitute.substitute = "file:///srv/$1.git";
  EXPECT_THAT(address("mine/repo/sub", {substitute}).urls, ElementsAre("file:///srv/repo.git"));
  EXPECT_EQ(address("mine/repo/sub", {substitute}).directory, "sub");
  EXPECT_FALSE(CloneAddressOf("a/b", {}));
  GitSite broken;
  broken.pattern = "(";
  EXPECT_FALSE(CloneAddressOf("a/b/c", {broken}));
}

// --- the standard library
// ------------------------------------------------------------------------------------------------

TEST(EarthStandardLibrary, EveryFileIsSound) {
  EXPECT_GE(StandardLibrary().size(), 10U);
  for (const StandardFile& standard : StandardLibrary()) {
    source::SourceManager sources;
    const source::Buffer& buffer = **sources.AddText(std::string(standard.name), std::string(standard.text));
    const auto file = ParseProjectFile(buffer, "");
    ASSERT_TRUE(file) << standard.name << ": " << file.error().message();
    EXPECT_TRUE(file->notes.empty()) << standard.name;
    EXPECT_TRUE(file->ast.targets.empty()) << standard.name;
    EXPECT_FALSE(file->ast.functions.empty()) << standard.name;
    for (const auto& function : file->ast.functions) {
      EXPECT_TRUE(function.docs.starts_with(function.name)) << standard.name << "+" << function.name;
    }
  }
}

TEST(EarthStandardLibrary, IsImportedWithoutAHost) {
  LocalProjectHost host({.directory = "/nonexistent", .cache_directory = "", .git_branch = "", .sites = {}});
  source::SourceManager sources;
  Project project(host, sources, {});
  ImportScopes imports;
  ASSERT_TRUE(imports.Add({.reference = "loam/std/rust", .alias = "", .privileged = true, .home = "", .range = {}}));
  const auto resolved = project.Resolve("rust+CARGO", *ParseReference("+t"), imports, {});
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->allow_privileged, true);
  const auto file = project.Load(resolved->reference, {});
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_TRUE(project.FunctionRecipe(**file, "CARGO", {}));
  EXPECT_EQ(*project.Git(**file), nullptr);
  EXPECT_TRUE(project.Load(*ParseReference("loam/std/rust:v1+X"), {}));
  EXPECT_THAT(project.Load(*ParseReference("loam/std/rust:v99+X"), {}).error().diagnostics()[0].hints,
              ElementsAre(HasSubstr("no version")));
  EXPECT_THAT(project.Load(*ParseReference("loam/std/rusty+X"), {}).error().diagnostics()[0].hints,
              ElementsAre(HasSubstr("loam/std/rust")));
}

TEST(ConfiguredSshCommand, SettingsOfTheSite) {
  GitSite plain;
  plain.name = "plain.example";
  GitSite own;
  own.name = "own.example";
  own.ssh_command = "ssh -i /key";
  GitSite loose = own;
  loose.name = "loose.example";
  loose.strict_host_key_checking = false;
  const std::vector<GitSite> sites = {plain, own, loose};
  EXPECT_EQ(ConfiguredSshCommand("git@plain.example:a/b.git", sites), "");
  EXPECT_EQ(ConfiguredSshCommand("ssh://git@own.example/a/b.git", sites), "ssh -i /key");
  EXPECT_EQ(ConfiguredSshCommand("git@loose.example:a/b.git", sites),
            "ssh -i /key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null");
  EXPECT_EQ(ConfiguredSshCommand("git@other.example:a/b.git", sites), "");
  EXPECT_EQ(ConfiguredSshCommand("/srv/a", sites), "");
  EXPECT_EQ(CloneAddressOf("loose.example/a/b", sites)->ssh_command,
            "ssh -i /key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null");
}

TEST(ConfiguredCloneUrl, SettingsOfTheSite) {
  GitSite mirror;
  mirror.name = "github.com";
  mirror.pattern = R"(github\.com/([^/]+)/([^/]+))";
  mirror.substitute = "file:///srv/mirror/\\1/\\2";
  GitSite ssh;
  ssh.name = "git.example.com";
  ssh.auth = "ssh";
  ssh.user = "me";
  ssh.port = 2222;
  const std::vector<GitSite> sites = {mirror, ssh};
  const auto url = [&](std::string_view text) { return ConfiguredCloneUrl(text, sites).value(); };
  EXPECT_EQ(url("https://github.com/org/repo.git"), "file:///srv/mirror/org/repo.git");
  EXPECT_EQ(url("git@github.com:org/repo"), "file:///srv/mirror/org/repo");
  EXPECT_EQ(url("https://git.example.com/org/repo.git"), "ssh://me@git.example.com:2222/org/repo.git");
  EXPECT_EQ(url("https://other.org/org/repo.git"), "https://other.org/org/repo.git");
  EXPECT_EQ(url("file:///srv/x.git"), "file:///srv/x.git");
  EXPECT_EQ(ConfiguredCloneUrl("https://github.com/a/b.git", {}).value(), "https://github.com/a/b.git");
}

}  // namespace
}  // namespace loam::sema::earthfile
