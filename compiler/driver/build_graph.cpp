#include "compiler/driver/build_graph.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::driver {
namespace {

using NodeKind = GraphNode::Kind;

// The parts of "[linux/arm64 build 2/5] RUN make".
struct StepName {
  std::string_view stage;
  std::string_view position;
  std::string_view text;
  bool in_stage = false;
};

bool IsPosition(std::string_view text) {
  const auto pair = SplitOnce(text, '/');
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return pair && digits(pair->first) && digits(pair->second);
}

StepName ParseStepName(std::string_view name) {
  StepName step;
  step.text = name;
  const std::size_t end = name.find(']');
  if (!name.starts_with('[') || end == std::string_view::npos) {
    return step;
  }
  const std::string_view inside = name.substr(1, end - 1);
  step.text = name.substr(end + 1);
  step.text.remove_prefix(std::min(step.text.find_first_not_of(' '), step.text.size()));
  const std::size_t space = inside.rfind(' ');
  const std::string_view last = space == std::string_view::npos ? inside : inside.substr(space + 1);
  if (IsPosition(last)) {
    step.in_stage = true;
    step.position = last;
    // Positions are padded: "[build  2/12]".
    std::string_view stage = space == std::string_view::npos ? std::string_view() : inside.substr(0, space);
    while (stage.ends_with(' ')) {
      stage.remove_suffix(1);
    }
    step.stage = stage;
  }
  return step;
}

std::string_view CustomName(const llb::Vertex& vertex) {
  if (vertex.metadata == nullptr) {
    return {};
  }
  const auto found = vertex.metadata->description().find("llb.customname");
  return found == vertex.metadata->description().end() ? std::string_view() : std::string_view(found->second);
}

// "alpine:3.20" of "docker-image://docker.io/library/alpine:3.20@sha256:…".
std::string ShortImage(std::string_view reference) {
  reference = reference.substr(0, reference.find('@'));
  for (const std::string_view prefix : {"docker.io/library/", "docker.io/"}) {
    if (reference.starts_with(prefix)) {
      return std::string(reference.substr(prefix.size()));
    }
  }
  return std::string(reference);
}

void DescribeSource(const pb::SourceOp& source, GraphNode& node) {
  const std::string& identifier = source.identifier();
  const std::size_t colon = identifier.find("://");
  const std::string_view scheme = std::string_view(identifier).substr(0, colon);
  const std::string_view rest =
      colon == std::string::npos ? std::string_view() : std::string_view(identifier).substr(colon + 3);
  node.label = identifier;
  node.kind = NodeKind::kSource;
  if (scheme == "docker-image" || scheme == "oci-layout") {
    node.kind = NodeKind::kImage;
    node.label = "FROM " + ShortImage(rest);
  } else if (scheme == "local") {
    node.kind = NodeKind::kLocal;
    node.label = rest == "context" ? "build context" : fmt::format("context {}", rest);
  } else if (scheme == "git") {
    node.kind = NodeKind::kGit;
    node.label = fmt::format("git {}", rest);
  } else if (scheme == "http" || scheme == "https") {
    node.kind = NodeKind::kHttp;
  }
}

// Without the positions of steps that became one: "WORKDIR /a + [build 2/5] COPY . ." shows them.
std::string WithoutPositions(std::string_view text) {
  constexpr std::string_view kJoint = " + [";
  std::string out;
  for (;;) {
    const std::size_t at = text.find(kJoint);
    const std::size_t end = at == std::string_view::npos ? at : text.find("] ", at);
    if (end == std::string_view::npos) {
      return out.append(text);
    }
    out.append(text.substr(0, at)).append(" + ");
    text.remove_prefix(end + 2);
  }
}

// RUN without its --mount flags, which are shown as edges and details.
std::string WithoutMounts(std::string_view text) {
  std::string out;
  if (!text.starts_with("RUN ")) {
    return std::string(text);
  }
  std::string_view rest = text.substr(4);
  while (rest.starts_with("--mount=")) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) {
      return std::string(text);
    }
    rest.remove_prefix(space);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  }
  return "RUN " + std::string(rest);
}

