#include "compiler/ir/graph.h"

#include <algorithm>
#include <new>

#include "compiler/ir/fields.h"

namespace loam::ir {
namespace {

constexpr std::uint32_t kFree = Value::kNone;

std::uint32_t CountResults(OpKind kind, const void* attrs) {
  switch (kind) {
    case OpKind::kExec:
    case OpKind::kCapture: {
      const auto& exec = *static_cast<const ExecAttrs*>(attrs);
      const auto outputs = std::count_if(exec.mounts.begin(), exec.mounts.end(), [](const Mount& mount) {
        return mount.output >= 0 && mount.kind != MountKind::kSecret && mount.kind != MountKind::kSsh;
      });
      return static_cast<std::uint32_t>(outputs) + (kind == OpKind::kCapture ? 2U : 0U);
    }
    case OpKind::kPassthrough:
      return static_cast<std::uint32_t>(static_cast<const PassthroughAttrs*>(attrs)->outputs.size());
    case OpKind::kSourceImage:
    case OpKind::kSourceImageBlob:
    case OpKind::kSourceOciLayout:
    case OpKind::kSourceOciBlob:
    case OpKind::kSourceLocal:
    case OpKind::kSourceGit:
    case OpKind::kSourceHttp:
    case OpKind::kFile:
    case OpKind::kMerge:
    case OpKind::kDiff:
    case OpKind::kBuild:
    case OpKind::kFileRead:
    case OpKind::kArtifactExtract:
    case OpKind::kArtifactFs:
    case OpKind::kStrConst:
    case OpKind::kStrConcat:
    case OpKind::kIntConst:
    case OpKind::kPlatformConst:
    case OpKind::kImageConst:
      return 1;
  }
  LOAM_UNREACHABLE("op kind outside the table");
}

Type ParseType(std::string_view text) {
  for (const Type type : {Type::kFs, Type::kImage, Type::kStr, Type::kInt, Type::kArtifact, Type::kPlatform}) {
    if (text == TypeName(type)) {
      return type;
    }
  }
  LOAM_UNREACHABLE("ops.def names an unknown type");
}

}  // namespace

bool operator==(const Platform& a, const Platform& b) {
  return EqualFields(a, b);
}

Graph::Graph() = default;
Graph::~Graph() = default;
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;

const void* Graph::CopyAttrs(OpKind kind, const void* attrs) {
  return VisitAttrsType(kind, [&]<class A>(std::type_identity<A>) -> const void* {
    A* copy = new (arena_.Allocate(sizeof(A), alignof(A))) A(*static_cast<const A*>(attrs));
    InternFields(arena_, *copy);
    return copy;
  });
}

const Platform* Graph::CopyPlatform(const Platform* platform) {
  if (platform == nullptr) {
    return nullptr;
  }
  if (last_platform_ != nullptr && *last_platform_ == *platform) {
    return last_platform_;
  }
  auto* copy = new (arena_.Allocate(sizeof(Platform), alignof(Platform))) Platform(*platform);
  InternFields(arena_, *copy);
  last_platform_ = copy;
  return copy;
}

void Graph::InsertIndex(std::uint32_t node) {
  if ((indexed_ + 1) * 2 > index_.size()) {
    std::vector<std::uint32_t> old =
        std::exchange(index_, std::vector<std::uint32_t>(std::max<std::size_t>(64, index_.size() * 2), kFree));
    indexed_ = 0;
    for (const std::uint32_t other : old) {
      if (other != kFree) {
        InsertIndex(other);
      }
    }
  }
  std::size_t slot = nodes_[node].hash_ & (index_.size() - 1);
  while (index_[slot] != kFree) {
    slot = (slot + 1) & (index_.size() - 1);
  }
  index_[slot] = node;
  ++indexed_;
}

Value Graph::AddAny(OpKind kind, std::span<const Value> operands, const void* attrs, const NodeOptions& options) {
  FieldHasher hasher;
  hasher.Word(static_cast<std::uint64_t>(kind));
  for (const Value& operand : operands) {
    LOAM_CHECK(operand.node < nodes_.size(), "operand is no node of this graph");
    hasher.Word(operand.node);
    hasher.Word(operand.result);
  }
  VisitAttrsType(kind, [&]<class A>(std::type_identity<A>) { hasher.Add(*static_cast<const A*>(attrs)); });
  if (options.platform != nullptr) {
    hasher.Add(*options.platform);
  }
  hasher.Add(options.worker_constraints);
  const std::uint64_t hash = hasher.value();

  if (!index_.empty()) {
    for (std::size_t slot = hash & (index_.size() - 1); index_[slot] != kFree;
         slot = (slot + 1) & (index_.size() - 1)) {
      const Node& other = nodes_[index_[slot]];
      if (other.hash_ == hash && other.kind_ == kind &&
          std::equal(operands.begin(), operands.end(), other.operands_.begin(), other.operands_.end()) &&
          (options.platform == nullptr) == (other.platform_ == nullptr) &&
          (options.platform == nullptr || *options.platform == *other.platform_) &&
          EqualFields(options.worker_constraints, other.worker_constraints_) &&
          VisitAttrsType(kind, [&]<class A>(std::type_identity<A>) {
            return EqualFields(*static_cast<const A*>(attrs), *static_cast<const A*>(other.attrs_));
          })) {
        return {index_[slot], 0};
      }
    }
  }

  Node node;
  node.kind_ = kind;
  node.hash_ = hash;
  node.operands_ = CopyArray(operands);
  node.attrs_ = CopyAttrs(kind, attrs);
  node.platform_ = CopyPlatform(options.platform);
  node.worker_constraints_ = options.worker_constraints;
  InternFields(arena_, node.worker_constraints_);
  node.result_count_ = CountResults(kind, attrs);
  const auto id = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back(std::move(node));
  InsertIndex(id);
  return {id, 0};
}

Value Graph::AddOpen(OpKind kind) {
  Node node;
  node.kind_ = kind;
  node.open_ = true;
  nodes_.push_back(std::move(node));
  return {static_cast<std::uint32_t>(nodes_.size() - 1), 0};
}

void Graph::CloseAny(Value value, OpKind kind, const void* attrs, const NodeOptions& options) {
  Node& node = nodes_[value.node];
  LOAM_CHECK(node.open_ && node.kind_ == kind, "only an open node can be closed, as the op it was opened for");
  node.open_ = false;
  node.attrs_ = CopyAttrs(kind, attrs);
  node.platform_ = CopyPlatform(options.platform);
  node.worker_constraints_ = options.worker_constraints;
  InternFields(arena_, node.worker_constraints_);
}

void Graph::Annotate(Value value, const Metadata& metadata) {
  if (value.is_scratch()) {
    return;
  }
  auto* copy = new (arena_.Allocate(sizeof(Metadata), alignof(Metadata))) Metadata(metadata);
  InternFields(arena_, *copy);
  nodes_[value.node].metadata_.push_back(copy);
}

std::span<const Metadata* const> Graph::MetadataOf(NodeId id) const {
  return nodes_[id.value()].metadata_;
}

Metadata Graph::MergeMetadata(std::span<const Metadata* const> all) const {
  if (all.empty()) {
    return {};
  }
  if (all.size() == 1) {
    return *all.front();
  }
  Metadata merged;
  std::vector<KeyValue> description;
  std::vector<std::string_view> caps;
  std::vector<SourceLocation> locations;
  for (const Metadata* part : all) {
    merged.ignore_cache |= part->ignore_cache;
    for (const KeyValue& entry : part->description) {
      const auto found = std::lower_bound(description.begin(), description.end(), entry.key,
                                          [](const KeyValue& a, std::string_view key) { return a.key < key; });
      if (found != description.end() && found->key == entry.key) {
        found->value = entry.value;
      } else {
        description.insert(found, entry);
      }
    }
    if (part->export_cache) {
      merged.export_cache = part->export_cache;
    }
    caps.insert(caps.end(), part->extra_caps.begin(), part->extra_caps.end());
    if (part->progress_group) {
      merged.progress_group = part->progress_group;
    }
    if (part->linux_resources) {
      merged.linux_resources = part->linux_resources;
    }
    locations.insert(locations.end(), part->locations.begin(), part->locations.end());
  }
  std::sort(caps.begin(), caps.end());
  caps.erase(std::unique(caps.begin(), caps.end()), caps.end());
  merged.description = CopyArray<KeyValue>(description);
  merged.extra_caps = CopyArray<std::string_view>(caps);
  merged.locations = CopyArray<SourceLocation>(locations);
  return merged;
}

Type Graph::TypeOf(Value value) const {
  if (value.is_scratch()) {
    return Type::kFs;
  }
  const Node& node = nodes_[value.node];
  std::string_view results = GetOpInfo(node.kind_).results;
  // "fs*" stands for all results that the rest of the list does not take.
  if (results.starts_with("fs*")) {
    const std::uint32_t rest = static_cast<std::uint32_t>(std::count(results.begin(), results.end(), ' '));
    if (value.result + rest < node.result_count_) {
      return Type::kFs;
    }
    std::uint32_t skip = value.result + rest - node.result_count_;
    results.remove_prefix(std::min(results.size(), std::string_view("fs* ").size()));
    while (skip-- > 0) {
      results.remove_prefix(results.find(' ') + 1);
    }
  }
  return ParseType(results.substr(0, results.find(' ')));
}

std::vector<Value> Graph::WalkOrder(NodeId id) const {
  const Node& node = nodes_[id.value()];
  std::vector<Value> order;
  if (node.kind_ != OpKind::kFile) {
    order.assign(node.operands_.begin(), node.operands_.end());
    return order;
  }
  const auto add = [&](std::int64_t input) {
    if (input >= 0 && static_cast<std::size_t>(input) < node.operands_.size()) {
      const Value operand = node.operands_[static_cast<std::size_t>(input)];
      if (std::find(order.begin(), order.end(), operand) == order.end()) {
        order.push_back(operand);
      }
    }
  };
  const auto& actions = static_cast<const FileAttrs*>(node.attrs_)->actions;
  if (!actions.empty()) {
    add(actions.front().input);
  }
  for (auto action = actions.rbegin(); action != actions.rend(); ++action) {
    add(action->secondary_input);
  }
  for (std::size_t i = 0; i < node.operands_.size(); ++i) {
    add(static_cast<std::int64_t>(i));
  }
  return order;
}

std::vector<NodeId> Graph::PostOrder(std::span<const Value> roots) const {
  struct Frame {
    std::uint32_t node;
    std::vector<Value> operands;
    std::size_t next = 0;
  };
  std::vector<NodeId> order;
  std::vector<bool> seen(nodes_.size());
  std::vector<Frame> stack;
  for (const Value& root : roots) {
    if (root.is_scratch() || seen[root.node]) {
      continue;
    }
    seen[root.node] = true;
    stack.push_back({root.node, WalkOrder(root.node_id())});
    while (!stack.empty()) {
      Frame& frame = stack.back();
      if (frame.next < frame.operands.size()) {
        const Value operand = frame.operands[frame.next++];
        if (!operand.is_scratch() && !seen[operand.node]) {
          seen[operand.node] = true;
          stack.push_back({operand.node, WalkOrder(operand.node_id())});
        }
        continue;
      }
      order.push_back(NodeId(frame.node));
      stack.pop_back();
    }
  }
  return order;
}

}  // namespace loam::ir
