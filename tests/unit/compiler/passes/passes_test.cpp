#include "compiler/passes/pass_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "compiler/ir/verifier.h"
#include "compiler/passes/rewriter.h"
#include "tests/unit/compiler/passes/model_fs.h"

namespace loam::passes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Builds modules the way sema does, one instruction a call.
class ModuleBuilder {
 public:
  ir::Value Image(std::string_view name) {
    return Named(graph().Add<ir::OpKind::kSourceImage>({}, {.identifier = name, .attrs = {}}),
                 fmt::format("FROM {}", name));
  }
  ir::Value Context() { return graph().Add<ir::OpKind::kSourceLocal>({}, {.identifier = "context", .attrs = {}}); }
  ir::Value Run(ir::Value base, std::string_view command) { return RunWith(base, command, {}); }
  ir::Value RunWith(ir::Value base, std::string_view command, std::vector<ir::Value> mounted) {
    const std::vector<std::string_view> args = {command};
    std::vector<ir::Value> operands;
    std::vector<ir::Mount> mounts;
    const auto add = [&](ir::Value value, std::string_view dest, std::int64_t output) {
      std::int64_t input = -1;
      if (!value.is_scratch()) {
        const auto found = std::find(operands.begin(), operands.end(), value);
        input = found - operands.begin();
        if (found == operands.end()) {
          operands.push_back(value);
        }
      }
      mounts.push_back({.input = input, .dest = dest, .output = output, .readonly = output < 0});
    };
    add(base, "/", 0);
    static constexpr std::string_view kPlaces[] = {"/m0", "/m1", "/m2"};
    for (std::size_t i = 0; i < mounted.size(); ++i) {
      add(mounted[i], kPlaces[i], -1);
    }
    ir::ExecAttrs exec;
    exec.args = args;
    exec.cwd = "/";
    exec.mounts = mounts;
    return Named(graph().Add<ir::OpKind::kExec>(operands, exec), fmt::format("RUN {}", command));
  }
  ir::Value File(ir::Value base, ir::FileAction action, ir::Value from, std::string name) {
    std::vector<ir::Value> operands;
    const auto index = [&operands](ir::Value value) -> std::int64_t {
      if (value.is_scratch()) {
        return -1;
      }
      const auto found = std::find(operands.begin(), operands.end(), value);
      const auto place = found - operands.begin();
      if (found == operands.end()) {
        operands.push_back(value);
      }
      return place;
    };
    action.input = index(base);
    action.secondary_input = action.kind == ir::FileActionKind::kCopy ? index(from) : -1;
    action.create_dest_path = action.kind == ir::FileActionKind::kCopy;
    action.output = 0;
    if (action.owner && action.owner->user && !action.owner->user->name.empty()) {
      action.owner->user->input = action.input;
    }
    const std::vector<ir::FileAction> actions = {action};
    return Named(graph().Add<ir::OpKind::kFile>(operands, {.actions = actions}), std::move(name));
  }
  ir::Value Workdir(ir::Value base, std::string_view path, std::string_view user = {}) {
    return File(
        base,
        {.kind = ir::FileActionKind::kMkdir, .path = path, .owner = OwnerOf(user), .mode = 0755, .make_parents = true},
        {}, fmt::format("WORKDIR {}", path));
  }
  ir::Value Copy(ir::Value base, ir::Value from, std::string_view src, std::string_view dest,
                 std::string_view user = {}) {
    return File(base,
                {.kind = ir::FileActionKind::kCopy, .path = dest, .source = src, .owner = OwnerOf(user), .mode = -1},
                from, fmt::format("COPY {} {}", src, dest));
  }
  ir::Value Merge(std::vector<ir::Value> layers, std::string name) {
    return Named(graph().Add<ir::OpKind::kMerge>(layers, {}), std::move(name));
  }
  ir::Value Named(ir::Value value, const std::string& name) {
    const std::vector<ir::KeyValue> description = {{kCustomName, name}};
    ir::Metadata metadata;
    metadata.description = description;
    graph().Annotate(value, metadata);
    return value;
  }
  ModuleBuilder& Result(ir::Value value) {
    module_.results.push_back(
        {.platform_id = "linux/amd64", .fs = value, .image_config = "{}", .base_image_config = {}, .platform = {}});
    return *this;
  }
  ir::Graph& graph() { return module_.graph; }
  ir::Module& module() { return module_; }

 private:
  static std::optional<ir::Owner> OwnerOf(std::string_view user) {
    if (user.empty()) {
      return std::nullopt;
    }
    return ir::Owner{.user = ir::User{.name = user, .input = -1, .id = 0}, .group = std::nullopt};
  }
  ir::Module module_;
};

