// go_text, container_path, git_reference, file_mode, signals, mount sizes, dockerignore, image_config, frontend
// options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/go_quote.h"
#include "compiler/sema/dockerfile/container_path.h"
#include "compiler/sema/dockerfile/dockerignore.h"
#include "compiler/sema/dockerfile/file_mode.h"
#include "compiler/sema/dockerfile/git_reference.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/dockerfile/image_config.h"
#include "compiler/sema/dockerfile/mount_options.h"
#include "compiler/sema/dockerfile/options.h"
#include "compiler/sema/dockerfile/signals.h"

namespace loam::sema {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(GoTextTest, CleanPath) {
  EXPECT_EQ(CleanPath(""), ".");
  EXPECT_EQ(CleanPath("/"), "/");
  EXPECT_EQ(CleanPath("a//b/./c/.."), "a/b");
  EXPECT_EQ(CleanPath("/../a"), "/a");
  EXPECT_EQ(CleanPath("../../a/.."), "../..");
  EXPECT_EQ(CleanPath("a/.."), ".");
  EXPECT_EQ(CleanPath("a/../../b"), "../b");
  EXPECT_EQ(CleanPath("/a/b/../.."), "/");
  EXPECT_EQ(JoinPath("/a", "../b"), "/b");
  EXPECT_EQ(JoinPath("/", ""), "/");
  EXPECT_EQ(JoinPath("", ""), "");
  EXPECT_EQ(BasePath("/a/b/"), "b");
  EXPECT_EQ(BasePath("//"), "/");
}

TEST(GoTextTest, Quoting) {
  EXPECT_EQ(GoQuoted("a\"b\\\n\t\x01\x7f\u00e9\u00a0\u200b\xff"),
            "\"a\\\"b\\\\\\n\\t\\x01\\x7f\u00e9\\u00a0\\u200b\\xff\"");
}

TEST(GoTextTest, Durations) {
  EXPECT_EQ(FormatDuration(0), "0s");
  EXPECT_EQ(FormatDuration(1500000000), "1.5s");
  EXPECT_EQ(FormatDuration(30000000000), "30s");
  EXPECT_EQ(FormatDuration(90000000000), "1m30s");
  EXPECT_EQ(FormatDuration(3600000000000), "1h0m0s");
  EXPECT_EQ(FormatDuration(1500000), "1.5ms");
  EXPECT_EQ(FormatDuration(1001), "1.001\u00b5s");
  EXPECT_EQ(FormatDuration(7), "7ns");
}

TEST(GoTextTest, Integers) {
  EXPECT_EQ(ParseInt("-2147483648", 10, 32), -2147483648LL);
  EXPECT_EQ(ParseInt("2147483648", 10, 32), std::nullopt);
  EXPECT_EQ(ParseInt("+5", 10, 32), 5);
  EXPECT_EQ(ParseInt("", 10, 32), std::nullopt);
  EXPECT_EQ(ParseInt("1x", 10, 32), std::nullopt);
  EXPECT_EQ(ParseUint("755", 8, 32), 0755U);
  EXPECT_EQ(ParseUint("8", 8, 32), std::nullopt);
}

TEST(ContainerPathTest, Linux) {
  EXPECT_EQ(NormalizeIn("/w", "a/", "linux", true).value(), "/w/a/");
  EXPECT_EQ(NormalizeIn("/w", "/a//b", "linux", true).value(), "/a//b");
  EXPECT_EQ(NormalizeIn("/w", "./", "linux", true).value(), "/w/");
  EXPECT_EQ(NormalizeIn("/w", "a/.", "linux", true).value(), "/w/a/.");
  EXPECT_EQ(NormalizeWorkdir("/w", "../x", "linux").value(), "/x");
  EXPECT_EQ(NormalizeWorkdir("", "x", "linux").value(), "/x");
}

TEST(ContainerPathTest, Windows) {
  EXPECT_EQ(NormalizeWorkdir("", "C:\\app\\x", "windows").value(), "\\app\\x");
  EXPECT_EQ(NormalizeWorkdir("\\app", "y", "windows").value(), "\\app\\y");
  EXPECT_FALSE(NormalizeWorkdir("", "D:\\x", "windows").has_value());
  EXPECT_FALSE(NormalizeWorkdir("", "C:", "windows").has_value());
  EXPECT_FALSE(NormalizeWorkdir("", "\\\\server\\x", "windows").has_value());
}

TEST(GitReferenceTest, Forms) {
  const auto https = ParseGitReference("https://user@github.com/a/b.git#main:sub/../dir").value().value();
  EXPECT_EQ(https.remote, "https://user@github.com/a/b.git");
  EXPECT_EQ(https.host, "github.com");
  EXPECT_EQ(https.path, "/a/b.git");
  EXPECT_EQ(https.ref, "main");
  EXPECT_EQ(https.subdir, "dir");
  const auto scp = ParseGitReference("git@github.com:a/b.git?tag=v1").value().value();
  EXPECT_EQ(scp.scheme, "ssh");
  EXPECT_EQ(scp.remote, "git@github.com:a/b.git");
  EXPECT_EQ(scp.ref, "refs/tags/v1");
  EXPECT_TRUE(ParseGitReference("github.com/a/b").value().value().like_local_path);
  for (const char* no : {"https://github.com/a/b", "./a.git", "a/b.git", "ftp://x/y.git", "http://x/y.tar.gz", "a:b"}) {
    EXPECT_FALSE(ParseGitReference(no).value().has_value()) << no;
  }
}

TEST(GitReferenceTest, Queries) {
  const auto git =
      ParseGitReference("https://h/r.git?ref=x&subdir=d&checksum=abc&submodules=false&keep-git-dir").value().value();
  EXPECT_EQ(git.ref, "x");
  EXPECT_EQ(git.subdir, "d");
  EXPECT_EQ(git.checksum, "abc");
  EXPECT_EQ(git.submodules, false);
  EXPECT_EQ(git.keep_git_dir, true);
  for (const char* bad :
       {"?ref=a#b", "?tag=a&branch=b", "?x=1", "?ref=a&ref=b", "?ref=", "?submodules=maybe", "?mtime=now"}) {
    EXPECT_FALSE(ParseGitReference(std::string("https://h/r.git") + bad).has_value()) << bad;
  }
}

TEST(GitReferenceTest, Http) {
  EXPECT_TRUE(IsHttpSource("https://h/a.tar"));
  EXPECT_FALSE(IsHttpSource("https://h/a.git"));
  EXPECT_FALSE(IsHttpSource("ftp://h/a"));
  EXPECT_EQ(HttpFileName("https://h/a/b%20c.tar?x=/y"), "b c.tar");
  EXPECT_EQ(HttpFileName("https://h"), "__unnamed__");
  EXPECT_EQ(HttpFileName("https://h/"), "__unnamed__");
}

TEST(FileModeTest, Symbolic) {
  for (const char* good : {"u+x", "a=rX", "go-w,u=rwx", "+t", "u+r-w", "u=g", "=", "ug+s"}) {
    EXPECT_TRUE(IsSymbolicMode(good)) << good;
  }
  for (const char* bad : {"", "u", "x+u", "755", "9", "u+x,", "u+q", "a=rw,b+x"}) {
    EXPECT_FALSE(IsSymbolicMode(bad)) << bad;
  }
}

TEST(SignalTest, Names) {
  for (const char* good : {"9", "SIGTERM", "kill", "sigrtmin+3", "RTMAX-14", "RTMIN", "-1"}) {
    EXPECT_TRUE(IsSignal(good)) << good;
  }
  for (const char* bad : {"0", "", "SIGFOO", "RTMIN+16", "RTMAX-15", "RTMIN+0", "RTMIN+01"}) {
    EXPECT_FALSE(IsSignal(bad)) << bad;
  }
}

TEST(ByteSizeTest, Units) {
  EXPECT_EQ(ParseByteSize("512"), 512);
  EXPECT_EQ(ParseByteSize("10m"), 10LL << 20);
  EXPECT_EQ(ParseByteSize("1.5 GiB"), 3LL << 29);
  EXPECT_EQ(ParseByteSize("2KB"), 2048);
  for (const char* bad : {"", "m", "-1", "1x", "1kbb", "0x10", "1ib"}) {
    EXPECT_EQ(ParseByteSize(bad), std::nullopt) << bad;
  }
}

TEST(DockerignoreTest, Patterns) {
  EXPECT_THAT(ParseIgnoreFile("\xEF\xBB\xBF# no\n/a/../b \n\n!  c/ \n #d\r\n/\n"), ElementsAre("b", "!c", "#d", "/"));
  EXPECT_THAT(ParseIgnoreFile(""), IsEmpty());
}

TEST(ImageConfigTest, KeepsKnownFieldsAndDropsOthers) {
  ir::Graph graph;
  const std::string json =
      R"({"created":"2020-01-01T00:00:00Z","architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},)"
      R"("history":[{"created_by":"a \u003c b","empty_layer":true}],"config":{"Env":["A=1"],"Labels":{"k":"v"},)"
      R"("Healthcheck":{"Test":["NONE"],"Interval":1000},"OnBuild":["RUN x"]}})";
  auto config = ParseImageConfig(json, graph);
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(WriteImageConfig(*config), json);
  auto more =
      ParseImageConfig(R"({"foo":[1,{"a":null}],"architecture":"arm","os":"linux","config":null,"rootfs":{}})", graph);
  ASSERT_TRUE(more.has_value());
  EXPECT_EQ(WriteImageConfig(*more),
            R"({"architecture":"arm","os":"linux","rootfs":{"type":"","diff_ids":null},"config":{}})");
  for (const char* bad : {"", "[]", "{\"os\":1}", "{\"os\":\"a\"", "{\"history\":{}}", "{} x", "{\"a\":}"}) {
    EXPECT_FALSE(ParseImageConfig(bad, graph).has_value()) << bad;
  }
  EXPECT_FALSE(ParseImageConfig("{\"a\":" + std::string(100000, '[') + "}", graph).has_value());
}