void DescribeMounts(const pb::ExecOp& exec, GraphNode& node) {
  for (const pb::Mount& mount : exec.mounts()) {
    switch (mount.mounttype()) {
      case pb::CACHE:
        node.details.push_back(fmt::format("cache {}", mount.dest()));
        break;
      case pb::TMPFS:
        node.details.push_back(fmt::format("tmpfs {}", mount.dest()));
        break;
      case pb::SECRET:
        node.details.push_back(fmt::format("secret {}", mount.secretopt().id()));
        break;
      case pb::SSH:
        node.details.push_back(fmt::format("ssh {}", mount.sshopt().id().empty() ? "default" : mount.sshopt().id()));
        break;
      case pb::BIND:
      default:
        break;
    }
  }
  for (const pb::SecretEnv& secret : exec.secretenv()) {
    node.details.push_back(fmt::format("secret {} as ${}", secret.id(), secret.name()));
  }
  if (exec.network() == pb::NetMode::HOST) {
    node.details.emplace_back("network host");
  } else if (exec.network() == pb::NetMode::NONE) {
    node.details.emplace_back("no network");
  }
}

std::string ActionText(const pb::FileAction& action) {
  switch (action.action_case()) {
    case pb::FileAction::kCopy:
      return fmt::format("copy {} {}", action.copy().src(), action.copy().dest());
    case pb::FileAction::kMkfile:
      return fmt::format("write {}", action.mkfile().path());
    case pb::FileAction::kMkdir:
      return fmt::format("mkdir {}", action.mkdir().path());
    case pb::FileAction::kRm:
      return fmt::format("rm {}", action.rm().path());
    case pb::FileAction::kSymlink:
      return fmt::format("link {}", action.symlink().newpath());
    case pb::FileAction::ACTION_NOT_SET:
      break;
  }
  return "nothing";
}

// Files from elsewhere stand outside of the stage that takes them; its base image is its first step.
bool BelongsToStage(const GraphNode& node) {
  return !node.is_source() || node.kind == NodeKind::kImage;
}

GraphNode Describe(const llb::Vertex& vertex) {
  GraphNode node;
  node.digest = vertex.digest.ToString();
  switch (vertex.op.op_case()) {
    case pb::Op::kSource:
      DescribeSource(vertex.op.source(), node);
      break;
    case pb::Op::kExec: {
      const auto& args = vertex.op.exec().meta().args();
      node.kind = NodeKind::kRun;
      node.label = Join({args.begin(), args.end()}, " ");
      DescribeMounts(vertex.op.exec(), node);
      break;
    }
    case pb::Op::kFile: {
      std::vector<std::string> actions;
      for (const pb::FileAction& action : vertex.op.file().actions()) {
        actions.push_back(ActionText(action));
      }
      node.kind = NodeKind::kFile;
      node.label = Join(actions, ", ");
      break;
    }
    case pb::Op::kMerge:
      node.kind = NodeKind::kMerge;
      node.label = "merge";
      break;
    case pb::Op::kDiff:
      node.kind = NodeKind::kDiff;
      node.label = "diff";
      break;
    case pb::Op::kBuild:
      node.label = "build";
      break;
    case pb::Op::kPassthrough:
      node.label = "passthrough " + vertex.op.passthrough().id();
      break;
    case pb::Op::OP_NOT_SET:
      node.label = "nothing";
      break;
  }
  node.name = CustomName(vertex);
  if (!node.name.empty()) {
    const StepName step = ParseStepName(node.name);
    // The names of sources say less than what they are.
    if (node.name == "[internal] preparing inline document") {
      node.label = fmt::format("heredoc {}", vertex.op.file().actions(0).mkfile().path());
    } else if (!node.is_source()) {
      node.label = WithoutPositions(WithoutMounts(step.text));
    }
    if (BelongsToStage(node)) {
      node.position = step.position;
    }
  } else {
    node.name = node.label;
  }
  return node;
}

