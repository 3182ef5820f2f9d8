#include "compiler/sema/earthfile/variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/sema/earthfile/builtin_args.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

Variables Make(Scope overriding = {}, int minor = 8, Scope builtin = {}) {
  return Variables({.features = Features::OfVersion(0, minor),
                    .overriding = std::move(overriding),
                    .builtin = std::move(builtin),
                    .global_imports = {},
                    .project = ParseTargetReference("+t")->Project(),
                    .name = "+t"});
}

std::string Arg(Variables& variables, std::string_view name, std::string_view value = "",
                Variables::ArgOptions options = {}) {
  auto declared = variables.DeclareArg(name, value, options, {});
  return declared ? *declared : std::string(InfoOf(declared.error().diagnostics().front().kind).name);
}

Kind KindOf(const Checked<>& result) {
  return result.error().diagnostics().front().kind;
}

Variables::Frame FrameOf(Scope overriding, Scope globals = {}) {
  return {.name = "+FUNC",
          .project = {},
          .features = Features::OfVersion(0, 8),
          .overriding = std::move(overriding),
          .globals = std::move(globals),
          .imports = {},
          .args = {},
          .vars = {}};
}

TEST(EarthVariables, OverridingIsInertUntilDeclared) {
  Variables variables = Make({{"A", "outside"}});
  EXPECT_EQ(variables.Find("A"), std::nullopt);
  EXPECT_FALSE(variables.NeedsDefault("A"));
  EXPECT_EQ(Arg(variables, "A", "default"), "outside");
  EXPECT_EQ(variables.Find("A"), "outside");
  EXPECT_EQ(variables.ActiveOverriding(), "--A=outside");
  EXPECT_TRUE(variables.NeedsDefault("B"));
  EXPECT_EQ(Arg(variables, "B", "default"), "default");
  EXPECT_EQ(Arg(variables, "C"), "");
}

TEST(EarthVariables, LookupOrder) {
  Variables variables = Make();
  variables.SetGlobals({{"G", "global"}, {"H", "global"}});
  variables.DeclareEnv("G", "env");
  EXPECT_EQ(variables.Find("G"), "env");
  EXPECT_EQ(Arg(variables, "G", "arg"), "arg");
  EXPECT_EQ(variables.Find("G"), "arg");
  ASSERT_TRUE(variables.DeclareLet("H", "let", {}));
  EXPECT_EQ(variables.Find("H"), "let");
  EXPECT_THAT(variables.Environment(), ElementsAre(Pair("G", "arg"), Pair("H", "let")));
  variables.ResetEnvs({{"PATH", "/bin"}});
  EXPECT_THAT(variables.Environment(), ElementsAre(Pair("G", "arg"), Pair("H", "let"), Pair("PATH", "/bin")));
}

TEST(EarthVariables, Redeclarations) {
  Variables variables = Make();
  EXPECT_EQ(Arg(variables, "A", "1"), "1");
  EXPECT_EQ(Arg(variables, "A", "2"), "EarthRedeclared");
  EXPECT_EQ(Arg(variables, "A", "2", {.global = true}), "EarthGlobalAfterLocal");
  EXPECT_EQ(Arg(variables, "G", "1", {.global = true}), "1");
  // A local arg may hide a global one.
  EXPECT_EQ(Arg(variables, "G", "2"), "2");
  ASSERT_TRUE(variables.DeclareLet("L", "1", {}));
  EXPECT_EQ(Arg(variables, "L", "2"), "EarthArgAfterLet");
  EXPECT_EQ(KindOf(variables.DeclareLet("L", "2", {})), Kind::kEarthRedeclared);
  // LET may shadow an ARG.
  ASSERT_TRUE(variables.DeclareLet("A", "let", {}));
  EXPECT_EQ(variables.Find("A"), "let");
}

TEST(EarthVariables, RequiredAndBuiltin) {
  Variables variables = Make({{"GIVEN", "x"}}, 8, {{"TARGETOS", "linux"}});
  EXPECT_EQ(Arg(variables, "MISSING", "", {.required = true}), "EarthRequiredArg");
  EXPECT_EQ(Arg(variables, "GIVEN", "", {.required = true}), "x");
  EXPECT_EQ(Arg(variables, "TARGETOS"), "linux");
  EXPECT_EQ(Arg(variables, "TARGETARCH", "arm"), "EarthBuiltinDefault");
  EXPECT_EQ(KindOf(variables.DeclareLet("EARTHLY_CI", "x", {})), Kind::kEarthBuiltinLet);
}