std::vector<ModelFs> Build(const ir::Module& module) {
  const ModelBuild build(module);
  std::vector<ModelFs> all;
  for (const ir::ModuleResult& result : module.results) {
    all.push_back(build.Fs(result.fs));
  }
  return all;
}

// Runs one pass and proves that the results are the same.
PassReport RunProved(ir::Module& module, std::string_view pass) {
  const std::vector<ModelFs> before = Build(module);
  Result<PassReport> report = RunPass(module, pass);
  EXPECT_TRUE(report) << report.error().message();
  EXPECT_EQ(Build(module), before);
  return *report;
}

std::size_t Needed(const ir::Module& module) {
  return module.graph.PostOrder(Roots(module)).size();
}

const ir::Node& ResultNode(const ir::Module& module) {
  return module.graph.node(module.results[0].fs);
}

TEST(DropUnreachable, DropsStagesThatNothingUses) {
  ModuleBuilder b;
  const ir::Value base = b.Image("alpine");
  b.Run(base, "unused");
  b.Result(b.Run(base, "used"));
  const PassReport report = RunProved(b.module(), "drop-unreachable");
  EXPECT_EQ(report.nodes_before, 3U);
  EXPECT_EQ(report.nodes_after, 2U);
  EXPECT_THAT(report.changes, ElementsAre("dropped RUN unused: no result needs it"));
  EXPECT_THAT(RunProved(b.module(), "drop-unreachable").changes, IsEmpty());
}

TEST(DropUnreachable, KeepsWhatASourceFileLiesIn) {
  ModuleBuilder b;
  const ir::Value context = b.Context();
  b.module().sources.push_back({.filename = "Dockerfile", .language = {}, .data = {}, .state = context});
  b.Result(b.Image("alpine"));
  EXPECT_THAT(RunProved(b.module(), "drop-unreachable").changes, IsEmpty());
}

TEST(DropUnreachable, TheResultsPlatformOutlivesTheOldGraph) {
  ModuleBuilder b;
  b.Run(b.Image("alpine"), "unused");
  b.Result(b.Image("alpine"));
  ir::ModuleResult& result = b.module().results[0];
  result.platform = ir::Platform{.os = b.module().graph.Intern(std::string("linux")), .architecture = "arm64"};
  const char* const old_text = result.platform->os.data();
  const ir::Graph old = [&] {
    ir::Module copy = std::move(b.module());
    b.module() = ir::Module();
    Rewriter rewriter(copy);
    b.module() = rewriter.Run([&rewriter](ir::NodeId id) { return rewriter.Copy(id); });
    return std::move(copy.graph);
  }();
  EXPECT_EQ(b.module().results[0].platform->os, "linux");
  EXPECT_NE(b.module().results[0].platform->os.data(), old_text);
}

TEST(ShareEqual, JoinsSourcesThatBecameEqualAndAllThatFollows) {
  ModuleBuilder b;
  const auto context = [&b] { return b.Named(b.graph().AddOpen(ir::OpKind::kSourceLocal), "load build context"); };
  const ir::Value one = context();
  const ir::Value two = context();
  const ir::Value base = b.Image("alpine");
  const ir::Value first = b.Run(b.Copy(base, one, "/a", "/x"), "make");
  const ir::Value second = b.Run(b.Copy(base, two, "/a", "/x"), "make");
  for (const ir::Value value : {one, two}) {
    b.graph().Close<ir::OpKind::kSourceLocal>(value, {.identifier = "context", .attrs = {}});
  }
  b.Result(b.RunWith(base, "use", {first, second}));
  ASSERT_EQ(Needed(b.module()), 8U);
  const PassReport report = RunProved(b.module(), "share-equal");
  EXPECT_EQ(Needed(b.module()), 5U);
  EXPECT_EQ(report.changes.size(), 3U);
  EXPECT_THAT(report.changes[0], "load build context is the same step as load build context");
  // Both mounts now have the one operand, which LLB lists once.
  EXPECT_EQ(ResultNode(b.module()).operands().size(), 2U);
  EXPECT_TRUE(ir::Verify(b.module()));
  EXPECT_THAT(RunProved(b.module(), "share-equal").changes, IsEmpty());
}

TEST(FlattenMerges, AChainOfLinksIsOneMerge) {
  ModuleBuilder b;
  const ir::Value context = b.Context();
  ir::Value state = b.Image("alpine");
  for (const std::string_view name : {"/1", "/2", "/3"}) {
    state = b.Merge({state, b.Copy({}, context, "/a", name)}, fmt::format("COPY --link {}", name));
  }
  b.Result(state);
  const PassReport report = RunProved(b.module(), "flatten-merges");
  EXPECT_THAT(report.changes, ElementsAre("COPY --link /3 merges 4 layers at once"));
  EXPECT_EQ(ResultNode(b.module()).operands().size(), 4U);
  EXPECT_THAT(RunProved(b.module(), "flatten-merges").changes, IsEmpty());
}

