#include "compiler/ir/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "compiler/ir/verifier.h"

namespace loam::ir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Value Image(Graph& graph, std::string_view ref, const Platform* platform = nullptr) {
  return graph.Add<OpKind::kSourceImage>({}, {ref, {}}, {.platform = platform, .worker_constraints = {}});
}

FileAction Copy(std::int64_t input, std::int64_t source, std::int64_t output) {
  FileAction action;
  action.input = input;
  action.secondary_input = source;
  action.output = output;
  action.source = "/a";
  action.path = "/b";
  return action;
}

TEST(GraphTest, EqualNodesAreOne) {
  Graph graph;
  const Platform amd{"linux", "amd64", {}, {}, {}};
  const Platform arm{"linux", "arm64", {}, {}, {}};
  const std::string text = "docker.io/library/alpine:latest";
  const Value a = Image(graph, text, &amd);
  EXPECT_EQ(a, Image(graph, std::string(text), &amd));
  EXPECT_NE(a, Image(graph, text, &arm));
  EXPECT_NE(a, Image(graph, text));
  EXPECT_NE(a, Image(graph, "other", &amd));
  EXPECT_EQ(graph.size(), 4U);
}

TEST(GraphTest, TextIsCopied) {
  Graph graph;
  Value value;
  {
    std::string ref = "a-reference-that-is-not-small";
    std::vector<KeyValue> attrs{{"k", ref}};
    value = graph.Add<OpKind::kSourceImage>({}, {ref, attrs});
    ref.assign(ref.size(), 'x');
  }
  EXPECT_EQ(graph.node(value).As<SourceAttrs>().identifier, "a-reference-that-is-not-small");
  EXPECT_EQ(graph.node(value).As<SourceAttrs>().attrs[0].value, "a-reference-that-is-not-small");
}

TEST(GraphTest, ManyNodesAreFound) {
  Graph graph;
  std::vector<Value> values;
  for (int i = 0; i < 5000; ++i) {
    values.push_back(Image(graph, "image" + std::to_string(i)));
  }
  for (int i = 0; i < 5000; ++i) {
    EXPECT_EQ(values[static_cast<std::size_t>(i)], Image(graph, "image" + std::to_string(i)));
  }
  EXPECT_EQ(graph.size(), 5000U);
}

TEST(GraphTest, FileOpsAreWalkedFromTheLastSource) {
  Module module;
  Graph& graph = module.graph;
  const Value base = Image(graph, "base");
  const Value first = Image(graph, "first");
  const Value last = Image(graph, "last");
  const Value operands[] = {base, first, last};
  const FileAction actions[] = {Copy(0, 1, -1), Copy(3, 2, 0)};
  const Value file = graph.Add<OpKind::kFile>(operands, {actions});
  EXPECT_THAT(graph.WalkOrder(file.node_id()), ElementsAre(base, last, first));
  const Value roots[] = {file};
  EXPECT_THAT(graph.PostOrder(roots), ElementsAre(base.node_id(), last.node_id(), first.node_id(), file.node_id()));
  module.results.push_back({"linux/amd64", file, "{}", "", std::nullopt, std::nullopt, false});
  EXPECT_TRUE(Verify(module).has_value());
}

TEST(GraphTest, OpenNodesAreClosedOnce) {
  Module module;
  const Value open = module.graph.AddOpen(OpKind::kSourceLocal);
  EXPECT_NE(open, module.graph.AddOpen(OpKind::kSourceLocal));
  const auto unclosed = Verify(module);
  ASSERT_FALSE(unclosed.has_value());
  EXPECT_THAT(unclosed.error().message(), HasSubstr("never closed"));
  module.graph.Close<OpKind::kSourceLocal>(open, {"context", {}});
  EXPECT_EQ(module.graph.node(open).As<SourceAttrs>().identifier, "context");
}

TEST(GraphTest, MetadataIsMergedInOrder) {
  Graph graph;
  const Value value = Image(graph, "a");
  const KeyValue first[] = {{"a", "1"}, {"name", "first"}};
  const KeyValue second[] = {{"b", "2"}, {"name", "second"}};
  const SourceRange range[] = {{1, 0, 1, 0}};
  const SourceLocation location[] = {{0, range}};
  Metadata one;
  one.description = first;
  one.locations = location;
  Metadata two;
  two.description = second;
  two.ignore_cache = true;
  two.locations = location;
  graph.Annotate(value, one);
  graph.Annotate(value, two);
  const Metadata merged = graph.MergedMetadata(value.node_id());
  ASSERT_EQ(merged.description.size(), 3U);
  EXPECT_EQ(merged.description[2].value, "second");
  EXPECT_TRUE(merged.ignore_cache);
  EXPECT_EQ(merged.locations.size(), 2U);
  graph.Annotate(Value(), one);
}

TEST(GraphTest, DeepGraphsNeedNoStack) {
  Graph graph;
  Value value = Image(graph, "base");
  for (int i = 0; i < 100000; ++i) {
    FileAction action;
    action.kind = FileActionKind::kMkdir;
    action.input = 0;
    action.output = 0;
    action.mode = i;
    const Value operands[] = {value};
    value = graph.Add<OpKind::kFile>(operands, {{&action, 1}});
  }
  const Value roots[] = {value};
  EXPECT_EQ(graph.PostOrder(roots).size(), 100001U);
}

