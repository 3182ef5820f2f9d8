#include <iterator>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/driver/build_graph.h"
#include "compiler/driver/graph_text.h"

namespace loam::driver {
namespace {

constexpr std::size_t kLineWidth = 46;
constexpr std::size_t kEdgeWidth = 30;

// Mermaid takes character entities, with `#` instead of `&`, for what would end a text or mean something to it.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (std::string_view("\"#&<>`;").find(c) != std::string_view::npos) {
      fmt::format_to(std::back_inserter(out), "#{};", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string Label(const GraphNode& node) {
  const std::string position = node.position.empty() ? std::string() : node.position + " ";
  std::vector<std::string> lines = Wrapped(position + node.label, kLineWidth, 2);
  if (!node.details.empty()) {
    lines.push_back(Shortened(Join(node.details, ", "), kLineWidth));
  }
  if (node.timing) {
    lines.push_back(TimingText(*node.timing));
  }
  std::string out = "\"";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string quoted = Quoted(lines[i]);
    out += (i > 0 ? "<br>" : "") + quoted.substr(1, quoted.size() - 2);
  }
  return out += '"';
}

std::pair<std::string_view, std::string_view> Brackets(const GraphNode& node) {
  if (node.is_source()) {
    return {"[(", ")]"};
  }
  return node.kind == GraphNode::Kind::kResult ? std::pair<std::string_view, std::string_view>{"([", "])"}
                                               : std::pair<std::string_view, std::string_view>{"[", "]"};
}

}  // namespace

std::string GraphMermaid(const BuildGraph& graph) {
  const double longest = LongestStep(graph);
  std::string out = "flowchart LR\n";
  const auto add_node = [&](std::size_t index, std::string_view indent) {
    const GraphNode& node = graph.nodes[index];
    const auto [open, close] = Brackets(node);
    fmt::format_to(std::back_inserter(out), "{}n{}{}{}{}\n", indent, index, open, Label(node), close);
  };
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    fmt::format_to(std::back_inserter(out), "  subgraph s{}[{}]\n    direction TB\n", i,
                   Quoted(StageTitle(graph.stages[i])));
    for (const std::size_t node : graph.stages[i].nodes) {
      add_node(node, "    ");
    }
    out += "  end\n";
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!graph.nodes[i].stage) {
      add_node(i, "  ");
    }
  }
  for (const GraphEdge& edge : graph.edges) {
    const std::string_view arrow = edge.kind == GraphEdge::Kind::kBase ? "-->" : "-.->";
    const std::string label =
        edge.label.empty() ? std::string() : fmt::format("|{}|", Quoted(Shortened(edge.label, kEdgeWidth)));
    fmt::format_to(std::back_inserter(out), "  n{} {}{} n{}\n", edge.from, arrow, label, edge.to);
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNode& node = graph.nodes[i];
    const NodeColors colors = ColorsOf(node.kind);
    const std::string fill = node.timing ? TimingColor(*node.timing, longest) : std::string(colors.fill);
    const bool dark =
        node.kind == GraphNode::Kind::kResult || (node.timing && node.timing->state == StepTiming::State::kFailed);
    fmt::format_to(std::back_inserter(out), "  style n{} fill:{},stroke:{},color:{}\n", i, fill, colors.border,
                   dark ? "#ffffff" : "#0f172a");
  }
  return out;
}

}  // namespace loam::driver
