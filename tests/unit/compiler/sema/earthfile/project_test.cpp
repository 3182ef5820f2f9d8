#include "compiler/sema/earthfile/project.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/sema/earthfile/call_chain.h"
#include "compiler/sema/earthfile/dotenv.h"
#include "memory_project.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class EarthProjectTest : public testing::Test {
 protected:
  static Reference Ref(std::string_view text) { return *ParseReference(text); }
  const diag::Diagnostic& FailOf(const Checked<const ProjectFile*>& loaded) {
    EXPECT_FALSE(loaded);
    return loaded.error().diagnostics().front();
  }
  MemoryProjectHost host_;
  source::SourceManager sources_;
  Gate gate_;
  Project project_{host_, sources_, {.feature_overrides = "", .home = "/home/me", .gate = &gate_}};
};

TEST_F(EarthProjectTest, LoadsEachFileOnce) {
  host_.files = {{"Earthfile", "VERSION 0.8\na:\n    FROM scratch\n"}, {"sub/build.earth", "VERSION --try 0.7\n"}};
  gate_.Acquire();
  const auto file = project_.Load(Ref("+a"), {});
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ((*file)->path, "Earthfile");
  EXPECT_EQ((*file)->ast.targets.size(), 1U);
  EXPECT_EQ(*project_.Load(Ref("+b"), {}), *file);
  EXPECT_EQ(host_.reads, 1);
  const auto sub = project_.Load(Ref("./sub+x"), {});
  ASSERT_TRUE(sub);
  EXPECT_EQ((*sub)->path, "sub/build.earth");
  EXPECT_TRUE((*sub)->features.Has(Feature::kTryFinally));
  EXPECT_EQ(project_.FindLoaded(Ref("./sub+y")), *sub);
  EXPECT_EQ(project_.FindLoaded(Ref("./other+y")), nullptr);
  EXPECT_EQ(project_.files().size(), 2U);
  gate_.Release();
}