void AddEdges(const llb::Vertex& vertex, std::size_t to, const std::map<std::uint32_t, std::size_t>& nodes,
              std::vector<GraphEdge>& edges) {
  for (std::size_t i = 0; i < vertex.inputs.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    GraphEdge edge;
    edge.from = nodes.at(vertex.inputs[i].vertex.value());
    edge.to = to;
    bool is_base = !vertex.op.has_file() && !vertex.op.has_exec();
    std::vector<std::string> labels;
    for (const pb::Mount& mount : vertex.op.exec().mounts()) {
      if (mount.input() != index || mount.mounttype() == pb::SECRET || mount.mounttype() == pb::SSH) {
        continue;
      }
      if (mount.dest() == "/") {
        is_base = true;
      } else {
        edge.kind = GraphEdge::Kind::kMount;
        labels.push_back(mount.dest());
      }
    }
    for (const pb::FileAction& action : vertex.op.file().actions()) {
      if (action.has_copy() && action.secondaryinput() == index) {
        edge.kind = GraphEdge::Kind::kFiles;
        labels.push_back(action.copy().src());
      }
      is_base = is_base || action.input() == index;
    }
    if (is_base) {
      edge.kind = GraphEdge::Kind::kBase;
    }
    // All of it: nothing to say.
    labels.erase(std::remove(labels.begin(), labels.end(), "/"), labels.end());
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
    edge.label = Join(labels, ", ");
    edges.push_back(std::move(edge));
  }
}

// Steps that no name puts into a stage (a merge) belong to the stage of those that use them, if they change something
// that is there: the file of a heredoc is a source of its own.
void AdoptNameless(BuildGraph& graph) {
  std::vector<std::optional<std::size_t>> user(graph.nodes.size());
  // Edges are in the order of the nodes that they lead to.
  std::size_t edges = graph.edges.size();
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    GraphNode& node = graph.nodes[i];
    const bool has_inputs = edges > 0 && graph.edges[edges - 1].to == i;
    if (!node.stage && !node.is_source() && node.kind != NodeKind::kResult && has_inputs) {
      node.stage = user[i];
    }
    for (; edges > 0 && graph.edges[edges - 1].to == i; --edges) {
      if (node.stage) {
        user[graph.edges[edges - 1].from] = node.stage;
      }
    }
  }
}

}  // namespace

BuildGraph MakeBuildGraph(const llb::Graph& llb) {
  BuildGraph graph;
  std::map<std::uint32_t, std::size_t> numbers;
  std::map<std::string, std::size_t, std::less<>> stages;
  for (const llb::VertexIndex index : llb.order()) {
    const llb::Vertex& vertex = llb.vertex(index);
    const std::size_t number = graph.nodes.size();
    numbers[index.value()] = number;
    GraphNode& node = graph.nodes.emplace_back(Describe(vertex));
    if (const StepName step = ParseStepName(node.name); step.in_stage && BelongsToStage(node)) {
      const auto [found, is_new] = stages.try_emplace(std::string(step.stage), graph.stages.size());
      if (is_new) {
        graph.stages.push_back({std::string(step.stage), {}});
      }
      node.stage = found->second;
    }
    AddEdges(vertex, number, numbers, graph.edges);
  }
  GraphNode result;
  result.kind = NodeKind::kResult;
  result.label = llb.is_scratch() ? "result: an empty filesystem" : "result";
  graph.nodes.push_back(std::move(result));
  if (!llb.is_scratch()) {
    graph.edges.push_back({numbers.at(llb.root().vertex.value()), graph.nodes.size() - 1, GraphEdge::Kind::kBase, {}});
  }
  AdoptNameless(graph);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (const auto stage = graph.nodes[i].stage) {
      graph.stages[*stage].nodes.push_back(i);
    }
  }
  return graph;
}

std::string TimingText(const StepTiming& timing) {
  const auto time = [&] {
    return timing.seconds >= 60
               ? fmt::format("{}m{:02}s", static_cast<int>(timing.seconds) / 60, static_cast<int>(timing.seconds) % 60)
           : timing.seconds >= 1 ? fmt::format("{:.1f}s", timing.seconds)
                                 : fmt::format("{:.0f}ms", timing.seconds * 1000);
  };
  switch (timing.state) {
    case StepTiming::State::kRan:
      return time();
    case StepTiming::State::kCached:
      return "cached";
    case StepTiming::State::kFailed:
      return "failed, " + time();
    case StepTiming::State::kNotReached:
      return "not run";
  }
  return {};
}

std::string StageTitle(const GraphStage& stage) {
  return stage.name.empty() ? "the stage" : stage.name;
}

}  // namespace loam::driver
