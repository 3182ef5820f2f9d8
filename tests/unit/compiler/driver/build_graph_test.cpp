#include "compiler/driver/build_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/driver/compile.h"
#include "compiler/driver/graph_layout.h"
#include "compiler/driver/graph_text.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::driver {
namespace {

BuildGraph Graph(std::string text) {
  source::SourceManager sources;
  const source::Buffer* const buffer = sources.AddText("Dockerfile", std::move(text)).value();
  diag::CollectingConsumer diagnostics;
  diag::Emitter emitter(diagnostics);
  sema::UnknownBuildHost host;
  const CompileResult result = Compile(sources, *buffer, {}, host, emitter).value();
  EXPECT_TRUE(result.ok);
  const llb::Graph llb = llb::ReadDefinition(result.platforms.at(0).definition.bytes).value();
  BuildGraph graph = MakeBuildGraph(llb);
  graph.title = "Dockerfile <&>";
  return graph;
}

constexpr const char* kFile = R"(FROM scratch AS tools
COPY a /a
RUN --mount=type=cache,target=/c --mount=type=secret,id=s make "x" <y>
FROM scratch AS other
ADD https://example.com/f /f
FROM tools
COPY --from=other /f /g
RUN --mount=type=bind,from=other,target=/m ls
)";

std::vector<std::string> Labels(const BuildGraph& graph, const GraphStage& stage) {
  std::vector<std::string> labels;
  for (const std::size_t node : stage.nodes) {
    labels.push_back(graph.nodes[node].position + " " + graph.nodes[node].label);
  }
  return labels;
}

TEST(BuildGraphTest, StagesStepsAndEdges) {
  const BuildGraph graph = Graph(kFile);
  ASSERT_EQ(graph.stages.size(), 3U);
  EXPECT_EQ(graph.stages[0].name, "tools");
  EXPECT_THAT(Labels(graph, graph.stages[0]), testing::ElementsAre("1/2 COPY a /a", "2/2 RUN make \"x\" <y>"));
  const GraphNode& make = graph.nodes[graph.stages[0].nodes[1]];
  EXPECT_THAT(make.details, testing::ElementsAre("cache /c", "secret s"));

  std::size_t outside = 0;
  for (const GraphNode& node : graph.nodes) {
    outside += node.stage ? 0 : 1;
  }
  EXPECT_EQ(outside, 3U) << "the context, the download and the result";
  EXPECT_EQ(graph.nodes.back().kind, GraphNode::Kind::kResult);

  std::vector<std::string> edges;
  for (const GraphEdge& edge : graph.edges) {
    const std::string kind = edge.kind == GraphEdge::Kind::kBase    ? "base"
                             : edge.kind == GraphEdge::Kind::kFiles ? "files"
                                                                    : "mount";
    edges.push_back(graph.nodes[edge.from].label + " -> " + graph.nodes[edge.to].label + " " + kind + " " + edge.label);
    EXPECT_LT(edge.from, edge.to);
  }
  EXPECT_THAT(edges, testing::UnorderedElementsAre(
                         "build context -> COPY a /a files /a", "COPY a /a -> RUN make \"x\" <y> base ",
                         "https://example.com/f -> ADD https://example.com/f /f files /f",
                         "RUN make \"x\" <y> -> COPY --from=other /f /g base ",
                         "ADD https://example.com/f /f -> COPY --from=other /f /g files /f",
                         "COPY --from=other /f /g -> RUN ls base ", "ADD https://example.com/f /f -> RUN ls mount /m",
                         "RUN ls -> result base "));
}

bool Overlap(const Box& a, const Box& b) {
  return a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom();
}

TEST(BuildGraphTest, NothingOverlapsInALayout) {
  std::string text = "FROM scratch AS s0\nCOPY a /\n";
  for (int i = 1; i < 60; ++i) {
    text += "FROM " + std::string(i % 3 == 0 ? "scratch" : "s" + std::to_string(i / 2)) + " AS s" + std::to_string(i) +
            "\nCOPY a" + std::to_string(i) + " /\nCOPY --from=s" + std::to_string(i * 7 % i) + " / /x\n";
  }
  text += "FROM scratch\n";
  for (int i = 0; i < 60; ++i) {
    text += "COPY --from=s" + std::to_string(i) + " / /\n";
  }
  const BuildGraph graph = Graph(text);
  const GraphLayout layout = LayOut(graph, std::vector<double>(graph.nodes.size(), 30.0), {});
  ASSERT_EQ(layout.stages.size(), graph.stages.size());
  for (std::size_t a = 0; a < layout.nodes.size(); ++a) {
    EXPECT_GE(layout.nodes[a].y, 0);
    EXPECT_LE(layout.nodes[a].bottom(), layout.height + 0.01);
    for (std::size_t b = a + 1; b < layout.nodes.size(); ++b) {
      EXPECT_FALSE(Overlap(layout.nodes[a], layout.nodes[b])) << a << " and " << b;
    }
  }
  for (std::size_t a = 0; a < layout.stages.size(); ++a) {
    for (std::size_t b = a + 1; b < layout.stages.size(); ++b) {
      EXPECT_FALSE(Overlap(layout.stages[a], layout.stages[b])) << a << " and " << b;
    }
  }
  // To the right, except inside of a stage.
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    if (!layout.routes[i].inside) {
      EXPECT_LT(layout.nodes[graph.edges[i].from].x, layout.nodes[graph.edges[i].to].x);
    }
  }
}

TEST(BuildGraphTest, Texts) {
  BuildGraph graph = Graph(kFile);
  graph.nodes[0].timing = StepTiming{StepTiming::State::kCached, 0};
  graph.nodes[1].timing = StepTiming{StepTiming::State::kRan, 61.5};
  const std::string svg = GraphSvg(graph);
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_NE(svg.find("Dockerfile &lt;&amp;&gt;"), std::string::npos);
  EXPECT_NE(svg.find(">cached<"), std::string::npos);
  EXPECT_NE(svg.find(">1m01s<"), std::string::npos);
  const std::string dot = GraphDot(graph);
  EXPECT_NE(dot.find("subgraph cluster_2"), std::string::npos);
  EXPECT_NE(dot.find("RUN make \\\"x\\\" <y>"), std::string::npos);
  const std::string mermaid = GraphMermaid(graph);
  EXPECT_TRUE(mermaid.starts_with("flowchart LR\n"));
  EXPECT_NE(mermaid.find("RUN make #34;x#34; #60;y#62;"), std::string::npos);
}

TEST(BuildGraphTest, LinesAreCutBetweenCharacters) {
  EXPECT_EQ(Shortened("äöü\n  abc", 5), "äöü …");
  EXPECT_THAT(Wrapped("one two three four", 8, 2), testing::ElementsAre("one two", "three f…"));
  EXPECT_THAT(Wrapped("abcdefghij", 4, 3), testing::ElementsAre("abcd", "efgh", "ij"));
  EXPECT_THAT(Wrapped("", 4, 3), testing::ElementsAre(""));
}

TEST(BuildGraphTest, NothingIsBuilt) {
  const BuildGraph graph = Graph("FROM scratch\n");
  EXPECT_EQ(graph.nodes.size(), 1U);
  EXPECT_NE(GraphSvg(graph).find("result: an empty filesystem"), std::string::npos);
}

}  // namespace
}  // namespace loam::driver