TEST(FlattenMerges, KeepsAMergeThatIsUsedElsewhere) {
  ModuleBuilder b;
  const ir::Value inner = b.Merge({b.Image("a"), b.Image("b")}, "inner");
  b.Result(b.Merge({inner, b.Image("c")}, "outer"));
  b.Result(b.Run(inner, "x"));
  EXPECT_THAT(RunProved(b.module(), "flatten-merges").changes, IsEmpty());
}

TEST(FoldFileOps, AWorkdirAndTheCopyAfterIt) {
  ModuleBuilder b;
  const ir::Value context = b.Context();
  b.Result(b.Copy(b.Workdir(b.Image("alpine"), "/src"), context, "/a", "/src/"));
  const PassReport report = RunProved(b.module(), "fold-file-ops");
  EXPECT_THAT(report.changes, ElementsAre("WORKDIR /src is done by COPY /a /src/"));
  EXPECT_EQ(report.nodes_after + 1, report.nodes_before);
  const ir::Node& node = ResultNode(b.module());
  ASSERT_EQ(node.As<ir::FileAttrs>().actions.size(), 2U);
  EXPECT_EQ(node.As<ir::FileAttrs>().actions[0].output, -1);
  EXPECT_EQ(node.As<ir::FileAttrs>().actions[1].output, 0);
  // Every action can still be named.
  const ir::Metadata metadata = b.graph().MergedMetadata(b.module().results[0].fs.node_id());
  EXPECT_EQ(Described(metadata, kCustomName), "WORKDIR /src + COPY /a /src/");
  EXPECT_EQ(Described(metadata, "loam.action.0"), "WORKDIR /src");
  EXPECT_EQ(Described(metadata, "loam.action.1"), "COPY /a /src/");
}

TEST(FoldFileOps, KeepsTheSourceRangesOfAll) {
  ModuleBuilder b;
  const auto at = [&b](ir::Value value, std::int32_t line) {
    const std::vector<ir::SourceRange> ranges = {{.start_line = line, .end_line = line}};
    const std::vector<ir::SourceLocation> locations = {{.source = 0, .ranges = ranges}};
    ir::Metadata metadata;
    metadata.locations = locations;
    b.graph().Annotate(value, metadata);
    return value;
  };
  b.module().sources.push_back({.filename = "Dockerfile", .language = {}, .data = {}, .state = {}});
  b.Result(at(b.Workdir(at(b.Workdir(b.Image("alpine"), "/a"), 2), "/b"), 3));
  RunProved(b.module(), "fold-file-ops");
  const ir::Metadata metadata = b.graph().MergedMetadata(b.module().results[0].fs.node_id());
  ASSERT_EQ(metadata.locations.size(), 2U);
  EXPECT_EQ(metadata.locations[0].ranges[0].start_line, 2);
  EXPECT_EQ(metadata.locations[1].ranges[0].start_line, 3);
}

TEST(FoldFileOps, NeverJoinsTwoCopiesOfWhatMayChange) {
  ModuleBuilder b;
  const ir::Value context = b.Context();
  b.Result(b.Copy(b.Copy(b.Image("alpine"), context, "/a", "/x"), context, "/context", "/y"));
  EXPECT_THAT(RunProved(b.module(), "fold-file-ops").changes, IsEmpty());
}

TEST(FoldFileOps, JoinsCopiesFromImages) {
  ModuleBuilder b;
  b.Result(b.Copy(b.Copy(b.Image("alpine"), b.Image("tools"), "/a", "/x"), b.Image("more"), "/a", "/y"));
  EXPECT_THAT(RunProved(b.module(), "fold-file-ops").changes, ElementsAre("COPY /a /x is done by COPY /a /y"));
}

TEST(FoldFileOps, LeavesStepsThatOthersUse) {
  ModuleBuilder b;
  const ir::Value workdir = b.Workdir(b.Image("alpine"), "/src");
  b.Result(b.Copy(workdir, b.Context(), "/a", "/src/"));
  b.Result(b.Run(workdir, "x"));
  EXPECT_THAT(RunProved(b.module(), "fold-file-ops").changes, IsEmpty());
}

TEST(FoldFileOps, LeavesCopyLinkAlone) {
  ModuleBuilder b;
  const ir::Value base = b.Workdir(b.Image("alpine"), "/src");
  b.Result(b.Merge({base, b.Copy({}, b.Context(), "/a", "/x")}, "COPY --link"));
  EXPECT_THAT(RunProved(b.module(), "fold-file-ops").changes, IsEmpty());
}