TEST(EarthVariables, SetChangesOnlyLets) {
  Variables variables = Make();
  ASSERT_TRUE(variables.DeclareLet("counter", "1", {}));
  ASSERT_TRUE(variables.Assign("counter", "2", {}));
  EXPECT_EQ(variables.Find("counter"), "2");
  Arg(variables, "A", "1");
  EXPECT_EQ(KindOf(variables.Assign("A", "2", {})), Kind::kEarthSetArg);
  const auto unknown = variables.Assign("countr", "2", {});
  EXPECT_EQ(KindOf(unknown), Kind::kEarthSetUnknown);
  EXPECT_THAT(unknown.error().diagnostics()[0].hints,
              ElementsAre(HasSubstr("did you mean `counter`?"), HasSubstr("'LET countr = someValue'")));
}

TEST(EarthVariables, BeforeScopesOfArgs) {
  Variables variables = Make({{"A", "outside"}, {"E", "outside"}}, 7, {{"TARGETOS", "linux"}});
  EXPECT_EQ(Arg(variables, "A", "1"), "outside");
  EXPECT_EQ(Arg(variables, "A", "2"), "outside");
  EXPECT_EQ(Arg(variables, "B", "1"), "1");
  // The first value stays.
  EXPECT_EQ(Arg(variables, "B", "2"), "1");
  variables.DeclareEnv("E", "env");
  EXPECT_EQ(Arg(variables, "E", "1"), "env");
  EXPECT_EQ(Arg(variables, "TARGETOS"), "linux");
  EXPECT_EQ(KindOf(variables.DeclareLet("L", "1", {})), Kind::kEarthFeatureOff);
}

TEST(EarthVariables, LoopVariables) {
  Variables variables = Make();
  for (const char* value : {"a", "b"}) {
    variables.SetLoopVariable("i", value);
    EXPECT_EQ(variables.Find("i"), value);
    variables.RemoveLoopVariable("i");
  }
  EXPECT_EQ(variables.Find("i"), std::nullopt);
}

TEST(EarthVariables, PassingOn) {
  Variables variables = Make({{"O", "over"}, {"K", "over"}});
  variables.SetGlobals({{"G", "global"}, {"K", "global"}});
  Arg(variables, "L", "local");
  Arg(variables, "K", "unused");
  variables.SetBuiltin("TARGETOS", "linux");
  Arg(variables, "TARGETOS");
  const Reference same = *ParseTargetReference("+x");
  const Reference other = *ParseTargetReference("./d+x");
  EXPECT_THAT(variables.OverridingFor({{"P", "1"}}, same, false),
              ElementsAre(Pair("K", "over"), Pair("O", "over"), Pair("P", "1")));
  EXPECT_THAT(variables.OverridingFor({{"P", "1"}}, other, false), ElementsAre(Pair("P", "1")));
  EXPECT_THAT(variables.OverridingFor({{"K", "mine"}}, other, true),
              ElementsAre(Pair("G", "global"), Pair("K", "mine"), Pair("L", "local"), Pair("O", "over")));
}

TEST(EarthVariables, ResolvingPassedArgs) {
  Variables variables = Make();
  Arg(variables, "A", "now");
  const auto scope = variables.ResolveArgs({{"A", std::nullopt, {}}, {"B", "1", {}}, {"B", "2", {}}});
  ASSERT_TRUE(scope);
  EXPECT_THAT(*scope, ElementsAre(Pair("A", "now"), Pair("B", "2")));
  EXPECT_EQ(variables.ResolveArgs({{"Z", std::nullopt, {}}}).error().diagnostics()[0].kind, Kind::kEarthNoArgValue);
  EXPECT_EQ(variables.ResolveArgs({{"TARGETOS", "x", {}}}).error().diagnostics()[0].kind, Kind::kEarthBuiltinValue);
}

