// Where the parts of a drawing stand: stages in columns from left to right, each under what it needs, the steps of a
// stage below each other. Edges that pass a column get a lane of their own in it, shared by all edges of one step.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "compiler/driver/build_graph.h"

namespace loam::driver {

struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;

  [[nodiscard]] double right() const { return x + width; }
  [[nodiscard]] double bottom() const { return y + height; }
  [[nodiscard]] double middle() const { return y + height / 2; }
};

struct Point {
  double x = 0;
  double y = 0;
};

struct EdgeRoute {
  // Both ends are in one stage: drawn inside of it.
  bool inside = false;
  // Start, the two ends of each lane on the way, end.
  std::vector<Point> points;
};

struct GraphLayout {
  double width = 0;
  double height = 0;
  std::vector<Box> nodes;   // as BuildGraph::nodes
  std::vector<Box> stages;  // as BuildGraph::stages
  std::vector<EdgeRoute> routes;
};

// Sizes that the text needs.
struct LayoutMetrics {
  double node_width = 300;
  double title_height = 26;  // of a stage
  double padding = 12;       // around the steps of a stage
  double step_gap = 14;      // between them
  double column_gap = 84;
  double row_gap = 22;  // between stages of a column
  double lane_height = 10;
};

// `heights`: of each node.
GraphLayout LayOut(const BuildGraph& graph, const std::vector<double>& heights, const LayoutMetrics& metrics);

}  // namespace loam::driver
