#include "compiler/sema/earthfile/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/sema/earthfile/imports.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

Reference Parse(std::string_view text) {
  auto parsed = ParseReference(text, "/home/me");
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().message());
  return parsed.value_or(Reference());
}

TEST(EarthReference, Forms) {
  EXPECT_EQ(Parse("+t").local_path, ".");
  EXPECT_TRUE(Parse("+t").IsLocalInternal());
  EXPECT_EQ(Parse("./a/../b+t").local_path, "./b");
  EXPECT_EQ(Parse("../a+t").local_path, "../a");
  EXPECT_EQ(Parse("./+t").local_path, ".");
  EXPECT_EQ(Parse("/a//b+t").local_path, "/a/b");
  EXPECT_EQ(Parse("~/x+t").local_path, "/home/me/x");
  EXPECT_EQ(Parse("github.com/o/r/sub:main+t").git_path, "github.com/o/r/sub");
  EXPECT_EQ(Parse("github.com/o/r/sub:main+t").tag, "main");
  EXPECT_EQ(Parse("github.com/o/r:tags/v1+t").tag, "tags/v1");
  EXPECT_EQ(Parse("lib+FUNC").alias, "lib");
  EXPECT_TRUE(Parse("lib+FUNC").IsUnresolvedImport());
  EXPECT_TRUE(Parse("loam/std/rust+CARGO").IsStandardLibrary());
  EXPECT_FALSE(Parse("loam/std+CARGO").IsStandardLibrary());
}

TEST(EarthReference, Escapes) {
  EXPECT_EQ(Parse("./a\\+b+t").local_path, "./a+b");
  EXPECT_EQ(Parse("./a\\+b+t").ToString(), "./a\\+b+t");
  EXPECT_EQ(Parse("./a\\ b+t").local_path, "./a\\ b");
}

TEST(EarthReference, Names) {
  EXPECT_TRUE(IsTargetName("build.all-2X"));
  EXPECT_FALSE(IsTargetName("build_all"));
  EXPECT_FALSE(IsTargetName("Build"));
  EXPECT_TRUE(IsFunctionName("A.B_2"));
  EXPECT_FALSE(IsFunctionName("A-B"));
  EXPECT_FALSE(ParseTargetReference("+FUNC"));
  EXPECT_FALSE(ParseFunctionReference("+target"));
}

TEST(EarthReference, Mistakes) {
  const auto message = [](std::string_view text) { return ParseReference(text).error().message(); };
  EXPECT_THAT(message("t"), HasSubstr("no `+`"));
  EXPECT_THAT(message("a+b+c"), HasSubstr("more than one `+`"));
  EXPECT_THAT(message("./a+"), HasSubstr("no name"));
  EXPECT_THAT(message("+a_b"), HasSubstr("neither a target nor a function"));
  EXPECT_THAT(message("a\\"), HasSubstr("backslash"));
  EXPECT_THAT(message("~/x+t"), HasSubstr("home"));
  EXPECT_THAT(message(":x+t"), HasSubstr("before the colon"));
}

TEST(EarthReference, Texts) {
  for (const char* text : {"+t", "./a+t", "../b+t", "/a+t", "github.com/o/r:main+t", "lib+FUNC"}) {
    EXPECT_EQ(Parse(text).ToString(), text);
    EXPECT_EQ(Parse(text).Canonical(), text);
  }
  EXPECT_EQ(Parse("+t").ProjectCanonical(), "");
  EXPECT_EQ(Parse("./a+t").ProjectCanonical(), "./a");
  EXPECT_EQ(Parse("github.com/o/r:main+t").ProjectCanonical(), "github.com/o/r:main");
}

TEST(EarthReference, Artifacts) {
  const auto artifact = ParseArtifactReference("./a+t/dist/*.js");
  ASSERT_TRUE(artifact);
  EXPECT_EQ(artifact->target.Canonical(), "./a+t");
  EXPECT_EQ(artifact->path, "/dist/*.js");
  EXPECT_EQ(artifact->Canonical(), "./a+t/dist/*.js");
  EXPECT_EQ(ParseArtifactReference("+t/a\\+b")->path, "/a+b");
  EXPECT_TRUE(IsArtifact("+t/"));
  EXPECT_FALSE(IsArtifact("+t"));
  EXPECT_FALSE(IsArtifact("./src"));
  EXPECT_FALSE(IsArtifact("a+B/c"));
  EXPECT_FALSE(IsArtifact("a\\+b/c"));
  EXPECT_TRUE(LooksLikeReference("+t"));
  EXPECT_FALSE(LooksLikeReference("a\\+b:1"));
}

