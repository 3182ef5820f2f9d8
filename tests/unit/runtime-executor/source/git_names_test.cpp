// Names and listings of git sources, without a repository.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/redact_urls.h"
#include "runtime-executor/source/git/git_cli.h"
#include "runtime-executor/source/git/git_identifier.h"
#include "runtime-executor/source/git/git_mirror.h"

namespace loam::source {
namespace {

using testing::HasSubstr;

const std::string kA(40, 'a');
const std::string kB(40, 'b');
const std::string kC(40, 'c');

TEST(RedactUrls, HidesUserAndPassword) {
  EXPECT_EQ(RedactUrls("https://user:pass@host/x.git"), "https://xxxxx:xxxxx@host/x.git");
  EXPECT_EQ(RedactUrls("https://token@host/x"), "https://xxxxx@host/x");
  EXPECT_EQ(RedactUrls("https://:pass@host/x"), "https://:xxxxx@host/x");
  EXPECT_EQ(RedactUrls("https://a:b@c:d@host/"), "https://xxxxx:xxxxx@host/");
  EXPECT_EQ(RedactUrls("fatal: 'https://u:p@h/' and http://v:q@i/y: no"),
            "fatal: 'https://xxxxx:xxxxx@h/' and http://xxxxx:xxxxx@i/y: no");
}

TEST(RedactUrls, LeavesTheRestAlone) {
  for (const char* const text :
       {"git@host:path", "https://host/a@b", "https://host?x=a@b", "no url", "", "://", "a://@"}) {
    EXPECT_EQ(RedactUrls(text), text);
  }
}

TEST(ChooseGitRef, DefaultBranchIsWhatHeadNames) {
  const auto target = ChooseGitRef("ref: refs/heads/trunk\tHEAD\n" + kA + "\tHEAD\n", "");
  ASSERT_TRUE(target) << target.error().message();
  EXPECT_EQ(target->ref, "refs/heads/trunk");
  EXPECT_EQ(target->id, kA);
}

TEST(ChooseGitRef, OldServersTellOnlyTheCommitOfHead) {
  const auto target = ChooseGitRef(kA + "\tHEAD\n" + kB + "\trefs/heads/a\n" + kA + "\trefs/heads/z\n", "");
  ASSERT_TRUE(target) << target.error().message();
  EXPECT_EQ(target->ref, "refs/heads/z");
}

TEST(ChooseGitRef, BranchesComeBeforeTags) {
  const std::string listing = kA + "\trefs/heads/x\n" + kB + "\trefs/tags/x\n" + kC + "\trefs/tags/x^{}\n";
  const auto branch = ChooseGitRef(listing, "x");
  ASSERT_TRUE(branch);
  EXPECT_EQ(branch->ref, "refs/heads/x");
  EXPECT_EQ(branch->commit_id(), kA);
  const auto tag = ChooseGitRef(listing, "refs/tags/x");
  ASSERT_TRUE(tag);
  EXPECT_EQ(tag->id, kB);
  EXPECT_EQ(tag->commit_id(), kC);
}

TEST(ChooseGitRef, TailsOfOtherNamesDoNotMatch) {
  // ls-remote matches by the end of names.
  const auto target = ChooseGitRef(kA + "\trefs/heads/release/x\n", "x");
  ASSERT_FALSE(target);
  EXPECT_TRUE(target.error().Is(ErrorCode::kNotFound));
  const auto pull = ChooseGitRef(kA + "\trefs/pull/7/head\n", "pull/7/head");
  ASSERT_TRUE(pull);
  EXPECT_EQ(pull->ref, "refs/pull/7/head");
}

TEST(ChooseGitRef, RefusesWhatIsNoCommit) {
  EXPECT_TRUE(ChooseGitRef("--upload-pack=x\trefs/heads/x\n", "x").error().Is(ErrorCode::kDataLoss));
  EXPECT_TRUE(ChooseGitRef("", "").error().Is(ErrorCode::kNotFound));
  EXPECT_TRUE(ChooseGitRef("garbage\n\n\t\n", "x").error().Is(ErrorCode::kNotFound));
}

TEST(GitTransport, KnowsUrlsAndScpAddresses) {
  EXPECT_EQ(GitTransport("https://host/x"), "https");
  EXPECT_EQ(GitTransport("SSH://host/x"), "ssh");
  EXPECT_EQ(GitTransport("git@host:a/b.git"), "ssh");
  EXPECT_EQ(GitTransport("host/x"), "");
  EXPECT_EQ(GitTransport("-oProxyCommand@host:x"), "ssh");
  EXPECT_EQ(GitHost("https://u:p@host:8443/x"), "host:8443");
  EXPECT_EQ(GitHost("git@host:a/b.git"), "host");
}

GitTreeRequest Request(std::string remote, std::string ref = "") {
  GitTreeRequest request;
  request.remote = std::move(remote);
  request.ref = std::move(ref);
  return request;
}

TEST(CheckGitRequest, RefusesWhatGitMustNotSee) {
  EXPECT_TRUE(CheckGitRequest(Request("https://host/x", "refs/heads/a-b/c.d_e"), false));
  for (const char* const remote : {"file:///etc", "ext::sh -c x", "/etc", "ssh://-oProxyCommand=x/y", "fd://0",
                                   "https:///x", "https://host/\nx", "ftp://host/x"}) {
    const auto checked = CheckGitRequest(Request(remote), false);
    EXPECT_FALSE(checked) << remote;
    EXPECT_TRUE(!checked && checked.error().Is(ErrorCode::kInvalidArgument)) << remote;
  }
  EXPECT_TRUE(CheckGitRequest(Request("file:///x"), true));
  for (const char* const ref : {"-x", "--upload-pack=x", "a b", "a..b", "a^{}", "a:b", "a~1", "*", "a\nb", "x@{1}"}) {
    EXPECT_FALSE(CheckGitRequest(Request("https://host/x", ref), false)) << ref;
  }
  GitTreeRequest request = Request("https://host/x");
  request.checksum = "xyz";
  EXPECT_FALSE(CheckGitRequest(request, false));
  request.checksum = "abc";
  request.fetch_by_commit = true;
  EXPECT_FALSE(CheckGitRequest(request, false));
}

TEST(ParseGitIdentifier, ReadsReferenceAndAttributes) {
  SourceRequest source;
  source.identifier = "git://host/a.git#v1:sub/../dir";
  source.attributes = {{"git.fullurl", "git@host:a.git"}, {"git.keepgitdir", "true"},
                       {"git.mountsshsock", "default"},   {"git.checksum", kA},
                       {"git.skipsubmodules", "true"},    {"git.mtime", "commit"},
                       {"git.knownsshhosts", "host key"}, {"something.else", "x"}};
  const auto request = ParseGitIdentifier(source, "host/a.git#v1:sub/../dir", false);
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->remote, "git@host:a.git");
  EXPECT_EQ(request->ref, "v1");
  EXPECT_EQ(request->subdir, "dir");
  EXPECT_TRUE(request->keep_git_dir && request->skip_submodules);
  EXPECT_EQ(request->ssh_agent, "default");
  EXPECT_EQ(request->auth_token_secret, "");
  const auto plain = ParseGitIdentifier({"git://host/a.git", {}, {}}, "host/a.git", false);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->remote, "https://host/a.git");
  // A bundle is read for one commit, and lies in a store of blobs.
  const auto bundle = ParseGitIdentifier({"git://h/a", {{"git.bundle", "x"}}, {}}, "h/a", false);
  ASSERT_FALSE(bundle);
  EXPECT_TRUE(bundle.error().Is(ErrorCode::kInvalidArgument)) << bundle.error().message();
}

TEST(ReceivedBytes, ReadsGitsProgress) {
  EXPECT_EQ(ReceivedBytes("Receiving objects:  45% (9/20)"), 0);
  EXPECT_EQ(ReceivedBytes("Receiving objects:  45% (9/20), 2.50 KiB | 1.00 MiB/s"), 2560);
  EXPECT_EQ(ReceivedBytes("Receiving objects: 100% (20/20), 1.00 MiB | 1.00 MiB/s, done."), 1 << 20);
  EXPECT_EQ(ReceivedBytes("Receiving objects: 100% (20/20), 12 bytes | 1.00 MiB/s, done."), 12);
  EXPECT_EQ(ReceivedBytes("Resolving deltas: 100% (3/3), done."), std::nullopt);
  EXPECT_EQ(ReceivedBytes("fatal: x"), std::nullopt);
}

}  // namespace
}  // namespace loam::source
