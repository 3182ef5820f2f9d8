#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/xml.h"
#include "compiler/driver/build_graph.h"
#include "compiler/driver/graph_layout.h"
#include "compiler/driver/graph_text.h"

namespace loam::driver {
namespace {

constexpr double kMargin = 28;
constexpr double kLineHeight = 15;
constexpr double kNodePadding = 8;
// Of the monospaced font at 11 pixels: its characters are 0.6 em wide.
constexpr std::size_t kLineWidth = 42;
constexpr std::size_t kEdgeLabelWidth = 13;

// The text of one node, line by line.
struct NodeText {
  std::vector<std::string> lines;
  std::string detail;  // "" for none

  [[nodiscard]] double height() const {
    const double rows = static_cast<double>(lines.size()) + (detail.empty() ? 0 : 1);
    return rows * kLineHeight + 2 * kNodePadding - 3;
  }
};

NodeText TextOf(const GraphNode& node) {
  NodeText text;
  const std::string timing = node.timing ? TimingText(*node.timing) : std::string();
  // The time stands at the right of the first line, the position in front of it.
  const std::size_t taken = timing.empty() ? 0 : timing.size() + 2;
  std::string label = node.label;
  if (!node.position.empty()) {
    label = node.position + " " + label;
  }
  text.lines = Wrapped(label, kLineWidth - taken, 2);
  text.detail = Shortened(Join(node.details, " · "), kLineWidth);
  return text;
}

class SvgWriter {
 public:
  explicit SvgWriter(const BuildGraph& graph) : graph_(graph), longest_(LongestStep(graph)) {
    std::vector<double> heights;
    for (const GraphNode& node : graph.nodes) {
      texts_.push_back(TextOf(node));
      heights.push_back(texts_.back().height());
    }
    layout_ = LayOut(graph, heights, {});
  }

  std::string Write() {
    const double header = graph_.summary.empty() ? 34 : 54;
    const double legend = 40;
    const double width = std::max(layout_.width, 640.0) + 2 * kMargin;
    const double height = layout_.height + header + legend + 2 * kMargin;
    Add("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
        "{1:.0f}\">\n",
        width, height);
    Add("<title>{}</title>\n", XmlEscaped(graph_.title));
    out_ += kStyle;
    Add("<rect width=\"{:.0f}\" height=\"{:.0f}\" fill=\"#ffffff\"/>\n", width, height);
    Add("<text class=\"h1\" x=\"{0:.0f}\" y=\"{1:.0f}\">{2}</text>\n", kMargin, kMargin + 14, XmlEscaped(graph_.title));
    if (!graph_.summary.empty()) {
      Add("<text class=\"h2\" x=\"{0:.0f}\" y=\"{1:.0f}\">{2}</text>\n", kMargin, kMargin + 35,
          XmlEscaped(graph_.summary));
    }
    Add("<g transform=\"translate({:.0f},{:.0f})\">\n", kMargin, kMargin + header);
    for (std::size_t i = 0; i < graph_.stages.size(); ++i) {
      AddStage(graph_.stages[i], layout_.stages[i]);
    }
    for (std::size_t i = 0; i < graph_.edges.size(); ++i) {
      AddEdge(graph_.edges[i], layout_.routes[i]);
    }
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      AddNode(graph_.nodes[i], texts_[i], layout_.nodes[i]);
    }
    for (std::size_t i = 0; i < graph_.edges.size(); ++i) {
      AddEdgeLabel(graph_.edges[i], layout_.routes[i]);
    }
    out_ += "</g>\n";
    AddLegend(height - kMargin);
    return out_ += "</svg>\n";
  }

