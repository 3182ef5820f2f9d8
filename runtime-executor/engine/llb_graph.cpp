#include "runtime-executor/engine/llb_graph.h"

#include <memory>
#include <string>

#include "base/utf8.h"
#include "llb-emit/read.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/op_resolver.h"

namespace loam::engine {
namespace {

// pb.Empty
constexpr std::int64_t kNoInput = -1;
// Of the name of an op that is named by its inputs: without a limit it doubles with each op.
constexpr std::size_t kMaxNameOfNames = 1024;

std::string FileName(const pb::FileOp& op) {
  std::string name;
  for (const pb::FileAction& action : op.actions()) {
    name += name.empty() ? "" : ", ";
    switch (action.action_case()) {
      case pb::FileAction::kMkdir:
        name += "mkdir " + action.mkdir().path();
        break;
      case pb::FileAction::kMkfile:
        name += "mkfile " + action.mkfile().path();
        break;
      case pb::FileAction::kSymlink:
        name += "symlink " + action.symlink().newpath() + " -> " + action.symlink().oldpath();
        break;
      case pb::FileAction::kRm:
        name += "rm " + action.rm().path();
        break;
      case pb::FileAction::kCopy:
        name += "copy " + action.copy().src() + " " + action.copy().dest();
        break;
      default:  // protobuf's own enum
        name += "unknown";
    }
  }
  return name;
}

std::string DiffSide(std::int64_t input, const std::vector<solver::Edge>& inputs) {
  if (input == kNoInput || input < 0 || static_cast<std::size_t>(input) >= inputs.size()) {
    return "scratch";
  }
  return "(" + inputs[static_cast<std::size_t>(input)].vertex->name + ")";
}

// What BuildKit shows for a vertex that the frontend gave no name.
std::string DefaultName(const pb::Op& op, const std::vector<solver::Edge>& inputs) {
  std::string name;
  switch (op.op_case()) {
    case pb::Op::kSource:
      return op.source().identifier();
    case pb::Op::kExec:
      for (const std::string& arg : op.exec().meta().args()) {
        name += (name.empty() ? "" : " ") + arg;
      }
      return name;
    case pb::Op::kFile:
      return FileName(op.file());
    case pb::Op::kBuild:
      return "build";
    case pb::Op::kMerge:
      for (const solver::Edge& input : inputs) {
        if (name.size() > kMaxNameOfNames) {
          break;
        }
        name += (name.empty() ? "" : ", ") + input.vertex->name;
      }
      return Shortened("merge (" + name + ")", kMaxNameOfNames);
    case pb::Op::kDiff:
      return Shortened(
          "diff " + DiffSide(op.diff().lower().input(), inputs) + " -> " + DiffSide(op.diff().upper().input(), inputs),
          kMaxNameOfNames);
    case pb::Op::kPassthrough:
      return "passthrough " + op.passthrough().id();
    default:  // protobuf's own enum
      return "unknown";
  }
}

// A directory of the client. One with an id of its own is the same directory for all who know the id.
bool IsOfOneJob(const pb::Op& op) {
  if (!op.has_source() || !op.source().identifier().starts_with("local://")) {
    return false;
  }
  const auto unique = op.source().attrs().find("local.unique");
  return unique == op.source().attrs().end() || unique->second.empty();
}

void ReadMetadata(const pb::OpMetadata& metadata, solver::Vertex& vertex) {
  vertex.options.ignore_cache = metadata.ignore_cache();
  if (metadata.has_export_cache()) {
    vertex.options.export_cache = metadata.export_cache().value();
  }
  vertex.options.description.insert(metadata.description().begin(), metadata.description().end());
  if (metadata.has_progress_group()) {
    const pb::ProgressGroup& group = metadata.progress_group();
    vertex.options.progress_group =
        std::make_shared<const solver::ProgressGroup>(solver::ProgressGroup{group.id(), group.name(), group.weak()});
  }
  const auto name = vertex.options.description.find("llb.customname");
  if (name != vertex.options.description.end()) {
    vertex.name = name->second;
  }
}

}  // namespace

Result<LlbGraph> ReadLlbGraph(std::span<const std::string_view> definitions,
                              const std::vector<std::shared_ptr<const solver::CacheImport>>& imports) {
  LlbGraph result;
  const auto graph = std::make_shared<solver::Graph>();
  for (const std::string_view definition : definitions) {
    // The ops stay where they were read; the payloads keep the whole.
    const auto llb = std::make_shared<const llb::Graph>(LOAM_TRY(llb::ReadDefinition(definition)));
    if (llb->is_scratch()) {
      result.results.emplace_back();
      continue;
    }
    std::vector<const solver::Vertex*> added(llb->vertices().size(), nullptr);
    const auto edge_of = [&](const llb::Edge& edge) { return solver::Edge{added[edge.vertex.value()], edge.output}; };
    for (const llb::VertexIndex index : llb->order()) {
      const llb::Vertex& from = llb->vertex(index);
      solver::Vertex vertex;
      vertex.digest = from.digest;
      for (const llb::Edge& input : from.inputs) {
        vertex.inputs.push_back(edge_of(input));
      }
      if (from.metadata != nullptr) {
        ReadMetadata(*from.metadata, vertex);
      }
      if (vertex.name.empty()) {
        vertex.name = DefaultName(from.op, vertex.inputs);
      }
      vertex.options.imports = imports;
      vertex.options.job_local = IsOfOneJob(from.op);
      if (vertex.options.ignore_cache && from.op.has_exec()) {
        for (const pb::Mount& mount : from.op.exec().mounts()) {
          if (mount.mounttype() == pb::CACHE) {
            result.renewed_cache_mounts.insert(mount.cacheopt().id());
          }
        }
      }
      vertex.payload = std::make_shared<const ops::LlbPayload>(
          std::shared_ptr<const pb::Op>(llb, &from.op), std::shared_ptr<const pb::OpMetadata>(llb, from.metadata));
      added[index.value()] = graph->Add(std::move(vertex));
    }
    result.results.emplace_back(edge_of(llb->root()));
  }
  result.graph = graph;
  return result;
}

}  // namespace loam::engine