TEST(FoldFileOps, LooksUpUsersWhereTheyAreTheSame) {
  ModuleBuilder b;
  const ir::Value context = b.Context();
  // The lookup moves to the image: making a directory changes no user.
  b.Result(b.Copy(b.Workdir(b.Image("alpine"), "/src", "node"), context, "/a", "/src/", "node"));
  EXPECT_EQ(RunProved(b.module(), "fold-file-ops").changes.size(), 1U);
  const auto& actions = ResultNode(b.module()).As<ir::FileAttrs>().actions;
  EXPECT_EQ(actions[1].owner->user->input, 0);
}

TEST(FoldFileOps, KeepsApartWhatMayHaveChangedTheUsers) {
  for (const std::string_view path : {"/etc/passwd", "/x"}) {  // /x might lie behind a link
    ModuleBuilder b;
    const ir::Value file =
        b.File(b.Image("alpine"), {.kind = ir::FileActionKind::kMkfile, .path = path, .data = "new"}, {}, "mkfile");
    b.Result(b.Workdir(file, "/src", "node"));
    EXPECT_THAT(RunProved(b.module(), "fold-file-ops").changes, IsEmpty()) << path;
  }
  ModuleBuilder b;
  b.Result(b.Workdir(b.Workdir(b.Image("alpine"), "/etc/passwd"), "/src", "node"));
  EXPECT_THAT(RunProved(b.module(), "fold-file-ops").changes, IsEmpty());
}

TEST(FoldFileOps, KeepsApartWhatIsCachedDifferently) {
  ModuleBuilder b;
  const ir::Value first = b.Workdir(b.Image("alpine"), "/a");
  const ir::Value second = b.Workdir(first, "/b");
  ir::Metadata no_cache;
  no_cache.ignore_cache = true;
  b.graph().Annotate(second, no_cache);
  b.Result(second);
  EXPECT_THAT(RunProved(b.module(), "fold-file-ops").changes, IsEmpty());
}

TEST(FoldFileOps, ChainsOfAnyLength) {
  ModuleBuilder b;
  ir::Value state = b.Image("alpine");
  std::vector<std::string> paths;
  for (int i = 0; i < 50; ++i) {
    paths.push_back(fmt::format("/d{}", i));
  }
  for (const std::string& path : paths) {
    state = b.Workdir(state, path);
  }
  b.Result(state);
  EXPECT_EQ(RunProved(b.module(), "fold-file-ops").changes.size(), 49U);
  EXPECT_EQ(Needed(b.module()), 2U);
}

// A context as sema leaves it; no paths: all of it.
ir::Value ContextWith(ModuleBuilder& b, const std::string& follow_paths) {
  std::vector<ir::KeyValue> attrs = {{"local.excludepatterns", R"(["*.log"])"}};
  if (!follow_paths.empty()) {
    attrs.push_back({"local.followpaths", follow_paths});
  }
  attrs.push_back({"local.session", "s"});
  attrs.push_back({"local.sharedkeyhint", "context"});
  return b.Named(b.graph().Add<ir::OpKind::kSourceLocal>({}, {.identifier = "context", .attrs = attrs}),
                 "[internal] load build context");
}