constexpr std::string_view kText =
    R"(source 0 "Dockerfile" "Dockerfile" "FROM alpine\nRUN \"x\"\t\x01\n"
%0 = source.image {id="docker.io/library/alpine:latest"} platform={os="linux", architecture="amd64"} meta={description=[{key="llb.customname", value="[1/2] FROM"}], locations=[{ranges=[{start_line=1, end_line=1}]}]}
%1 = source.local {id="context", attrs=[{key="local.unique", value="u"}]}
%2 = exec(%0, %1) {args=["/bin/sh", "-c", "make"], env=["A=1"], cwd="/", mounts=[{input=0, dest="/", output=0}, {kind=cache, dest="/c", cache_id="/c", cache_sharing=locked}, {input=1, dest="/m", output=1}], network=host} platform={os="linux", architecture="amd64"} constraints=["x==y"]
%3 = file(%2, %2:1) {actions=[{input=0, secondary_input=1, output=0, path="/b", source="/a", owner={user={name="u", input=0}}, mode=-1, create_dest_path=true}]} meta={ignore_cache=true, export_cache=false, progress_group={id="g", weak=true}}
%4 = merge(%3, %0) {}
%5 = capture(%4) {args=["true"], cwd="/", mounts=[{input=0, dest="/", readonly=true}]}
%6 = str.const {text="a"}
%7 = str.concat(%6, %5:1) {}
result "linux/amd64" fs=%4 image="{\"os\":\"linux\"}" platform={os="linux", architecture="amd64"} epoch=5 ignore_cache
result "linux/arm64" fs=scratch
)";

TEST(TextTest, PrintsWhatItParsed) {
  const auto module = ParseModule(kText);
  ASSERT_TRUE(module.has_value()) << module.error().message();
  EXPECT_EQ(PrintModule(*module, {.reachable_only = false}), kText);
  const std::string reachable = PrintModule(*module);
  EXPECT_THAT(reachable, HasSubstr("= merge("));
  EXPECT_THAT(reachable, testing::Not(HasSubstr("capture")));
  const auto again = ParseModule(reachable);
  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_EQ(PrintModule(*again), reachable);
}

TEST(TextTest, MistakesNameTheLine) {
  for (const auto& [text, what] :
       std::map<std::string, std::string>{{"%0 = nothing {}", "line 1: unknown op `nothing`"},
                                          {"\n%0 = merge(%1)", "line 2: %1 is not defined above"},
                                          {"%0 = source.image {idd=\"x\"}", "unknown field `idd`"},
                                          {"%0 = source.image {id=\"x}", "not closed"},
                                          {"%0 = str.const {}\n%0 = str.const {}", "defined twice"},
                                          {"%0 = exec {network=wifi}", "unknown name `wifi`"},
                                          {"%0 = merge(scratch)", "not scratch"},
                                          {"%0 = str.const {}\n%1 = str.concat(%0:3)", "a value that exists"},
                                          {"hello", "expected"},
                                          {"source 99999999 \"\" \"\" \"\"", "too many"}}) {
    const auto module = ParseModule(text);
    ASSERT_FALSE(module.has_value()) << text;
    EXPECT_THAT(module.error().message(), HasSubstr(what)) << text;
  }
}

TEST(VerifierTest, Rules) {
  const std::string image = "%0 = source.image {id=\"a\"}\n";
  for (const auto& [text, what] : std::map<std::string, std::string>{
           {"%1 = exec(%0) {args=[\"a\"], cwd=\"/\", mounts=[{input=1, dest=\"/\", output=0}]}", "out of range"},
           {"%1 = exec(%0) {args=[\"a\"], cwd=\"/\", mounts=[{input=0, dest=\"/x\", output=0}]}", "no root mount"},
           {"%1 = exec(%0) {cwd=\"/\", mounts=[{input=0, dest=\"/\", output=0}]}", "needs arguments"},
           {"%1 = exec(%0) {args=[\"a\"], cwd=\"/\", mounts=[{dest=\"/b\"}, {input=0, dest=\"/\", output=0}]}",
            "not sorted"},
           {"%1 = exec(%0) {args=[\"a\"], cwd=\"/\", mounts=[{kind=secret, dest=\"/b\"}]}", "no credential"},
           {"%1 = file(%0) {actions=[{input=1, output=0}]}", "out of range"},
           {"%1 = file(%0) {actions=[{input=0}]}", "exactly one output"},
           {"%1 = merge(%0) {}", "two operands"},
           {"%1 = diff(%0) {lower=1}", "out of range"},
           {"%1 = source.local {}", "identifier"},
           {"%1 = source.git {id=\"x\", attrs=[{key=\"b\"}, {key=\"a\"}]}", "not sorted"},
           {"%1 = str.const {}\n%2 = merge(%0, %1) {}", "no fs"},
           {"%1 = file.read(%0, %0) {path=\"/a\"}", "takes 1"},
           {"%1 = passthrough(%0) {id=\"a\", outputs=[1]}", "no operand"}}) {
    const auto module = ParseModule(image + text);
    ASSERT_TRUE(module.has_value()) << text << module.error().message();
    const auto verified = Verify(*module);
    ASSERT_FALSE(verified.has_value()) << text;
    EXPECT_THAT(verified.error().message(), HasSubstr(what)) << text;
  }
  EXPECT_TRUE(Verify(ParseModule(kText).value()).has_value());
}

}  // namespace
}  // namespace loam::ir
