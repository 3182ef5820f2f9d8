// Texts of drawings. Private to the .cpp files that draw.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/driver/build_graph.h"

namespace loam::driver {

// At most `width` characters, the last one an ellipsis if something is missing; control characters become blanks.
std::string Shortened(std::string_view text, std::size_t width);
// At most `lines` lines of at most `width` characters, broken at blanks where there are some.
std::vector<std::string> Wrapped(std::string_view text, std::size_t width, std::size_t lines);

// What a node looks like: fill and border.
struct NodeColors {
  std::string_view fill;
  std::string_view border;
};
NodeColors ColorsOf(GraphNode::Kind kind);
// "image", "build context", "command", … for legends.
std::string_view KindName(GraphNode::Kind kind);
// Light for what is fast, strong for what takes `longest` seconds, or the colour of the state.
std::string TimingColor(const StepTiming& timing, double longest);
// The longest step that ran; at least a second.
double LongestStep(const BuildGraph& graph);

}  // namespace loam::driver