// The paths of the local sources that the results need: "*" for all.
std::vector<std::string> ContextsOf(const ir::Module& module) {
  std::vector<std::string> all;
  for (const ir::NodeId id : module.graph.PostOrder(Roots(module))) {
    if (module.graph.node(id).kind() == ir::OpKind::kSourceLocal) {
      std::string paths = "*";
      for (const ir::KeyValue& attr : module.graph.node(id).As<ir::SourceAttrs>().attrs) {
        paths = attr.key == "local.followpaths" ? std::string(attr.value) : paths;
      }
      all.push_back(paths);
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

TEST(NarrowContexts, GivesEachCopyItsOwn) {
  ModuleBuilder b;
  const ir::Value context = ContextWith(b, "");
  b.Result(b.Copy(b.Copy(b.Image("alpine"), context, "/a", "/x"), context, "/", "/y"));
  const PassReport report = RunProved(b.module(), "narrow-contexts");
  EXPECT_THAT(report.changes, ElementsAre("COPY /a /x reads a of [internal] load build context"));
  EXPECT_THAT(ContextsOf(b.module()), ElementsAre("*", R"(["a"])"));
  EXPECT_THAT(RunProved(b.module(), "narrow-contexts").changes, IsEmpty());
}

TEST(NarrowContexts, KeepsExcludesAndGivesEachSetItsOwnKey) {
  ModuleBuilder b;
  const ir::Value context = ContextWith(b, R"(["a","b"])");
  b.Result(b.Copy(b.Copy(b.Image("alpine"), context, "/a", "/x"), context, "/b", "/y"));
  RunProved(b.module(), "narrow-contexts");
  std::vector<std::string> hints;
  for (const ir::NodeId id : b.graph().PostOrder(Roots(b.module()))) {
    if (b.graph().node(id).kind() != ir::OpKind::kSourceLocal) {
      continue;
    }
    const auto& attrs = b.graph().node(id).As<ir::SourceAttrs>().attrs;
    ASSERT_EQ(attrs.size(), 4U);
    EXPECT_EQ(attrs[0].value, R"(["*.log"])");
    EXPECT_EQ(attrs[1].key, "local.followpaths");
    EXPECT_EQ(attrs[2].key, "local.session");
    hints.emplace_back(attrs[3].value);
  }
  ASSERT_EQ(hints.size(), 2U);
  EXPECT_THAT(hints[0], ::testing::StartsWith("context#"));
  EXPECT_NE(hints[0], hints[1]);
}

TEST(NarrowContexts, EqualSetsShareOne) {
  ModuleBuilder b;
  const ir::Value context = ContextWith(b, "");
  const ir::Value one = b.Copy(b.Image("alpine"), context, "/a", "/x");
  const ir::Value two = b.Copy(b.Image("debian"), context, "/a", "/y");
  b.Result(b.RunWith(b.Copy(one, context, "/", "/all"), "use", {two}));
  RunProved(b.module(), "narrow-contexts");
  EXPECT_THAT(ContextsOf(b.module()), ElementsAre("*", R"(["a"])"));
}

TEST(NarrowContexts, PathsThatAreCertain) {
  const auto narrowed = [](std::string_view source, const std::string& shown = "") {
    ModuleBuilder b;
    const ir::Value context = ContextWith(b, shown);
    b.Result(b.Copy(b.Copy(b.Image("alpine"), context, source, "/x"), context, "/other", "/y"));
    EXPECT_TRUE(RunPass(b.module(), "narrow-contexts"));
    const auto contexts = ContextsOf(b.module());
    return contexts.size() == 2 ? contexts[contexts[0] == R"(["other"])" ? 1 : 0] : contexts[0];
  };
  EXPECT_EQ(narrowed("/src/main.c"), R"(["src/main.c"])");
  EXPECT_EQ(narrowed("/package*.json"), R"(["package*.json"])");
  EXPECT_EQ(narrowed("/src/*.c"), R"(["src"])");  // an empty directory is not as a missing one
  EXPECT_EQ(narrowed("/src/*/a?.c"), R"(["src"])");
  for (const std::string_view source : {"/", "/*", "/*/pom.xml", "/a[bc]", "/a\\*", "/!x", "/a b", "/a,b", "/c++"}) {
    EXPECT_EQ(narrowed(source), "*") << source;
  }
  const std::string shown = R"(["lib","other","src/*.c","z*"])";
  EXPECT_EQ(narrowed("/lib", shown), R"(["lib"])");
  EXPECT_EQ(narrowed("/z*", shown), R"(["z*"])");
  EXPECT_EQ(narrowed("/src/*.c", shown), shown);   // whether src shows depends on the other paths
  EXPECT_EQ(narrowed("/lib/more", shown), shown);  // not one of the paths
}

TEST(NarrowContexts, IncludePatternsByTheirDirectory) {
  const auto narrowed = [](std::string_view source, std::string_view pattern) {
    ModuleBuilder b;
    const ir::Value context = ContextWith(b, "");
    const std::vector<std::string_view> patterns = {pattern};
    const ir::FileAction action = {
        .kind = ir::FileActionKind::kCopy, .path = "/x", .source = source, .mode = -1, .include_patterns = patterns};
    b.Result(b.File(b.Image("alpine"), action, context, "COPY --parents"));
    EXPECT_TRUE(RunPass(b.module(), "narrow-contexts"));
    return ContextsOf(b.module()).at(0);
  };
  EXPECT_EQ(narrowed("/", "a/b.txt"), R"(["a/b.txt"])");
  EXPECT_EQ(narrowed("/", "a/**/b.txt"), R"(["a"])");
  EXPECT_EQ(narrowed("/a", "*.txt"), R"(["a"])");
  EXPECT_EQ(narrowed("/a", "b/c*"), R"(["a/b"])");
  EXPECT_EQ(narrowed("/", "**/b.txt"), "*");
  EXPECT_EQ(narrowed("/", "!a/b"), "*");
}

TEST(NarrowContexts, ABaseOrAWritableMountNeedsAll) {
  ModuleBuilder b;
  const ir::Value context = ContextWith(b, "");
  b.Result(b.Copy(context, context, "/a", "/x"));
  EXPECT_THAT(RunProved(b.module(), "narrow-contexts").changes, IsEmpty());
  ModuleBuilder c;
  c.Result(c.RunWith(c.Image("alpine"), "make", {ContextWith(c, "")}));  // no selector: all of it is mounted
  EXPECT_THAT(RunProved(c.module(), "narrow-contexts").changes, IsEmpty());
  ModuleBuilder d;
  d.Result(ContextWith(d, ""));
  EXPECT_THAT(RunProved(d.module(), "narrow-contexts").changes, IsEmpty());
}

TEST(NarrowContexts, AMountedPath) {
  ModuleBuilder b;
  const ir::Value operands[] = {b.Image("alpine"), ContextWith(b, "")};
  const std::vector<ir::Mount> mounts = {{.input = 0, .dest = "/", .output = 0},
                                         {.input = 1, .selector = "/a", .dest = "/m", .output = -1, .readonly = true}};
  const std::vector<std::string_view> args = {"make"};
  ir::ExecAttrs exec;
  exec.args = args;
  exec.cwd = "/";
  exec.mounts = mounts;
  b.Result(b.graph().Add<ir::OpKind::kExec>(operands, exec));
  ASSERT_TRUE(RunPass(b.module(), "narrow-contexts"));
  EXPECT_THAT(ContextsOf(b.module()), ElementsAre(R"(["a"])"));
}

TEST(NarrowContexts, ManyCopiesShareTheLastOfAFew) {
  ModuleBuilder b;
  const ir::Value context = ContextWith(b, "");
  std::vector<std::string> names;
  for (int i = 0; i < 30; ++i) {
    names.push_back(fmt::format("/f{:02}", i));
  }
  ir::Value state = b.Image("alpine");
  for (const std::string& name : names) {
    state = b.Copy(state, context, name, "/x");
  }
  b.Result(state);
  EXPECT_EQ(RunProved(b.module(), "narrow-contexts").changes.size(), 30U);
  const auto contexts = ContextsOf(b.module());
  ASSERT_EQ(contexts.size(), 4U);
  EXPECT_EQ(contexts[0], R"(["f00"])");
  EXPECT_THAT(contexts[3], ::testing::StartsWith(R"(["f03","f04",)"));
  EXPECT_THAT(contexts[3], ::testing::EndsWith(R"("f29"])"));
  EXPECT_THAT(RunProved(b.module(), "narrow-contexts").changes, IsEmpty());
}

TEST(CopiesToMerges, CopiesOntoNothing) {
  ModuleBuilder b;
  const ir::Value one = b.Run(b.Image("alpine"), "one");
  const ir::Value two = b.Run(b.Image("alpine"), "two");
  const ir::Value context = b.Context();
  b.Result(b.Copy(b.Copy(b.Copy({}, one, "/a", "/app/x"), two, "/a", "/app/y"), context, "/a", "/etc/z"));
  const PassReport report = RunProved(b.module(), "copies-to-merges");
  EXPECT_THAT(report.changes, ElementsAre("3 copies, the last of them COPY /a /etc/z, are made side by side"));
  const ir::Node& merge = ResultNode(b.module());
  ASSERT_EQ(merge.kind(), ir::OpKind::kMerge);
  ASSERT_EQ(merge.operands().size(), 3U);
  for (const ir::Value& layer : merge.operands()) {
    EXPECT_EQ(b.graph().node(layer).operands().size(), 1U);
    EXPECT_EQ(b.graph().node(layer).As<ir::FileAttrs>().actions[0].input, -1);
  }
  EXPECT_THAT(RunProved(b.module(), "copies-to-merges").changes, IsEmpty());
}

TEST(CopiesToMerges, NeverOntoAnImage) {
  ModuleBuilder b;
  const ir::Value context = b.Context();
  b.Result(b.Copy(b.Copy(b.Image("alpine"), context, "/a", "/x"), b.Run(b.Image("alpine"), "r"), "/a", "/y"));
  EXPECT_THAT(RunProved(b.module(), "copies-to-merges").changes, IsEmpty());
}

TEST(CopiesToMerges, StopsAtWhatTouchesTheOthers) {
  const auto count = [](const std::vector<ir::FileAction>& actions) -> std::size_t {
    ModuleBuilder b;
    const ir::Value context = b.Context();
    ir::Value state;
    for (const ir::FileAction& action : actions) {
      state = b.File(state, action, context, "COPY");
    }
    b.Result(state);
    RunProved(b.module(), "copies-to-merges");
    const ir::Node& node = ResultNode(b.module());
    return node.kind() == ir::OpKind::kMerge ? node.operands().size() : 0;
  };
  const auto to = [](std::string_view path) {
    return ir::FileAction{.kind = ir::FileActionKind::kCopy, .path = path, .source = "/a", .mode = -1};
  };
  EXPECT_EQ(count({to("/x"), to("/y")}), 2U);
  EXPECT_EQ(count({to("/d/x/"), to("/d/y")}), 2U);
  EXPECT_EQ(count({to("/x"), to("/x")}), 0U);
  EXPECT_EQ(count({to("/x"), to("/X/y")}), 0U);  // one of them on some filesystems
  EXPECT_EQ(count({to("/x/y"), to("/x")}), 0U);  // /x exists for the second one
  EXPECT_EQ(count({to("/x/"), to("/x/y/z")}), 0U);
  EXPECT_EQ(count({to("/"), to("/y")}), 0U);
  EXPECT_EQ(count({to("/y"), to("/.")}), 0U);
  EXPECT_EQ(count({to("/x"), to("/y/../x")}), 0U);
  // The directories that both make must not differ.
  ir::FileAction owned = to("/d/y");
  owned.owner = ir::Owner{.user = ir::User{.name = {}, .input = -1, .id = 1000}, .group = std::nullopt};
  EXPECT_EQ(count({to("/d/x"), owned}), 0U);
  owned.path = "/e/y";
  EXPECT_EQ(count({to("/d/x"), owned}), 2U);
  ir::FileAction mode = to("/d/y");
  mode.mode = 0600;
  EXPECT_EQ(count({to("/d/x"), mode}), 0U);
  mode.mode = 0755;
  EXPECT_EQ(count({to("/d/x"), mode}), 2U);
  ir::FileAction timed = to("/d/y");
  timed.timestamp = 5;
  ir::FileAction timed_too = to("/d/x");
  timed_too.timestamp = 5;
  EXPECT_EQ(count({timed_too, timed}), 0U);
  // Users live in what was copied before, and an archive may lead anywhere.
  ir::FileAction named = to("/y");
  named.owner = ir::Owner{.user = ir::User{.name = "node", .input = 0, .id = 0}, .group = std::nullopt};
  EXPECT_EQ(count({to("/x"), named}), 0U);
  ir::FileAction unpack = to("/y");
  unpack.attempt_unpack = true;
  EXPECT_EQ(count({to("/x"), unpack}), 0U);
}

TEST(CopiesToMerges, KeepsAStateThatOthersUse) {
  ModuleBuilder b;
  const ir::Value context = b.Context();
  const ir::Value first = b.Copy({}, context, "/a", "/x");
  b.Result(b.Copy(first, context, "/context", "/y"));
  b.Result(first);
  EXPECT_THAT(RunProved(b.module(), "copies-to-merges").changes, IsEmpty());
}

// An op in the time of its size: 6,000 of each kind through all passes, and twice as many in little more than twice
// the time.
TEST(PassManager, LargeGraphsTakeLinearTime) {
  const auto seconds = [](int kind, int count) {
    ModuleBuilder b;
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) {
      names.push_back(fmt::format("/f{}", i));
    }
    const ir::Value context = ContextWith(b, "");
    const ir::Value image = b.Image("alpine");
    ir::Value state = kind == 2 ? ir::Value() : image;
    for (const std::string& name : names) {
      switch (kind) {
        case 0:
          state = b.Workdir(state, name);
          break;
        case 1:
        case 2:
          state = b.Copy(state, context, name, name);
          break;
        case 3:
          state = b.Copy(state, image, name, name);
          break;
        case 4:
          state = b.Merge({state, b.Copy({}, context, name, name)}, name);
          break;
        default:
          state = b.RunWith(b.Copy(image, context, name, name), "r", {state});
      }
    }
    b.Result(state);
    // CPU time: what else the machine does is no part of it.
    const auto cpu = [] {
      timespec time{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    };
    const double begin = cpu();
    EXPECT_TRUE(RunPasses(b.module(), {}));
    return cpu() - begin;
  };
  for (int kind = 0; kind < 6; ++kind) {
    const double once = std::min(seconds(kind, 3000), seconds(kind, 3000));
    const double twice = std::min(seconds(kind, 6000), seconds(kind, 6000));
    EXPECT_LT(twice, 3.2 * once + 0.02) << "kind " << kind;
    RecordProperty(fmt::format("kind_{}", kind), fmt::format("{:.4f} {:.4f}", once, twice));
  }
}

TEST(PassManager, Level0RunsNothing) {
  ModuleBuilder b;
  b.Result(b.Workdir(b.Workdir(b.Image("alpine"), "/a"), "/b"));
  const auto reports = RunPasses(b.module(), {.level = OptLevel::kO0});
  ASSERT_TRUE(reports);
  EXPECT_THAT(*reports, IsEmpty());
  EXPECT_EQ(Needed(b.module()), 3U);
  EXPECT_EQ(ExplainPasses(*reports), "no passes run at -O0\n");
}

TEST(PassManager, Explains) {
  ModuleBuilder b;
  b.Result(b.Workdir(b.Workdir(b.Image("alpine"), "/a"), "/b"));
  const auto reports = RunPasses(b.module(), {});
  ASSERT_TRUE(reports);
  EXPECT_THAT(ExplainPasses(*reports), HasSubstr("drop-unreachable: drops what no result needs\n  nothing to do\n"));
  EXPECT_THAT(ExplainPasses(*reports),
              HasSubstr("fold-file-ops: joins adjacent file operations into one\n  1 change, 3 -> 2 nodes\n"
                        "  - WORKDIR /a is done by WORKDIR /b\n"));
}

TEST(PassManager, KnowsItsPassesByName) {
  ModuleBuilder b;
  b.Result(b.Image("alpine"));
  const auto report = RunPass(b.module(), "fold-file-op");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().hint(), "did you mean `fold-file-ops`?");
  EXPECT_EQ(ParseOptLevel("-O1"), OptLevel::kO1);
  EXPECT_EQ(ParseOptLevel("0"), OptLevel::kO0);
  EXPECT_EQ(ParseOptLevel("2"), std::nullopt);
}

// Random graphs of all ops: at -O1 every result is the same as before, in fewer nodes, and a second round finds
// nothing.
TEST(PassManager, RandomGraphsKeepTheirResults) {
  std::size_t before = 0;
  std::size_t after = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&random](std::size_t count) { return random() % count; };
    ModuleBuilder b;
    std::vector<ir::Value> values = {b.Image("alpine"), b.Image("tools")};
    std::vector<ir::Value> open;
    for (int i = 0; i < 2; ++i) {
      open.push_back(b.graph().AddOpen(ir::OpKind::kSourceLocal));
      values.push_back(open.back());
    }
    static constexpr std::string_view kPaths[] = {"/a", "/b", "/c", "/etc/passwd", "/d/passwd"};
    static constexpr std::string_view kUsers[] = {"", "", "node"};
    const auto some = [&] { return below(3) == 0 ? values[below(values.size())] : values.back(); };
    const auto path = [&] { return kPaths[below(std::size(kPaths))]; };
    for (int i = 0; i < 14; ++i) {
      const ir::Value base = below(12) == 0 ? ir::Value() : some();
      const std::string_view user = base.is_scratch() ? "" : kUsers[below(3)];
      switch (below(9)) {
        case 0:
        case 1:
        case 2:
          values.push_back(b.Workdir(base, path(), user));
          break;
        case 3:
        case 4:
          values.push_back(b.Copy(base, values[below(values.size())], path(), path(), user));
          break;
        case 5:
          values.push_back(b.RunWith(base, "r", {some(), some()}));
          break;
        case 6:
          values.push_back(b.Merge({some(), values[below(values.size())], b.Image("layer")}, "merge"));
          break;
        case 7:
          values.push_back(
              b.File(base, {.kind = ir::FileActionKind::kRm, .path = path(), .allow_not_found = true}, {}, "rm"));
          break;
        default:
          values.push_back(b.File(
              base, {.kind = ir::FileActionKind::kMkfile, .path = path(), .mode = 0644, .data = "x"}, {}, "mkfile"));
      }
    }
    for (const ir::Value value : open) {
      b.graph().Close<ir::OpKind::kSourceLocal>(value, {.identifier = "context", .attrs = {}});
    }
    b.Result(values.back());
    if (below(3) == 0) {
      b.Result(values[below(values.size())]);
    }
    const std::vector<ModelFs> expected = Build(b.module());
    before += Needed(b.module());
    const auto reports = RunPasses(b.module(), {.level = OptLevel::kO1, .verify = true});
    ASSERT_TRUE(reports) << seed << ": " << reports.error().message();
    ASSERT_EQ(Build(b.module()), expected) << "seed " << seed;
    after += Needed(b.module());
    EXPECT_EQ(Needed(b.module()), b.graph().size());
  }
  EXPECT_LT(after, before);
  RecordProperty("nodes_before", static_cast<int>(before));
  RecordProperty("nodes_after", static_cast<int>(after));
}

}  // namespace
}  // namespace loam::passes