TEST(EarthVariables, Frames) {
  Variables variables = Make({{"O", "over"}});
  Arg(variables, "A", "caller");
  ASSERT_TRUE(variables.DeclareLet("L", "caller", {}));
  variables.DeclareEnv("E", "env");
  variables.EnterFrame(FrameOf({{"P", "given"}}, {{"G", "function's"}}));
  EXPECT_TRUE(variables.InFunction());
  EXPECT_EQ(variables.Find("A"), std::nullopt);
  EXPECT_EQ(variables.Find("L"), std::nullopt);
  EXPECT_EQ(variables.Find("E"), "env");
  EXPECT_EQ(variables.Find("G"), "function's");
  EXPECT_EQ(Arg(variables, "A", "mine"), "mine");
  EXPECT_EQ(Arg(variables, "P"), "given");
  EXPECT_EQ(Arg(variables, "O"), "");
  variables.DeclareEnv("E", "changed");
  variables.ExitFrame();
  EXPECT_EQ(variables.Find("A"), "caller");
  EXPECT_EQ(variables.Find("E"), "changed");
  EXPECT_FALSE(variables.InFunction());
}

TEST(EarthVariables, FunctionBaseSeesTheTargetsOverriding) {
  Variables variables = Make({{"O", "over"}, {"P", "over"}});
  EXPECT_THAT(variables.OverridingForFunctionBase({{"P", "given"}}),
              ElementsAre(Pair("O", "over"), Pair("P", "given")));
  Variables old = Make({{"O", "over"}}, 7);
  EXPECT_THAT(old.OverridingForFunctionBase({{"P", "given"}}), ElementsAre(Pair("P", "given")));
}

TEST(EarthVariables, NamesReadAreThoseFromOutside) {
  Variables variables = Make({{"A", "1"}, {"B", "2"}, {"C", "3"}});
  Arg(variables, "A");
  EXPECT_THAT(variables.names_read(), UnorderedElementsAre("A"));
  variables.MarkRead(NameSet{"B", "P"}, Scope{{"P", "given here"}});
  EXPECT_THAT(variables.names_read(), UnorderedElementsAre("A", "B"));
  // In a function a name counts only if its value comes from the outside of the target.
  variables.EnterFrame(FrameOf({{"C", "3"}, {"X", "given"}}));
  Arg(variables, "X");
  Arg(variables, "Y");
  EXPECT_THAT(variables.names_read(), UnorderedElementsAre("A", "B"));
  Arg(variables, "C");
  EXPECT_THAT(variables.names_read(), UnorderedElementsAre("A", "B", "C"));
}

TEST(EarthVariables, CommandLine) {
  const auto env = [](std::string_view name) {
    return name == "HAVE" ? std::optional<std::string>("env") : std::nullopt;
  };
  EXPECT_THAT(*ParseOverriding({"A=1", "HAVE", "A=2=3"}, env), ElementsAre(Pair("A", "2=3"), Pair("HAVE", "env")));
  EXPECT_THAT(ParseOverriding({"NONE"}, env).error().message(), HasSubstr("not set"));
  EXPECT_THAT(ParseOverriding({"EARTHLY_CI=1"}, env).error().message(), HasSubstr("cannot be passed"));
}

TEST(EarthVariables, PassedArgWords) {
  const auto args = PassedArgs({"--a=1", "--b", "2"}, {"c", "d=3"}, {});
  ASSERT_TRUE(args);
  ASSERT_EQ(args->size(), 4U);
  EXPECT_EQ((*args)[2].value, std::nullopt);
  EXPECT_EQ((*args)[3].value, "3");
  EXPECT_EQ(PassedArgs({"-a=1"}, {}, {})->front().value, "1");
  EXPECT_FALSE(PassedArgs({"a=1"}, {}, {}));
  const auto matrix = ExpandMatrix(std::vector<PassedArg>{{"a", "1", {}}, {"a", "2", {}}, {"b", "x", {}}});
  ASSERT_EQ(matrix.size(), 2U);
  EXPECT_EQ(matrix[1][0].value, "2");
}

// --- builtin args
// --------------------------------------------------------------------------------------------------------

GitFacts Facts() {
  GitFacts git;
  git.relative_directory = "sub";
  git.origin_url = "https://me:secret@github.com/org/repo.git";
  git.git_path = "github.com/org/repo";
  git.hash = "0123456789abcdef0123456789abcdef01234567";
  git.short_hash = "01234567";
  git.branches = {"main"};
  git.tags = {"v1"};
  git.commit_timestamp = "1700000000";
  git.author_name = "A B";
  git.author_email = "a@b";
  git.refs = {"main", "v1"};
  return git;
}

