// Caches of clients beside the solver's own.
#include "runtime-executor/solver/imported_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "tests/unit/runtime-executor/solver/fake_ops.h"

namespace loam::solver {
namespace {

using testing::FakeOp;
using testing::FakeResult;
using testing::Fixture;
using testing::GraphBuilder;

class FakeImport final : public ImportedCache {
 public:
  Node Root(const Digest& digest, std::int32_t output = 0) {
    roots_[OutputKey(digest, output)] = Node(values_.size());
    values_.emplace_back();
    return Node(values_.size() - 1);
  }
  // A node behind `from` by input 0 of the operation.
  Node Step(Node from, const std::string& op, const std::string& value = "") {
    values_.push_back(value);
    Link(from, op, Node(values_.size() - 1));
    return Node(values_.size() - 1);
  }
  void Link(Node from, const std::string& op, Node to) { links_[{from, OutputKey(Digest::Of(op), 0)}].push_back(to); }

  [[nodiscard]] std::optional<Node> FindRoot(const Digest& output_key) const override {
    const auto found = roots_.find(output_key);
    return found == roots_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::vector<Node> FindLinked(Node source, std::uint32_t input, const Digest& selector,
                                             const Digest& output_key) const override {
    const auto found = links_.find({source, output_key});
    return input != 0 || !selector.empty() || found == links_.end() ? std::vector<Node>() : found->second;
  }
  [[nodiscard]] bool HasResult(Node node) const override { return !values_[node].empty(); }
  [[nodiscard]] Digest OutputKeyOf(Node node) const override {
    for (const auto& [way, nodes] : links_) {
      if (std::find(nodes.begin(), nodes.end(), node) != nodes.end()) {
        return way.second;
      }
    }
    return {};
  }
  [[nodiscard]] std::vector<Backlink> Backlinks(Node node) const override {
    std::vector<Backlink> found;
    for (const auto& [way, nodes] : links_) {
      if (std::find(nodes.begin(), nodes.end(), node) != nodes.end()) {
        found.push_back({way.first, 0, Digest()});
      }
    }
    return found;
  }
  [[nodiscard]] std::optional<WallTime> Created(Node) const override { return WallTime(std::chrono::seconds(12)); }
  Result<ResultPtr> Load(Node node, const std::shared_ptr<OpContext>&) override {
    ++loads;
    if (broken) {
      return Unexpected(ErrorCode::kUnavailable, "the cache cannot be reached");
    }
    return std::make_shared<const FakeResult>(values_[node]);
  }

  std::atomic<int> loads = 0;
  bool broken = false;

 private:
  std::map<Digest, Node> roots_;
  std::map<std::pair<Node, Digest>, std::vector<Node>> links_;
  std::vector<std::string> values_;
};

// base -> run -> copy, looked up in `import`.
struct Chain {
  explicit Chain(const std::shared_ptr<FakeImport>& import, const std::string& base_op = "base",
                 bool by_content = false) {
    VertexOptions options;
    if (import != nullptr) {
      options.imports.push_back(std::make_shared<const CacheImport>(import));
    }
    FakeOp base_fake;
    base_fake.op = base_op;
    base_fake.value = "base";
    base = g.Add("base", base_fake, {}, options);
    FakeOp run_fake;
    run_fake.content = {by_content};
    run = g.Add("run", run_fake, {{base, 0}}, options);
    copy = g.Add("copy", {}, {{run, 0}}, options);
  }
  GraphBuilder g;
  const Vertex* base;
  const Vertex* run;
  const Vertex* copy;
};

TEST(ImportsTest, AStepIsFoundByDefinitionAndNothingRuns) {
  Fixture f;
  const auto import = std::make_shared<FakeImport>();
  import->Step(import->Step(import->Root(Digest::Of("base")), "run"), "copy", "from the cache");
  const Chain chain(import);
  EXPECT_EQ(f.Build(chain.g.graph(), chain.copy).value(), "from the cache");
  EXPECT_EQ(f.log.total(), 0);
  EXPECT_TRUE(f.sink->Last("copy")->cached);
  EXPECT_TRUE(f.sink->Last("base")->cached);
}

TEST(ImportsTest, WhatWasLoadedIsKeptForBuildsWithoutTheImport) {
  Fixture f;
  const auto import = std::make_shared<FakeImport>();
  import->Step(import->Step(import->Root(Digest::Of("base")), "run"), "copy", "from the cache");
  const Chain chain(import);
  ASSERT_TRUE(f.Build(chain.g.graph(), chain.copy).has_value());
  f.Restart();
  const auto root = f.memory.FindRoot({Digest::Of("base"), 0}).value();
  ASSERT_TRUE(root.has_value());
  const Chain again(nullptr);
  EXPECT_EQ(f.Build(again.g.graph(), again.copy).value(), "from the cache");
  EXPECT_EQ(f.log.total(), 0);
  EXPECT_EQ(import->loads, 1);
}

TEST(ImportsTest, AStepIsFoundByContent) {
  Fixture f;
  const auto import = std::make_shared<FakeImport>();
  const auto content = import->Root(Digest::Of("content:base()"), -1);
  import->Step(import->Step(content, "run"), "copy", "from the cache");
  const Chain chain(import, "another base", true);
  EXPECT_EQ(f.Build(chain.g.graph(), chain.copy).value(), "from the cache");
  EXPECT_EQ(f.log.count("base"), 1);
  EXPECT_EQ(f.log.count("run"), 0);
}

// base -> tool -> copy (by content) -> last, in an import that has the last result only.
TEST(ImportsTest, AKeyWithoutAResultLeadsOnToTheResultOfALaterStep) {
  Fixture f;
  const auto import = std::make_shared<FakeImport>();
  import->Step(import->Step(import->Step(import->Root(Digest::Of("base")), "tool"), "copy"), "last", "from the cache");
  VertexOptions options;
  options.imports.push_back(std::make_shared<const CacheImport>(import));
  GraphBuilder g;
  const Vertex* tool = g.Add("tool", {}, {{g.Add("base", {}, {}, options), 0}}, options);
  FakeOp copy_fake;
  copy_fake.content = {true};
  const Vertex* copy = g.Add("copy", copy_fake, {{tool, 0}}, options);
  const Vertex* last = g.Add("last", {}, {{copy, 0}}, options);
  EXPECT_EQ(f.Build(g.graph(), last).value(), "from the cache");
  EXPECT_EQ(f.log.total(), 0);
}

// The same, but what the tool is called leads nowhere from the copy on; what it contains leads to the last result.
TEST(ImportsTest, ContentOfAnEarlierStepIsLookedAtWhenNothingElseLeadsToAResult) {
  Fixture f;
  const auto import = std::make_shared<FakeImport>();
  import->Step(import->Step(import->Root(Digest::Of("base")), "tool"), "copy");
  import->Step(import->Step(import->Root(Digest::Of("content:tool(base(),)"), -1), "copy"), "last", "from the cache");
  VertexOptions options;
  options.imports.push_back(std::make_shared<const CacheImport>(import));
  GraphBuilder g;
  const Vertex* tool = g.Add("tool", {}, {{g.Add("base", {}, {}, options), 0}}, options);
  FakeOp copy_fake;
  copy_fake.content = {true};
  const Vertex* copy = g.Add("copy", copy_fake, {{tool, 0}}, options);
  const Vertex* last = g.Add("last", {}, {{copy, 0}}, options);
  EXPECT_EQ(f.Build(g.graph(), last).value(), "from the cache");
  EXPECT_EQ(f.log.count("tool"), 1);
  EXPECT_EQ(f.log.count("copy"), 0);
  EXPECT_EQ(f.log.count("last"), 0);
}

TEST(ImportsTest, WhatIsHereComesFirst) {
  Fixture f;
  const Chain plain(nullptr);
  const std::string value = f.Build(plain.g.graph(), plain.copy).value();
  f.Restart();
  const auto import = std::make_shared<FakeImport>();
  import->Step(import->Step(import->Root(Digest::Of("base")), "run"), "copy", "from the cache");
  const Chain chain(import);
  EXPECT_EQ(f.Build(chain.g.graph(), chain.copy).value(), value);
  EXPECT_EQ(import->loads, 0);
}

TEST(ImportsTest, AnEarlierStepIsFoundAndTheRestRuns) {
  Fixture f;
  const auto import = std::make_shared<FakeImport>();
  import->Step(import->Root(Digest::Of("base")), "run", "from the cache");
  const Chain chain(import);
  EXPECT_EQ(f.Build(chain.g.graph(), chain.copy).value(), "copy(from the cache,)");
  EXPECT_EQ(f.log.count("run"), 0);
  EXPECT_EQ(f.log.count("copy"), 1);
}

TEST(ImportsTest, ACacheThatFailsIsNoCache) {
  Fixture f;
  const auto import = std::make_shared<FakeImport>();
  import->broken = true;
  import->Step(import->Step(import->Root(Digest::Of("base")), "run"), "copy", "from the cache");
  const Chain chain(import);
  EXPECT_EQ(f.Build(chain.g.graph(), chain.copy).value(), "copy(run(base(),),)");
  EXPECT_EQ(import->loads, 1);
}

TEST(ImportsTest, IgnoredCacheIsIgnored) {
  Fixture f;
  const auto import = std::make_shared<FakeImport>();
  import->Step(import->Root(Digest::Of("base")), "run", "from the cache");
  VertexOptions options;
  options.imports.push_back(std::make_shared<const CacheImport>(import));
  options.ignore_cache = true;
  GraphBuilder g;
  const Vertex* run = g.Add("run", {}, {{g.Add("base", {}, {}, options), 0}}, options);
  EXPECT_EQ(f.Build(g.graph(), run).value(), "run(base(),)");
}

TEST(ImportsTest, KeysOfImportsAreApart) {
  const CacheImport a(std::make_shared<FakeImport>());
  const CacheImport b(std::make_shared<FakeImport>());
  EXPECT_TRUE(IsImported(a.KeyOf(0)));
  EXPECT_EQ(a.NodeOf(a.KeyOf(7)), 7U);
  EXPECT_EQ(b.NodeOf(a.KeyOf(7)), std::nullopt);
  EXPECT_EQ(a.NodeOf(KeyId(7)), std::nullopt);
  EXPECT_FALSE(IsImported(KeyId(7)));
}

TEST(CacheGraphTest, TellsTheNodesOfImportsThatStandForAStep) {
  Fixture f;
  const auto import = std::make_shared<FakeImport>();
  const auto run = import->Step(import->Root(Digest::Of("base")), "run");
  const auto copy_node = import->Step(run, "copy", "from the cache");
  const Chain chain(import);
  const auto job = f.NewJob();
  const Edge edge{chain.copy, 0};
  ASSERT_TRUE(job->Solve(chain.g.graph(), std::span(&edge, 1), {}).has_value());
  const auto graph = job->CacheGraph(edge);
  ASSERT_TRUE(graph.has_value()) << graph.error().message();
  ASSERT_EQ((*graph)[1].imported.size(), 1);
  EXPECT_EQ((*graph)[1].imported.front().node, run);
  EXPECT_TRUE((*graph)[1].records.empty());
  ASSERT_EQ((*graph)[2].imported.size(), 1);
  EXPECT_EQ((*graph)[2].imported.front().node, copy_node);
}

TEST(CacheGraphTest, TellsWhatAResultWasMadeOf) {
  Fixture f;
  const Chain chain(nullptr, "base", true);
  const auto job = f.NewJob();
  const Edge edge{chain.copy, 0};
  EXPECT_FALSE(job->CacheGraph(edge).has_value());
  ASSERT_TRUE(job->Solve(chain.g.graph(), std::span(&edge, 1), {}).has_value());
  const auto graph = job->CacheGraph(edge);
  ASSERT_TRUE(graph.has_value()) << graph.error().message();
  ASSERT_EQ(graph->size(), 3);
  EXPECT_EQ((*graph)[0].vertex, chain.base->digest);
  EXPECT_EQ((*graph)[2].vertex, chain.copy->digest);
  EXPECT_EQ((*graph)[1].inputs.front().node, 0);
  EXPECT_EQ((*graph)[1].inputs.front().content, Digest::Of("content:base()"));
  EXPECT_EQ((*graph)[2].op_digest, Digest::Of("copy"));
  EXPECT_NE((*graph)[2].result, nullptr);
  ASSERT_EQ((*graph)[2].records.size(), 1);
  const auto backlinks = f.memory.Backlinks((*graph)[2].keys.front());
  ASSERT_TRUE(backlinks.has_value());
  ASSERT_EQ(backlinks->size(), 1);
  EXPECT_EQ(backlinks->front().op_digest, Digest::Of("copy"));
}

}  // namespace
}  // namespace loam::solver
