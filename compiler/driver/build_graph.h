// BuildGraph: a build as people think of it, to be drawn: steps in stages, what they start from and what they take from
// where. Made from LLB, so it shows what is built, at -O0 as well as optimised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llb-emit/read.h"

namespace loam::driver {

// How a step went in a build.
struct StepTiming {
  enum class State : std::uint8_t { kRan, kCached, kFailed, kNotReached };
  State state = State::kNotReached;
  double seconds = 0;  // of kRan and kFailed
};

struct GraphNode {
  enum class Kind : std::uint8_t { kImage, kLocal, kGit, kHttp, kSource, kRun, kFile, kMerge, kDiff, kOther, kResult };
  Kind kind = Kind::kOther;
  // "RUN make", "alpine:3.20", "build context"; without the position in its stage.
  std::string label;
  // "2/5" or "".
  std::string position;
  // Mounts that are no edges: "cache /root/.cache", "secret token".
  std::vector<std::string> details;
  std::string name;    // as progress shows it: "[build 2/5] RUN make"
  std::string digest;  // of the op; "" for kResult
  std::optional<std::size_t> stage;
  std::optional<StepTiming> timing;

  [[nodiscard]] bool is_source() const { return kind <= Kind::kSource; }
};

struct GraphEdge {
  // kBase: the filesystem that a step changes; kFiles: files are copied; kMount: it is seen while a command runs.
  enum class Kind : std::uint8_t { kBase, kFiles, kMount };
  std::size_t from = 0;
  std::size_t to = 0;
  Kind kind = Kind::kBase;
  // What is copied, or where it is mounted.
  std::string label;
};

struct GraphStage {
  std::string name;  // "" for the only stage of a file
  // In the order of the build.
  std::vector<std::size_t> nodes;
};

struct BuildGraph {
  std::string title;
  // Set if it shows a build that was made: what the picture says below its title.
  std::string summary;
  // Inputs before those that use them; the last one is the result.
  std::vector<GraphNode> nodes;
  std::vector<GraphEdge> edges;
  std::vector<GraphStage> stages;
};

// What the definition's result needs.
BuildGraph MakeBuildGraph(const llb::Graph& llb);

// "1.2s", "340ms", "cached", "failed after 2.0s", "not run".
std::string TimingText(const StepTiming& timing);
// "stage build", or "the stage" for the only one.
std::string StageTitle(const GraphStage& stage);

// For Graphviz: `dot -Tpng`.
std::string GraphDot(const BuildGraph& graph);
// A flowchart for Markdown files.
std::string GraphMermaid(const BuildGraph& graph);
// A picture of its own, without other programs.
std::string GraphSvg(const BuildGraph& graph);

}  // namespace loam::driver