 private:
  static constexpr std::string_view kStyle =
      "<style>\n"
      "text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;fill:#0f172a}\n"
      ".h1{font:600 17px system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}\n"
      ".h2,.k{font:12px system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif;fill:#475569}\n"
      ".s{font:600 12px system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif;fill:#334155}\n"
      ".p{fill:#64748b}.d{font-size:10px;fill:#64748b}.t{font-weight:600}.w{fill:#ffffff;font-weight:600}\n"
      ".l{font-size:9px;fill:#475569;paint-order:stroke;stroke:#ffffff;stroke-width:3px}\n"
      ".e{fill:none}.b{stroke:#475569;stroke-width:1.7}.f{stroke:#b45309;stroke-width:1.4;stroke-dasharray:6 3}\n"
      ".m{stroke:#9333ea;stroke-width:1.4;stroke-dasharray:2 3}\n"
      "</style>\n"
      "<defs>\n"
      "<marker id=\"ab\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
      "markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#475569\"/></marker>\n"
      "<marker id=\"af\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
      "markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#b45309\"/></marker>\n"
      "<marker id=\"am\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
      "markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#9333ea\"/></marker>\n"
      "</defs>\n";

  template <class... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  void AddStage(const GraphStage& stage, const Box& box) {
    Add("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"8\" fill=\"#f8fafc\" "
        "stroke=\"#cbd5e1\"/>\n",
        box.x, box.y, box.width, box.height);
    Add("<text class=\"s\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", box.x + 12, box.y + 18,
        XmlEscaped(Shortened(StageTitle(stage), kLineWidth)));
  }

  static std::string_view ClassOf(GraphEdge::Kind kind) {
    return kind == GraphEdge::Kind::kBase ? "b" : kind == GraphEdge::Kind::kFiles ? "f" : "m";
  }

  void AddEdge(const GraphEdge& edge, const EdgeRoute& route) {
    std::string path;
    const auto add = [&path](auto format, auto... values) {
      fmt::format_to(std::back_inserter(path), fmt::runtime(format), values...);
    };
    const Box& from = layout_.nodes[edge.from];
    const Box& to = layout_.nodes[edge.to];
    if (route.inside && edge.kind == GraphEdge::Kind::kBase && to.y > from.y && to.y - from.bottom() < 20) {
      const double x = from.x + 18;
      add("M{:.1f} {:.1f}V{:.1f}", x, from.bottom(), to.y - 1);
    } else if (route.inside) {
      // Around the steps between them, at the right.
      const double bulge = from.right() + 14;
      add("M{0:.1f} {1:.1f}C{2:.1f} {1:.1f} {2:.1f} {3:.1f} {0:.1f} {3:.1f}", from.right(), from.middle(), bulge,
          to.y + 6);
    } else {
      const std::vector<Point>& points = route.points;
      add("M{:.1f} {:.1f}", points[0].x, points[0].y);
      for (std::size_t i = 1; i < points.size(); ++i) {
        const Point& a = points[i - 1];
        const Point& b = points[i];
        const bool lane = i % 2 == 0;
        if (lane) {
          add("L{:.1f} {:.1f}", b.x, b.y);
        } else {
          const double reach = std::max(30.0, (b.x - a.x) * 0.5);
          add("C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", a.x + reach, a.y, b.x - reach, b.y,
              i + 1 == points.size() ? b.x - 1 : b.x, b.y);
        }
      }
    }
    const std::string_view look = ClassOf(edge.kind);
    Add("<path class=\"e {0}\" marker-end=\"url(#a{0})\" d=\"{1}\"><title>{2} → {3}{4}</title></path>\n", look, path,
        XmlEscaped(Shortened(graph_.nodes[edge.from].label, 80)),
        XmlEscaped(Shortened(graph_.nodes[edge.to].label, 80)),
        edge.label.empty() ? "" : ": " + XmlEscaped(edge.label));
  }

  // What is copied or mounted, at the end of the edge, where there is room between the stages.
  void AddEdgeLabel(const GraphEdge& edge, const EdgeRoute& route) {
    if (route.inside || edge.label.empty()) {
      return;
    }
    const Point& end = route.points.back();
    Add("<text class=\"l\" text-anchor=\"end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", end.x - 10, end.y - 3,
        XmlEscaped(Shortened(edge.label, kEdgeLabelWidth)));
  }