TEST(EarthBuiltinArgs, TargetAndGit) {
  const GitFacts git = Facts();
  const Reference target = WithGitFacts(*ParseTargetReference("./sub+t"), &git);
  const Scope scope = BuiltinArgs({.target = target,
                                   .git = &git,
                                   .platforms = nullptr,
                                   .features = Features::OfVersion(0, 8),
                                   .push = true,
                                   .ci = false,
                                   .version = "v9",
                                   .build_sha = "abc"});
  EXPECT_EQ(scope.at("EARTHLY_TARGET"), "github.com/org/repo/sub:v1+t");
  EXPECT_EQ(scope.at("EARTH_TARGET_PROJECT"), "github.com/org/repo/sub:v1");
  EXPECT_EQ(scope.at("EARTHLY_TARGET_PROJECT_NO_TAG"), "github.com/org/repo/sub");
  EXPECT_EQ(scope.at("EARTHLY_TARGET_NAME"), "t");
  EXPECT_EQ(scope.at("EARTHLY_TARGET_TAG_DOCKER"), "v1");
  EXPECT_EQ(scope.at("EARTHLY_GIT_SHORT_HASH"), "01234567");
  EXPECT_EQ(scope.at("EARTHLY_GIT_ORIGIN_URL_SCRUBBED"), "https://me:xxxxx@github.com/org/repo.git");
  EXPECT_EQ(scope.at("EARTHLY_GIT_PROJECT_NAME"), "org/repo");
  EXPECT_EQ(scope.at("EARTHLY_GIT_REFS"), "main v1");
  EXPECT_EQ(scope.at("EARTHLY_GIT_AUTHOR"), "a@b");
  EXPECT_EQ(scope.at("EARTHLY_SOURCE_DATE_EPOCH"), "1700000000");
  EXPECT_EQ(scope.at("EARTHLY_PUSH"), "true");
  EXPECT_EQ(scope.at("EARTHLY_CI"), "false");
  EXPECT_EQ(scope.at("EARTHLY_LOCALLY"), "false");
  EXPECT_EQ(scope.at("EARTHLY_VERSION"), "v9");
  EXPECT_FALSE(scope.contains("EARTHLY_CI_RUNNER"));
  EXPECT_FALSE(scope.contains("EARTHLY_GIT_AUTHOR_NAME"));
  for (const auto& [name, value] : scope) {
    EXPECT_TRUE(IsBuiltinArg(name)) << name;
  }
}

TEST(EarthBuiltinArgs, WithoutGitAndFeatures) {
  const Scope scope = BuiltinArgs({.target = *ParseTargetReference("./sub+t"),
                                   .git = nullptr,
                                   .platforms = nullptr,
                                   .features = Features::OfVersion(0, 6),
                                   .version = "",
                                   .build_sha = ""});
  EXPECT_EQ(scope.at("EARTHLY_TARGET"), "./sub+t");
  EXPECT_EQ(scope.at("EARTHLY_TARGET_PROJECT"), "./sub");
  EXPECT_EQ(scope.at("EARTHLY_TARGET_TAG"), "");
  EXPECT_EQ(scope.at("EARTHLY_TARGET_TAG_DOCKER"), "latest");
  EXPECT_EQ(scope.at("EARTHLY_SOURCE_DATE_EPOCH"), "0");
  EXPECT_FALSE(scope.contains("EARTHLY_PUSH"));
  EXPECT_FALSE(scope.contains("EARTHLY_CI"));
}

TEST(EarthBuiltinArgs, BranchOverride) {
  GitFacts git = Facts();
  git.branches = {"feature/x"};
  git.branch_overridden = true;
  const Scope scope = BuiltinArgs({.target = WithGitFacts(*ParseTargetReference("+t"), &git),
                                   .git = &git,
                                   .platforms = nullptr,
                                   .features = Features::OfVersion(0, 8),
                                   .version = "",
                                   .build_sha = ""});
  EXPECT_EQ(scope.at("EARTHLY_TARGET_TAG"), "feature/x");
  EXPECT_EQ(scope.at("EARTHLY_TARGET_TAG_DOCKER"), "feature_x");
}

