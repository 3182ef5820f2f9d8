#include "llb-emit/read.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>

#include <limits>

#include "llb-emit/validate.h"

namespace loam::llb {

namespace {

tl::unexpected<Error> Invalid(std::string message) {
  return Unexpected(ErrorCode::kInvalidArgument, std::move(message));
}

std::string OpName(std::size_t index, const Digest& digest) {
  return fmt::format("op {} ({})", index, digest.ToString());
}

Result<> CheckLocations(const pb::Definition& definition) {
  const int files = definition.source().infos_size();
  for (const auto& [digest, locations] : definition.source().locations()) {
    for (const pb::Location& location : locations.locations()) {
      if (location.sourceindex() < 0 || location.sourceindex() >= files) {
        return Invalid(
            fmt::format("a location of `{}` is in source {}, but there are {}", digest, location.sourceindex(), files));
      }
    }
  }
  return {};
}

}  // namespace

const Vertex* Graph::Find(const Digest& digest) const {
  const auto found = by_digest_.find(digest);
  return found == by_digest_.end() ? nullptr : &vertices_[found->second];
}

Result<Graph> ReadDefinition(std::string_view bytes, const ReadLimits& limits) {
  if (bytes.size() > limits.bytes || bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return Unexpected(
        ErrorCode::kResourceExhausted,
        fmt::format("a definition of {} bytes; {} are the most that is read", bytes.size(), limits.bytes));
  }
  const google::protobuf::LogSilencer quiet;  // what it would say on stderr is in our error
  auto definition = std::make_unique<pb::Definition>();
  if (!definition->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Invalid("these bytes are no LLB definition");
  }
  return ReadDefinition(std::move(definition), limits);
}

Result<Graph> ReadDefinition(std::unique_ptr<const pb::Definition> definition, const ReadLimits& limits) {
  Graph graph;
  graph.definition_ = std::move(definition);
  const pb::Definition& source = *graph.definition_;
  if (static_cast<std::size_t>(source.def_size()) > limits.vertices) {
    return Unexpected(ErrorCode::kResourceExhausted, fmt::format("a definition of {} ops; {} are the most that is read",
                                                                 source.def_size(), limits.vertices));
  }
  LOAM_TRY(CheckLocations(source));
  if (source.def_size() == 0) {
    return graph;
  }

  const google::protobuf::LogSilencer quiet;
  // All ops, each once, and the last one apart.
  pb::Op last;
  std::vector<std::size_t> place;  // of a vertex in the definition
  for (int i = 0; i < source.def_size(); ++i) {
    const std::string& bytes = source.def(i);
    const Digest digest = Digest::Of(bytes);
    graph.op_digests_.push_back(digest);
    const bool is_last = i + 1 == source.def_size();
    pb::Op op;
    if (!op.ParseFromString(bytes)) {
      return Invalid(fmt::format("{} is no LLB op", OpName(graph.op_digests_.size() - 1, digest)));
    }
    if (is_last) {
      last = std::move(op);
      break;
    }
    if (const auto [found, added] = graph.by_digest_.emplace(digest, graph.vertices_.size()); !added) {
      continue;
    }
    LOAM_TRY_CONTEXT(OpName(static_cast<std::size_t>(i), digest), ValidateOp(op));
    Vertex vertex;
    vertex.digest = digest;
    vertex.bytes = bytes;
    vertex.op = std::move(op);
    const std::string key = digest.ToString();
    if (const auto found = source.metadata().find(key); found != source.metadata().end()) {
      vertex.metadata = &found->second;
    }
    if (const auto found = source.source().locations().find(key); found != source.source().locations().end()) {
      vertex.locations = &found->second;
    }
    graph.vertices_.push_back(std::move(vertex));
    place.push_back(static_cast<std::size_t>(i));
  }

  const auto resolve = [&graph](const pb::Input& input) -> Result<Edge> {
    const Digest digest = LOAM_TRY(Digest::Parse(input.digest()));
    const auto found = graph.by_digest_.find(digest);
    if (found == graph.by_digest_.end()) {
      return Invalid(fmt::format("the input {} is missing in the definition", input.digest()));
    }
    const std::uint32_t outputs = OutputCount(graph.vertices_[found->second].op);
    if (input.index() < 0 || input.index() >= outputs) {
      return Invalid(fmt::format("the input {} has no output {}, only {}", input.digest(), input.index(), outputs));
    }
    return Edge{VertexIndex(found->second), static_cast<std::uint32_t>(input.index())};
  };

  std::vector<std::vector<std::uint32_t>> inputs(graph.vertices_.size());
  for (std::size_t i = 0; i < graph.vertices_.size(); ++i) {
    Vertex& vertex = graph.vertices_[i];
    for (const pb::Input& input : vertex.op.inputs()) {
      vertex.inputs.push_back(LOAM_TRY_CONTEXT(OpName(place[i], vertex.digest), resolve(input)));
      inputs[i].push_back(vertex.inputs.back().vertex.value());
    }
  }

  const std::string last_name = OpName(graph.op_digests_.size() - 1, graph.op_digests_.back());
  if (last.op_case() != pb::Op::OP_NOT_SET || last.inputs_size() > 1) {
    return Invalid(
        fmt::format("{} is the last one: it must have a single input, the result, and nothing else", last_name));
  }
  if (last.inputs_size() == 0) {
    return graph;
  }
  graph.root_ = LOAM_TRY_CONTEXT(last_name, resolve(last.inputs(0)));
  graph.scratch_ = false;
  for (const std::uint32_t index : LOAM_TRY(TopologicalOrder(inputs, graph.root_.vertex.value()))) {
    graph.vertices_[index].reachable = true;
    graph.order_.push_back(VertexIndex(index));
  }
  return graph;
}

}  // namespace loam::llb