  void AddNode(const GraphNode& node, const NodeText& text, const Box& box) {
    const NodeColors colors = ColorsOf(node.kind);
    const bool result = node.kind == GraphNode::Kind::kResult;
    const double radius = node.is_source() || result ? box.height / 2 - 1 : 4;
    Add("<g><title>{}{}</title>\n", XmlEscaped(node.name.empty() ? node.label : node.name),
        node.digest.empty() ? "" : "\n" + node.digest);
    Add("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"{:.1f}\" fill=\"{}\" "
        "stroke=\"{}\"/>\n",
        box.x, box.y, box.width, box.height, std::min(radius, 14.0), colors.fill, colors.border);
    const double left = box.x + (node.is_source() || result ? 14 : 10);
    double baseline = box.y + kNodePadding + 9;
    if (node.timing) {
      AddTiming(*node.timing, box, baseline);
    }
    for (std::size_t i = 0; i < text.lines.size(); ++i, baseline += kLineHeight) {
      std::string line = XmlEscaped(text.lines[i]);
      if (i == 0 && !node.position.empty() && text.lines[0].starts_with(node.position)) {
        line = fmt::format("<tspan class=\"p\">{}</tspan>{}", XmlEscaped(node.position),
                           XmlEscaped(text.lines[0].substr(node.position.size())));
      }
      Add("<text{} x=\"{:.1f}\" y=\"{:.1f}\" xml:space=\"preserve\">{}</text>\n", result ? " class=\"w\"" : "", left,
          baseline, line);
    }
    if (!text.detail.empty()) {
      Add("<text class=\"d\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", left, baseline, XmlEscaped(text.detail));
    }
    out_ += "</g>\n";
  }

  void AddTiming(const StepTiming& timing, const Box& box, double baseline) {
    const std::string label = TimingText(timing);
    const double width = static_cast<double>(label.size()) * 6.7 + 10;
    const bool dark = timing.state == StepTiming::State::kFailed;
    Add("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"15\" rx=\"7.5\" fill=\"{}\"/>\n",
        box.right() - width - 6, baseline - 11.5, width, TimingColor(timing, longest_));
    Add("<text class=\"{}\" text-anchor=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", dark ? "w" : "t",
        box.right() - width / 2 - 6, baseline, label);
  }

  void AddLegend(double y) {
    double x = kMargin;
    const auto text = [&](std::string_view label) {
      Add("<text class=\"k\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x, y, label);
      x += static_cast<double>(label.size()) * 7.2 + 20;
    };
    std::set<GraphNode::Kind> kinds;
    for (const GraphNode& node : graph_.nodes) {
      kinds.insert(node.kind);
    }
    kinds.erase(GraphNode::Kind::kResult);
    for (const GraphNode::Kind kind : kinds) {
      const NodeColors colors = ColorsOf(kind);
      Add("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"14\" height=\"11\" rx=\"3\" fill=\"{}\" stroke=\"{}\"/>\n", x,
          y - 10, colors.fill, colors.border);
      x += 19;
      text(KindName(kind));
    }
    struct Line {
      GraphEdge::Kind kind;
      std::string_view label;
    };
    for (const Line& line : {Line{GraphEdge::Kind::kBase, "builds on"}, Line{GraphEdge::Kind::kFiles, "copies from"},
                             Line{GraphEdge::Kind::kMount, "mounts"}}) {
      const bool used = std::any_of(graph_.edges.begin(), graph_.edges.end(),
                                    [&](const GraphEdge& edge) { return edge.kind == line.kind; });
      if (used) {
        Add("<path class=\"e {0}\" marker-end=\"url(#a{0})\" d=\"M{1:.1f} {2:.1f}h24\"/>\n", ClassOf(line.kind), x,
            y - 4);
        x += 30;
        text(line.label);
      }
    }
  }

  const BuildGraph& graph_;
  double longest_;
  std::vector<NodeText> texts_;
  GraphLayout layout_;
  std::string out_;
};

}  // namespace

std::string GraphSvg(const BuildGraph& graph) {
  return SvgWriter(graph).Write();
}

}  // namespace loam::driver