TEST(EarthBuiltinArgs, Names) {
  EXPECT_TRUE(IsBuiltinArg("EARTHLY_GIT_HASH"));
  EXPECT_TRUE(IsBuiltinArg("EARTH_GIT_CONTENT_HASH"));
  EXPECT_FALSE(IsBuiltinArg("EARTHLY_GIT_CONTENT_HASH"));
  EXPECT_FALSE(IsBuiltinArg("EARTHLY_"));
  EXPECT_FALSE(IsBuiltinArg("EARTHLY_MINE"));
  EXPECT_TRUE(IsBuiltinArg("TARGETVARIANT"));
  EXPECT_EQ(NewNameOfBuiltin("EARTHLY_CI"), "EARTH_CI");
  EXPECT_EQ(NewNameOfBuiltin("EARTH_CI"), std::nullopt);
  EXPECT_EQ(NewNameOfBuiltin("EARTHLY_MINE"), std::nullopt);
  EXPECT_EQ(BuiltinArgNames().size(), 67U);
}

TEST(EarthBuiltinArgs, Urls) {
  EXPECT_EQ(GitPathOfUrl("git@github.com:org/repo.git"), "github.com/org/repo");
  EXPECT_EQ(GitPathOfUrl("https://u:p@host.x/org/repo"), "host.x/org/repo");
  EXPECT_EQ(ProjectNameOfUrl("git@github.com:org/repo.git"), "org/repo");
  EXPECT_EQ(ProjectNameOfUrl("ssh://git@host:2222/org/repo.git"), "org/repo");
  EXPECT_EQ(ScrubCredentials("https://host/a@b"), "https://host/a@b");
  EXPECT_EQ(ScrubCredentials("git@github.com:org/repo"), "git@github.com:org/repo");
  EXPECT_THAT(CoAuthorsOf("text\nCo-authored-by: A B <a@b>\nCo-authored-by: C <c@d>\nCo-authored-by: A <a@b>\n"
                          "Co-authored-by: <x@y>\n"),
              ElementsAre("a@b", "c@d"));
}

// --- platforms
// -----------------------------------------------------------------------------------------------------------

TEST(EarthPlatforms, Parsing) {
  EXPECT_TRUE(ParseEarthPlatform("", true)->IsDefault());
  EXPECT_EQ(ParseEarthPlatform("native", true)->ToString(), "native");
  EXPECT_EQ(ParseEarthPlatform("user", true)->form(), EarthPlatform::Form::kUser);
  EXPECT_EQ(ParseEarthPlatform("linux/arm64/v8", true)->ToString(), "linux/arm64");
  EXPECT_FALSE(ParseEarthPlatform("linux/", true));
}

TEST(EarthPlatforms, Inheritance) {
  const Platform amd{.os = "linux", .architecture = "amd64", .variant = "", .os_version = "", .os_features = {}};
  const Platform arm{.os = "linux", .architecture = "arm64", .variant = "", .os_version = "", .os_features = {}};
  const PlatformResolver root(amd, arm);
  EXPECT_EQ(root.Current().ToString(), "linux/amd64");
  PlatformResolver child = root.ForTarget(*ParseEarthPlatform("linux/arm/v7", true));
  EXPECT_EQ(child.Current().ToString(), "linux/arm/v7");
  child.SetCurrent(EarthPlatform::User());
  EXPECT_EQ(child.Current().ToString(), "linux/arm64");
  // Referenced targets get the default, not what FROM chose.
  EXPECT_EQ(child.ForTarget(EarthPlatform::Default()).Current().ToString(), "linux/arm/v7");
  EXPECT_EQ(child.OrCurrent(EarthPlatform::Default()).ToString(), "user");
  child.SetCurrent(EarthPlatform::Default());
  EXPECT_EQ(child.Current().ToString(), "linux/arm/v7");
  EXPECT_TRUE(root.IsNative(*ParseEarthPlatform("linux/amd64", true)));
  EXPECT_FALSE(root.IsNative(EarthPlatform::User()));
  EXPECT_EQ(TargetPlatformArgs(child).at("TARGETVARIANT"), "v7");
}

}  // namespace
}  // namespace loam::sema::earthfile