TEST(EarthReference, Joins) {
  const auto join = [](std::string_view from, std::string_view to) {
    const auto joined = JoinReference(Parse(from), Parse(to));
    return joined ? joined->Canonical() : joined.error().message();
  };
  EXPECT_EQ(join("+x", "+t"), "+t");
  EXPECT_EQ(join("./a+x", "+t"), "./a+t");
  EXPECT_EQ(join("./a+x", "./b+t"), "./a/b+t");
  EXPECT_EQ(join("./a+x", "../b+t"), "./b+t");
  EXPECT_EQ(join("./a+x", "..+t"), "+t");
  EXPECT_EQ(join("./a+x", "../..+t"), "..+t");
  EXPECT_EQ(join("./a+x", "/b+t"), "/b+t");
  EXPECT_EQ(join("/a+x", "./b+t"), "/a/b+t");
  EXPECT_EQ(join("./a+x", "github.com/o/r:v+t"), "github.com/o/r:v+t");
  EXPECT_EQ(join("github.com/o/r:v+x", "+t"), "github.com/o/r:v+t");
  EXPECT_EQ(join("github.com/o/r/s:v+x", "../u+t"), "github.com/o/r/u:v+t");
  EXPECT_EQ(join("github.com/o/r:v+x", "github.com/p/q+t"), "github.com/p/q+t");
  EXPECT_THAT(join("github.com/o/r:v+x", "/a+t"), HasSubstr("absolute path"));
  EXPECT_THAT(join("github.com/o/r:v+x", "../../../etc+t"), HasSubstr("leads out of the repository"));
  EXPECT_THAT(join("+x", "lib+t"), HasSubstr("not looked up"));
}

TEST(EarthReference, Tags) {
  EXPECT_EQ(DockerTagSafe(""), "latest");
  EXPECT_EQ(DockerTagSafe("feature/x+1"), "feature_x_1");
  EXPECT_EQ(DockerTagSafe("-a.b-c"), "_a.b-c");
  EXPECT_EQ(DockerTagSafe(std::string(200, 'a')).size(), 128U);
  EXPECT_TRUE(IsPinnedTag("tags/v1"));
  EXPECT_TRUE(IsPinnedTag(std::string(40, 'f')));
  EXPECT_FALSE(IsPinnedTag("main"));
  EXPECT_EQ(SplitGitPath("github.com/o/r/a/b").directory, "a/b");
  EXPECT_EQ(SplitGitPath("github.com/o/r").directory, "");
  EXPECT_EQ(SplitGitPath("host/x/y/z.git/sub").repository, "host/x/y/z.git");
}

TEST(EarthImports, AliasesAndScopes) {
  ImportScopes scopes;
  ASSERT_TRUE(
      scopes.Add({.reference = "./lib", .alias = "", .global = true, .privileged = true, .home = "", .range = {}}));
  ASSERT_TRUE(
      scopes.Add({.reference = "github.com/o/r/sub:v1", .alias = "lib", .privileged = true, .home = "", .range = {}}));
  // The target's own one wins.
  EXPECT_EQ(scopes.Resolve(Parse("lib+F"), {})->reference.Canonical(), "github.com/o/r/sub:v1+F");
  EXPECT_EQ(scopes.Resolve(Parse("lib+F"), {})->reference.ToString(), "lib+F");
  EXPECT_EQ(scopes.Resolve(Parse("lib+F"), {})->allow_privileged, false);
  EXPECT_EQ(scopes.Resolve(Parse("./x+F"), {})->allow_privileged, std::nullopt);
  EXPECT_EQ(ImportScopes(scopes.global()).Resolve(Parse("lib+F"), {})->allow_privileged, true);
}

TEST(EarthImports, Mistakes) {
  ImportScopes scopes;
  const auto kind = [&](std::string_view reference, std::string_view alias = "") {
    const auto added = scopes.Add({.reference = reference, .alias = alias, .home = "", .range = {}});
    return added ? std::optional<Kind>() : added.error().diagnostics().front().kind;
  };
  EXPECT_EQ(kind("./lib"), std::nullopt);
  EXPECT_EQ(kind("../lib"), Kind::kEarthDuplicateImport);
  EXPECT_EQ(kind("../lib", "other"), std::nullopt);
  EXPECT_EQ(kind(""), Kind::kEarthBadImport);
  EXPECT_EQ(kind("."), Kind::kEarthBadImport);
  EXPECT_EQ(kind(".."), Kind::kEarthBadImport);
  EXPECT_EQ(kind("..", "up"), std::nullopt);
  EXPECT_EQ(kind("plain"), Kind::kEarthBadImport);
  EXPECT_EQ(kind("./x", "a/b"), Kind::kEarthBadImport);
  const auto unknown = scopes.Resolve(Parse("libs+F"), {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().diagnostics()[0].kind, Kind::kEarthUnknownImport);
  EXPECT_THAT(unknown.error().diagnostics()[0].hints, ElementsAre(HasSubstr("`lib`")));
}

}  // namespace
}  // namespace loam::sema::earthfile
