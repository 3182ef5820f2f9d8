// LLB as a Graphviz graph.
#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/utf8.h"
#include "llb-emit/print.h"

namespace loam::llb {

namespace {

constexpr std::size_t kMaxLabel = 60;

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
    }
  }
  return out += '"';
}

std::string_view CustomName(const Vertex& vertex) {
  if (vertex.metadata == nullptr) {
    return {};
  }
  const auto found = vertex.metadata->description().find("llb.customname");
  return found == vertex.metadata->description().end() ? std::string_view() : std::string_view(found->second);
}

// "build" of "[build 2/5] RUN make" and of "[linux/arm64 build 2/5] …"; "" where no stage is named.
std::string_view StageOf(const Vertex& vertex) {
  const std::string_view name = CustomName(vertex);
  const std::size_t end = name.find(']');
  if (!name.starts_with('[') || end == std::string_view::npos) {
    return {};
  }
  const std::string_view inside = name.substr(1, end - 1);
  const std::size_t space = inside.rfind(' ');
  if (space == std::string_view::npos || inside.find('/', space) == std::string_view::npos) {
    return {};
  }
  return inside.substr(0, space);
}

std::string ActionLabel(const pb::FileAction& action) {
  switch (action.action_case()) {
    case pb::FileAction::kCopy:
      return fmt::format("copy {} {}", action.copy().src(), action.copy().dest());
    case pb::FileAction::kMkfile:
      return fmt::format("mkfile {}", action.mkfile().path());
    case pb::FileAction::kMkdir:
      return fmt::format("mkdir {}", action.mkdir().path());
    case pb::FileAction::kRm:
      return fmt::format("rm {}", action.rm().path());
    case pb::FileAction::kSymlink:
      return fmt::format("symlink {} {}", action.symlink().newpath(), action.symlink().oldpath());
    case pb::FileAction::ACTION_NOT_SET:
      break;
  }
  return "nothing";
}

struct Look {
  std::string label;
  std::string_view shape;
};

Look LookOf(const Vertex& vertex) {
  const std::string_view name = CustomName(vertex);
  const auto labelled = [name](std::string own, std::string_view shape) {
    return Look{name.empty() ? std::move(own) : std::string(name), shape};
  };
  switch (vertex.op.op_case()) {
    case pb::Op::kSource:
      return labelled(vertex.op.source().identifier(), "ellipse");
    case pb::Op::kExec: {
      const auto& args = vertex.op.exec().meta().args();
      return labelled(Join({args.begin(), args.end()}, " "), "box");
    }
    case pb::Op::kFile: {
      std::vector<std::string> actions;
      for (const pb::FileAction& action : vertex.op.file().actions()) {
        actions.push_back(ActionLabel(action));
      }
      return labelled(Join(actions, ", "), "note");
    }
    case pb::Op::kBuild:
      return labelled("build", "box3d");
    case pb::Op::kMerge:
      return labelled("merge", "invtriangle");
    case pb::Op::kDiff:
      return labelled("diff", "doublecircle");
    case pb::Op::kPassthrough:
      return labelled("passthrough " + vertex.op.passthrough().id(), "plaintext");
    case pb::Op::OP_NOT_SET:
      break;
  }
  return {vertex.digest.ToString(), "plaintext"};
}

// What input `index` is to the op: where it is mounted, or what is copied from it. "" for its main filesystem.
std::string EdgeLabel(const pb::Op& op, std::int64_t index) {
  std::vector<std::string> parts;
  for (const pb::Mount& mount : op.exec().mounts()) {
    if (mount.input() == index && mount.dest() != "/" && mount.mounttype() != pb::SECRET &&
        mount.mounttype() != pb::SSH) {
      parts.push_back(mount.dest());
    }
  }
  for (const pb::FileAction& action : op.file().actions()) {
    if (action.has_copy() && action.secondaryinput() == index) {
      parts.push_back(action.copy().src());
    }
  }
  return Join(parts, ", ");
}

void AppendVertex(const Vertex& vertex, std::uint32_t index, std::string_view indent, std::string& out) {
  const Look look = LookOf(vertex);
  fmt::format_to(std::back_inserter(out), "{}n{} [label={} shape={} tooltip={}];\n", indent, index,
                 Quoted(Shortened(look.label, kMaxLabel)), look.shape, Quoted(vertex.digest.ToString()));
}

}  // namespace

std::string PrintDot(const Graph& graph) {
  std::string out = "digraph llb {\n  rankdir=BT;\n  node [fontname=\"sans-serif\" fontsize=10];\n";
  // Stages in the order of their first op.
  std::vector<std::string_view> stages;
  std::map<std::string_view, std::vector<std::uint32_t>> members;
  for (const VertexIndex index : graph.order()) {
    const std::string_view stage = StageOf(graph.vertex(index));
    if (stage.empty()) {
      AppendVertex(graph.vertex(index), index.value(), "  ", out);
    } else {
      if (!members.contains(stage)) {
        stages.push_back(stage);
      }
      members[stage].push_back(index.value());
    }
  }
  for (std::size_t i = 0; i < stages.size(); ++i) {
    fmt::format_to(std::back_inserter(out), "  subgraph cluster_{} {{\n    label={};\n    style=rounded;\n", i,
                   Quoted(stages[i]));
    for (const std::uint32_t index : members[stages[i]]) {
      AppendVertex(graph.vertices()[index], index, "    ", out);
    }
    out += "  }\n";
  }
  for (const VertexIndex index : graph.order()) {
    const Vertex& vertex = graph.vertex(index);
    for (std::size_t i = 0; i < vertex.inputs.size(); ++i) {
      const std::string label = EdgeLabel(vertex.op, static_cast<std::int64_t>(i));
      fmt::format_to(std::back_inserter(out), "  n{} -> n{}{};\n", vertex.inputs[i].vertex.value(), index.value(),
                     label.empty() ? "" : fmt::format(" [label={}]", Quoted(Shortened(label, kMaxLabel))));
    }
  }
  if (!graph.is_scratch()) {
    fmt::format_to(std::back_inserter(out), "  result [shape=point];\n  n{} -> result;\n", graph.root().vertex.value());
  }
  return out += "}\n";
}

}  // namespace loam::llb
