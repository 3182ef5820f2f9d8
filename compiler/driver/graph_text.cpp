#include "compiler/driver/graph_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/utf8.h"

namespace loam::driver {
namespace {

// Byte offsets of the characters of a text, and its size.
std::vector<std::size_t> CharacterStarts(std::string_view text) {
  std::vector<std::size_t> starts;
  std::size_t pos = 0;
  while (pos < text.size()) {
    starts.push_back(pos);
    pos += DecodeRune(text.substr(pos)).size;
  }
  starts.push_back(text.size());
  return starts;
}

std::string OneLine(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= 0x20;
    if (!blank) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (out.ends_with(' ')) {
    out.pop_back();
  }
  return out;
}

}  // namespace

std::string Shortened(std::string_view text, std::size_t width) {
  std::string line = OneLine(text);
  const auto starts = CharacterStarts(line);
  if (starts.size() - 1 > width && width > 0) {
    line.resize(starts[width - 1]);
    line += "…";
  }
  return line;
}

std::vector<std::string> Wrapped(std::string_view text, std::size_t width, std::size_t lines) {
  std::vector<std::string> out;
  std::string rest = OneLine(text);
  while (!rest.empty() && out.size() + 1 < lines) {
    const auto starts = CharacterStarts(rest);
    if (starts.size() - 1 <= width) {
      break;
    }
    const std::size_t limit = starts[width];
    std::size_t cut = rest.rfind(' ', limit);
    if (cut == std::string::npos || cut * 2 < limit) {
      cut = limit;
    }
    out.push_back(rest.substr(0, cut));
    rest.erase(0, cut);
    rest.erase(0, std::min(rest.find_first_not_of(' '), rest.size()));
  }
  if (!rest.empty() || out.empty()) {
    out.push_back(Shortened(rest, width));
  }
  return out;
}

NodeColors ColorsOf(GraphNode::Kind kind) {
  switch (kind) {
    case GraphNode::Kind::kImage:
      return {"#dbeafe", "#3b82f6"};
    case GraphNode::Kind::kLocal:
      return {"#dcfce7", "#22a559"};
    case GraphNode::Kind::kGit:
      return {"#ffedd5", "#ea7317"};
    case GraphNode::Kind::kHttp:
      return {"#f3e8ff", "#a855f7"};
    case GraphNode::Kind::kSource:
      return {"#e2e8f0", "#64748b"};
    case GraphNode::Kind::kRun:
      return {"#ffffff", "#475569"};
    case GraphNode::Kind::kFile:
      return {"#fef9e7", "#c79a1b"};
    case GraphNode::Kind::kMerge:
    case GraphNode::Kind::kDiff:
    case GraphNode::Kind::kOther:
      return {"#f1f5f9", "#94a3b8"};
    case GraphNode::Kind::kResult:
      return {"#1e293b", "#1e293b"};
  }
  return {"#ffffff", "#000000"};
}

std::string_view KindName(GraphNode::Kind kind) {
  switch (kind) {
    case GraphNode::Kind::kImage:
      return "image";
    case GraphNode::Kind::kLocal:
      return "local files";
    case GraphNode::Kind::kGit:
      return "git";
    case GraphNode::Kind::kHttp:
      return "download";
    case GraphNode::Kind::kSource:
      return "other source";
    case GraphNode::Kind::kRun:
      return "command";
    case GraphNode::Kind::kFile:
      return "files";
    case GraphNode::Kind::kMerge:
      return "merge";
    case GraphNode::Kind::kDiff:
      return "difference";
    case GraphNode::Kind::kOther:
      return "other";
    case GraphNode::Kind::kResult:
      return "result";
  }
  return {};
}

std::string TimingColor(const StepTiming& timing, double longest) {
  switch (timing.state) {
    case StepTiming::State::kCached:
      return "#4ade80";
    case StepTiming::State::kFailed:
      return "#7f1d1d";
    case StepTiming::State::kNotReached:
      return "#cbd5e1";
    case StepTiming::State::kRan:
      break;
  }
  // From pale yellow over orange to red; the square root keeps short steps apart.
  const double share = std::sqrt(std::clamp(timing.seconds / longest, 0.0, 1.0));
  const auto mix = [&](double low, double high) { return static_cast<int>(std::lround(low + (high - low) * share)); };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(253, 220), mix(230, 38), mix(138, 38));
}

double LongestStep(const BuildGraph& graph) {
  double longest = 1;
  for (const GraphNode& node : graph.nodes) {
    if (node.timing && node.timing->state == StepTiming::State::kRan) {
      longest = std::max(longest, node.timing->seconds);
    }
  }
  return longest;
}

}  // namespace loam::driver