TEST_F(EarthProjectTest, ManyThreadsOneLoad) {
  host_.files = {{"Earthfile", "VERSION 0.8\n"}};
  std::vector<std::thread> threads;
  std::vector<const ProjectFile*> found(8);
  for (std::size_t i = 0; i < found.size(); ++i) {
    threads.emplace_back([&, i] {
      gate_.Acquire();
      found[i] = *project_.Load(Ref("+a"), {});
      gate_.Release();
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_THAT(found, testing::Each(found[0]));
  EXPECT_EQ(host_.reads, 1);
}

TEST_F(EarthProjectTest, Mistakes) {
  host_.files = {{"noversion/Earthfile", "a:\n    FROM scratch\n"},
                 {"broken/Earthfile", "VERSION 0.8\na:\n    IF true\n        RUN x\n"},
                 {"flag/Earthfile", "VERSION --nonsense 0.8\n"},
                 {"empty/README", ""}};
  gate_.Acquire();
  EXPECT_EQ(FailOf(project_.Load(Ref("./none+a"), {})).kind, Kind::kEarthNoEarthfile);
  EXPECT_THAT(FailOf(project_.Load(Ref("./none+a"), {})).hints, ElementsAre(HasSubstr("no directory")));
  EXPECT_THAT(FailOf(project_.Load(Ref("./empty+a"), {})).hints, ElementsAre(HasSubstr("neither")));
  EXPECT_EQ(FailOf(project_.Load(Ref("./noversion+a"), {})).kind, Kind::kEarthNoVersion);
  EXPECT_EQ(FailOf(project_.Load(Ref("./flag+a"), {})).kind, Kind::kEarthUnknownFeature);
  const auto broken = project_.Load(Ref("./broken+a"), {});
  ASSERT_FALSE(broken);
  // It fails again in the same way.
  const auto again = project_.Load(Ref("./broken+a"), {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message(), broken.error().message());
  gate_.Release();
}

TEST_F(EarthProjectTest, NotesTellOfNeedlessFlags) {
  host_.files = {{"Earthfile", "VERSION --pass-args 0.8\n"}};
  gate_.Acquire();
  const auto file = project_.Load(Ref("+a"), {});
  ASSERT_TRUE(file);
  ASSERT_EQ((*file)->notes.size(), 1U);
  EXPECT_EQ((*file)->notes[0].kind, Kind::kEarthFeatureIsDefault);
  gate_.Release();
}

TEST_F(EarthProjectTest, RecipesAndTheirNames) {
  host_.files = {
      {"Earthfile",
       "VERSION 0.8\nFROM scratch\nbuild:\n    RUN x\nOLD:\n    COMMAND\n    RUN x\nGOOD:\n    FUNCTION\n    RUN "
       "y\nARGS:\n    FUNCTION x\n    RUN y\n"}};
  gate_.Acquire();
  const ProjectFile& file = **project_.Load(Ref("+a"), {});
  EXPECT_EQ(project_.TargetRecipe(file, "base", {})->size(), 1U);
  EXPECT_EQ(project_.TargetRecipe(file, "build", {})->size(), 1U);
  const auto unknown = project_.TargetRecipe(file, "biuld", {});
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().diagnostics()[0].hints, ElementsAre(HasSubstr("+build")));
  EXPECT_EQ(project_.FunctionRecipe(file, "GOOD", {})->size(), 1U);
  EXPECT_EQ(project_.FunctionRecipe(file, "OLD", {}).error().diagnostics()[0].kind, Kind::kEarthBadFunction);
  EXPECT_EQ(project_.FunctionRecipe(file, "NONE", {}).error().diagnostics()[0].kind, Kind::kEarthUnknownFunction);
  gate_.Release();
}

TEST_F(EarthProjectTest, ImportsAndRelativeReferences) {
  host_.files = {{"Earthfile", "VERSION 0.8\nIMPORT ./lib\nIMPORT github.com/o/r/x:v1 AS remote\nIMPORT $DYNAMIC\n"}};
  host_.remotes = {{"github.com/o/r:v1",
                    {{"x/Earthfile", "VERSION 0.8\nt:\n    FROM ../y+u\n"}, {"y/Earthfile", "VERSION 0.8\nu:\n"}}}};
  gate_.Acquire();
  const ProjectFile& file = **project_.Load(Ref("+a"), {});
  diag::CollectingConsumer collected;
  diag::Emitter emitter(collected);
  const ImportScopes imports(project_.LiteralImports(file, emitter));
  EXPECT_EQ(imports.global().size(), 2U);
  EXPECT_EQ(project_.Resolve("lib+F", file.project, imports, {})->reference.Canonical(), "./lib+F");
  const auto remote = project_.Resolve("remote+t", file.project, imports, {});
  ASSERT_TRUE(remote);
  const ProjectFile* there = *project_.Load(remote->reference, {});
  EXPECT_EQ(there->path, "github.com/o/r/x:v1/Earthfile");
  EXPECT_TRUE(there->IsRemote());
  const auto inside = project_.Resolve("../y+u", there->project, {}, {});
  EXPECT_EQ(inside->reference.Canonical(), "github.com/o/r/y:v1+u");
  EXPECT_TRUE(project_.Load(inside->reference, {}));
  EXPECT_EQ(project_.Resolve("nope+F", file.project, imports, {}).error().diagnostics()[0].kind,
            Kind::kEarthUnknownImport);
  EXPECT_EQ(project_.Resolve("a+b+c", file.project, imports, {}).error().diagnostics()[0].kind,
            Kind::kEarthBadReference);
  gate_.Release();
}

TEST_F(EarthProjectTest, Wildcards) {
  host_.files = {{"svc/a/Earthfile", "VERSION 0.8\ntest:\n"},
                 {"svc/b/Earthfile", "VERSION 0.8\nother:\n"},
                 {"svc/c/README", ""},
                 {"svc/d/Earthfile", "VERSION 0.8\ntest:\n"}};
  host_.remotes = {{"github.com/o/r:v1", {{"svc/x/Earthfile", "VERSION 0.8\ntest:\n"}}}};
  gate_.Acquire();
  const auto expand = [&](std::string_view text) {
    const auto found = project_.ExpandWildcard(Ref(text), {});
    std::vector<std::string> names;
    if (!found) {
      return std::vector<std::string>{std::string(InfoOf(found.error().diagnostics()[0].kind).name)};
    }
    for (const Reference& reference : *found) {
      names.push_back(reference.Canonical());
    }
    return names;
  };
  EXPECT_THAT(expand("./svc/*+test"), ElementsAre("./svc/a+test", "./svc/d+test"));
  EXPECT_THAT(expand("./*/[ab]+test"), ElementsAre("./svc/a+test"));
  EXPECT_THAT(expand("./svc/*+none"), ElementsAre("EarthNoWildcardMatch"));
  EXPECT_THAT(expand("./**+test"), ElementsAre("EarthBadWildcard"));
  EXPECT_THAT(expand("github.com/o/r/svc/*:v1+test"), ElementsAre("github.com/o/r/svc/x:v1+test"));
  gate_.Release();
}

TEST_F(EarthProjectTest, GitIsAskedOncePerDirectory) {
  host_.files = {{"Earthfile", "VERSION 0.8\n"}};
  host_.git = GitFacts{};
  host_.git->git_path = "github.com/o/r";
  host_.git->branches = {"main"};
  gate_.Acquire();
  const ProjectFile& file = **project_.Load(Ref("+a"), {});
  EXPECT_EQ(host_.git_calls, 0);
  EXPECT_EQ(project_.Canonical(file, "t")->Canonical(), "github.com/o/r:main+t");
  EXPECT_EQ(project_.Canonical(file, "u")->Canonical(), "github.com/o/r:main+u");
  EXPECT_EQ(host_.git_calls, 1);
  gate_.Release();
}

TEST_F(EarthProjectTest, IgnoreFiles) {
  const Place place{"", "."};
  EXPECT_TRUE(ReadIgnorePatterns(host_, place, true, false)->empty());
  host_.files[".dockerignore"] = "docker\n";
  EXPECT_THAT(*ReadIgnorePatterns(host_, place, true, false), ElementsAre("docker"));
  EXPECT_TRUE(ReadIgnorePatterns(host_, place, false, false)->empty());
  host_.files[".earthlyignore"] = "# comment\nearthly\n!keep\n";
  EXPECT_THAT(*ReadIgnorePatterns(host_, place, true, false), ElementsAre("earthly", "!keep"));
  EXPECT_EQ(ReadIgnorePatterns(host_, place, true, true)->size(), 7U);
  host_.files[".earthignore"] = "earth\n";
  EXPECT_THAT(ReadIgnorePatterns(host_, place, false, false).error().message(), HasSubstr("both"));
}

TEST(EarthCallChain, NotesNameTheWay) {
  source::SourceManager sources;
  const source::Buffer& buffer = **sources.AddText("Earthfile", "line\nBUILD +x\n");
  diag::CollectingConsumer collected;
  ChainConsumer consumer(collected, sources);
  consumer.set_chain(Extend(Extend(nullptr, "+all", {}), "function +F", buffer.Range(5, 10)));
  diag::Emitter emitter(consumer);
  Report(emitter, Fail<Kind::kEarthBadWord>(buffer.Range(5, 6), "a", "b"));
  ASSERT_EQ(collected.diagnostics().size(), 1U);
  EXPECT_THAT(collected.diagnostics()[0].notes, ElementsAre("in function +F, referenced at Earthfile:2:1", "in +all"));
  CallChain longer = consumer.chain();
  for (int i = 0; i < 100; ++i) {
    longer = Extend(longer, "+x", {});
  }
  const auto notes = ChainNotes(longer, sources);
  EXPECT_EQ(notes.size(), kMaxChainNotes);
  EXPECT_EQ(notes.back(), "in +all");
}

TEST(EarthDotenv, Values) {
  const auto values = ParseDotenv(
      "# comment\nA=1\nexport B = two words # comment\nC: yaml\nD='single $A \\n'\nE=\"double $A \\n${B}\\$A\\\"\"\n"
      "F=\nG=a#b\nH=\"two\nlines\"\r\nI=$NONE_SUCH_VARIABLE\n---\nJ.k=x");
  ASSERT_TRUE(values) << values.error().message();
  EXPECT_THAT(*values, ElementsAre(Pair("A", "1"), Pair("B", "two words"), Pair("C", "yaml"),
                                   Pair("D", "single $A \\n"), Pair("E", "double 1 \ntwo words$A\""), Pair("F", ""),
                                   Pair("G", "a#b"), Pair("H", "two\nlines"), Pair("I", ""), Pair("J.k", "x")));
  EXPECT_TRUE(ParseDotenv("")->empty());
  EXPECT_THAT(ParseDotenv("A=1\nB-C=2").error().message(), HasSubstr("line 2"));
  EXPECT_THAT(ParseDotenv("A=\"x").error().message(), HasSubstr("not closed"));
  EXPECT_THAT(ParseDotenv("A\n").error().message(), HasSubstr("no `=`"));
}

}  // namespace
}  // namespace loam::sema::earthfile
