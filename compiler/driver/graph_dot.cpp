#include <iterator>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/driver/build_graph.h"
#include "compiler/driver/graph_text.h"

namespace loam::driver {
namespace {

constexpr std::size_t kLineWidth = 46;
constexpr std::size_t kEdgeWidth = 30;

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out += '"';
}

// Its lines end in `\l`, so that they stand at the left.
std::string Label(const GraphNode& node) {
  std::string out = "\"";
  const auto add = [&](std::string_view line) {
    const std::string quoted = Quoted(line);
    out += quoted.substr(1, quoted.size() - 2) + "\\l";
  };
  const std::string position = node.position.empty() ? std::string() : node.position + "  ";
  for (const std::string& line : Wrapped(position + node.label, kLineWidth, 2)) {
    add(line);
  }
  if (!node.details.empty()) {
    add(Shortened(Join(node.details, ", "), kLineWidth));
  }
  if (node.timing) {
    add(TimingText(*node.timing));
  }
  return out += '"';
}

std::string_view ShapeOf(const GraphNode& node) {
  switch (node.kind) {
    case GraphNode::Kind::kImage:
    case GraphNode::Kind::kSource:
      return "cylinder";
    case GraphNode::Kind::kLocal:
    case GraphNode::Kind::kGit:
      return "folder";
    case GraphNode::Kind::kHttp:
      return "component";
    case GraphNode::Kind::kFile:
      return "note";
    case GraphNode::Kind::kResult:
      return "oval";
    case GraphNode::Kind::kRun:
    case GraphNode::Kind::kMerge:
    case GraphNode::Kind::kDiff:
    case GraphNode::Kind::kOther:
      return "box";
  }
  return "box";
}

}  // namespace

std::string GraphDot(const BuildGraph& graph) {
  const double longest = LongestStep(graph);
  std::string out = "digraph build {\n";
  const std::string title = graph.summary.empty() ? graph.title : graph.title + "\n" + graph.summary;
  fmt::format_to(std::back_inserter(out), "  graph [rankdir=LR label={} labelloc=t fontname=\"sans-serif\"];\n",
                 Quoted(title));
  out += "  node [fontname=\"monospace\" fontsize=10 style=\"filled\" shape=box];\n";
  out += "  edge [fontname=\"monospace\" fontsize=9 color=\"#64748b\"];\n";
  const auto add_node = [&](std::size_t index, std::string_view indent) {
    const GraphNode& node = graph.nodes[index];
    const NodeColors colors = ColorsOf(node.kind);
    const std::string fill = node.timing ? TimingColor(*node.timing, longest) : std::string(colors.fill);
    const bool dark =
        node.kind == GraphNode::Kind::kResult || (node.timing && node.timing->state == StepTiming::State::kFailed);
    fmt::format_to(std::back_inserter(out), "{}n{} [label={} shape={} fillcolor=\"{}\" color=\"{}\"{} tooltip={}];\n",
                   indent, index, Label(node), ShapeOf(node), fill, colors.border, dark ? " fontcolor=white" : "",
                   Quoted(node.name.empty() ? node.label : node.name));
  };
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    fmt::format_to(std::back_inserter(out),
                   "  subgraph cluster_{} {{\n    label={};\n    style=\"rounded,filled\";\n    "
                   "fillcolor=\"#f8fafc\";\n    color=\"#cbd5e1\";\n",
                   i, Quoted(StageTitle(graph.stages[i])));
    for (const std::size_t node : graph.stages[i].nodes) {
      add_node(node, "    ");
    }
    out += "  }\n";
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!graph.nodes[i].stage) {
      add_node(i, "  ");
    }
  }
  for (const GraphEdge& edge : graph.edges) {
    const std::string_view style = edge.kind == GraphEdge::Kind::kBase    ? "solid"
                                   : edge.kind == GraphEdge::Kind::kFiles ? "dashed"
                                                                          : "dotted";
    fmt::format_to(std::back_inserter(out), "  n{} -> n{} [style={}{}];\n", edge.from, edge.to, style,
                   edge.label.empty() ? "" : fmt::format(" label={}", Quoted(Shortened(edge.label, kEdgeWidth))));
  }
  return out += "}\n";
}

}  // namespace loam::driver