TEST(FrontendOptionsTest, ReadsAll) {
  const auto options = ParseFrontendOptions({{"target", "t"},
                                             {"build-arg:A", "1"},
                                             {"label:l", "v"},
                                             {"platform", "linux/amd64,linux/arm64"},
                                             {"add-hosts", "Host=1.2.3.4,six=::1"},
                                             {"ulimit", "nofile=10:20"},
                                             {"memory", "100"},
                                             {"no-cache", "a,b"},
                                             {"context:alpine", "docker-image://x"},
                                             {"force-network-mode", "host"},
                                             {"context", "https://github.com/a/b.git#main"}});
  ASSERT_TRUE(options.has_value()) << options.error().message();
  EXPECT_EQ(options->target, "t");
  EXPECT_EQ(options->build_args.at("A"), "1");
  EXPECT_THAT(options->platforms, ElementsAre("linux/amd64", "linux/arm64"));
  EXPECT_TRUE(options->multi_platform);
  ASSERT_EQ(options->extra_hosts.size(), 2U);
  EXPECT_EQ(options->extra_hosts[0].host, "host");
  EXPECT_EQ(options->extra_hosts[1].ip, "::1");
  EXPECT_EQ(options->ulimits[0].hard, 20);
  EXPECT_EQ(options->resources->memory, 100);
  EXPECT_THAT(*options->no_cache, ElementsAre("a", "b"));
  EXPECT_EQ(options->network, ir::Network::kHost);
  EXPECT_EQ(options->remote_context, "https://github.com/a/b.git#main");
  EXPECT_FALSE(ParseFrontendOptions({})->no_cache.has_value());
  EXPECT_THAT(*ParseFrontendOptions({{"no-cache", ""}})->no_cache, IsEmpty());
}

TEST(FrontendOptionsTest, NamesTheOptionThatIsWrong) {
  for (const auto& [key, value] : std::map<std::string, std::string>{{"platform", "linux/a/b/c"},
                                                                     {"add-hosts", "a"},
                                                                     {"ulimit", "foo=1"},
                                                                     {"memory", "0"},
                                                                     {"memswap", "-2"},
                                                                     {"cpusetcpus", "3-1"},
                                                                     {"shm-size", "1m"},
                                                                     {"image-resolve-mode", "x"},
                                                                     {"multi-platform", "x"},
                                                                     {"force-network-mode", "x"}}) {
    const auto options = ParseFrontendOptions({{key, value}});
    ASSERT_FALSE(options.has_value()) << key;
    EXPECT_THAT(options.error().message(), HasSubstr(key));
  }
}

}  // namespace
}  // namespace loam::sema
