#include "llb-emit/emit.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>

#include <fmt/format.h>

#include "base/check.h"
#include "llb-emit/caps.h"
#include "llb-emit/metadata_writer.h"
#include "llb-emit/op_writer.h"
#include "llb-emit/wire.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::llb {

namespace {

constexpr int kMaxSourceDepth = 8;  // a source file in a state whose own sources are in states …

// "sha256:<hex>" without an allocation.
class DigestText {
 public:
  explicit DigestText(const Digest& digest) {
    static constexpr char kDigits[] = "0123456789abcdef";
    static constexpr std::string_view kPrefix = "sha256:";
    std::memcpy(text_.data(), kPrefix.data(), kPrefix.size());
    char* out = text_.data() + kPrefix.size();
    for (const std::uint8_t byte : digest.bytes()) {
      *out++ = kDigits[byte >> 4];
      *out++ = kDigits[byte & 15];
    }
  }
  [[nodiscard]] std::string_view view() const { return {text_.data(), text_.size()}; }

 private:
  std::array<char, 71> text_{};
};

class Emitter {
 public:
  // Without `sources`, locations are left out.
  Emitter(const ir::Graph& graph, const std::vector<ir::SourceFile>* sources, int depth)
      : graph_(graph), sources_(sources), depth_(depth) {}

  Result<Definition> Run(ir::Value root, const EmitOptions& options) {
    if (root.is_scratch()) {
      return Definition{};
    }
    const std::vector<ir::NodeId> order = graph_.PostOrder({&root, 1});
    definition_.ops.reserve(order.size() + 1);
    digests_.reserve(order.size() + 1);
    op_of_node_.reserve(order.size());
    // 200 bytes are a typical op, 500 with its metadata.
    definition_.bytes.reserve(order.size() * 700 + 256);

    for (const ir::NodeId id : order) {
      LOAM_TRY(EmitNode(id));
    }
    EmitLast(root);
    definition_.head = definition_.ops[op_of_node_[root.node]].digest;
    if (options.metadata) {
      LOAM_TRY(EmitMetadata());
      if (sources_ != nullptr) {
        LOAM_TRY(EmitSource());
      }
    }
    if (!out_.valid_utf8()) {
      return Unexpected(ErrorCode::kInvalidArgument, "text that is not valid UTF-8 has no place in LLB");
    }
    return std::move(definition_);
  }

 private:
  static constexpr std::uint32_t kNotEmitted = 0xffffffffU;

  Result<> EmitNode(ir::NodeId id) {
    const ir::Node& node = graph_.node(id);
    if (node.open() || !HasLlbForm(node.kind())) {
      return Unexpected(ErrorCode::kFailedPrecondition,
                        fmt::format("%{} = {} {}", id.value(), ir::GetOpInfo(node.kind()).text,
                                    node.open() ? "was never closed" : "has no form in LLB"));
    }
    inputs_.clear();
    for (const ir::Value& operand : node.operands()) {
      if (operand.is_scratch()) {
        return Unexpected(ErrorCode::kFailedPrecondition,
                          fmt::format("%{} = {} has scratch as an operand, which is no vertex of LLB", id.value(),
                                      ir::GetOpInfo(node.kind()).text));
      }
      inputs_.push_back({digests_[op_of_node_[operand.node]].view(), operand.result});
    }
    const std::size_t tag = definition_.bytes.size();
    const std::size_t start = out_.Begin(1);
    WriteOp(out_, node, inputs_);
    const Digest digest = Digest::Of(std::string_view(definition_.bytes).substr(start));
    if (const std::uint32_t equal = FindOp(digest); equal != kNotEmitted) {
      // Two nodes that LLB cannot tell apart: one vertex with the metadata of both.
      definition_.bytes.resize(tag);
      op_of_node_[id.value()] = equal;
      duplicates_.push_back({equal, id});
      return {};
    }
    const std::size_t size = definition_.bytes.size() - start;
    out_.End(start);
    op_of_node_[id.value()] = static_cast<std::uint32_t>(definition_.ops.size());
    AddOp(digest, size, id.value());
    return {};
  }

  void EmitLast(ir::Value root) {
    const std::size_t start = out_.Begin(1);
    out_.Message(1, [&] {
      out_.Raw(1, digests_[op_of_node_[root.node]].view());
      out_.Int(2, root.result);
    });
    const std::size_t size = definition_.bytes.size() - start;
    const Digest digest = Digest::Of(std::string_view(definition_.bytes).substr(start));
    out_.End(start);
    AddOp(digest, size, ir::Value::kNone);
  }

  void AddOp(const Digest& digest, std::size_t size, std::uint32_t node) {
    const std::size_t index = definition_.ops.size();
    definition_.ops.push_back({digest, definition_.bytes.size() - size, size, node});
    digests_.emplace_back(digest);
    if (index * 2 >= slots_.size()) {
      slots_.assign(std::max<std::size_t>(64, slots_.size() * 4), kNotEmitted);
      for (std::size_t i = 0; i < index; ++i) {
        InsertSlot(static_cast<std::uint32_t>(i));
      }
    }
    InsertSlot(static_cast<std::uint32_t>(index));
  }

  [[nodiscard]] std::size_t FirstSlot(const Digest& digest) const {
    return std::hash<Digest>()(digest) & (slots_.size() - 1);
  }
  void InsertSlot(std::uint32_t op) {
    std::size_t slot = FirstSlot(definition_.ops[op].digest);
    while (slots_[slot] != kNotEmitted) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    slots_[slot] = op;
  }
  [[nodiscard]] std::uint32_t FindOp(const Digest& digest) const {
    if (slots_.empty()) {
      return kNotEmitted;
    }
    for (std::size_t slot = FirstSlot(digest);; slot = (slot + 1) & (slots_.size() - 1)) {
      if (slots_[slot] == kNotEmitted || definition_.ops[slots_[slot]].digest == digest) {
        return slots_[slot];
      }
    }
  }

  // Indexes of the ops by digest: the order of upstream's maps when they are written deterministically.
  [[nodiscard]] std::vector<std::uint32_t> SortedOps(std::size_t count) const {
    std::vector<std::uint32_t> sorted(count);
    for (std::size_t i = 0; i < count; ++i) {
      sorted[i] = static_cast<std::uint32_t>(i);
    }
    std::sort(sorted.begin(), sorted.end(), [this](std::uint32_t a, std::uint32_t b) {
      return definition_.ops[a].digest.bytes() < definition_.ops[b].digest.bytes();
    });
    return sorted;
  }

  // What Definition.metadata says of each op: of the nodes that became it, in order.
  [[nodiscard]] ir::Metadata MetadataOf(std::uint32_t op) {
    const ir::NodeId first(definition_.ops[op].node);
    parts_.clear();
    const auto add = [this](ir::NodeId id) {
      const auto all = graph_.MetadataOf(id);
      parts_.insert(parts_.end(), all.begin(), all.end());
    };
    add(first);
    for (const auto& [equal, id] : duplicates_) {
      if (equal == op) {
        add(id);
      }
    }
    return graph_.MergeMetadata(parts_);
  }

  Result<> EmitMetadata() {
    const std::size_t vertices = definition_.ops.size() - 1;
    metadata_.reserve(vertices);
    CapSet last_caps;
    last_caps.Add("constraints");
    last_caps.Add("platform");
    for (std::size_t i = 0; i < vertices; ++i) {
      metadata_.push_back(MetadataOf(static_cast<std::uint32_t>(i)));
      if (metadata_.back().ignore_cache) {
        last_caps.Add("meta.ignorecache");
      }
      if (!metadata_.back().description.empty()) {
        last_caps.Add("meta.description");
      }
      if (metadata_.back().export_cache) {
        last_caps.Add("meta.exportcache");
      }
    }
    CapSet caps;
    for (const std::uint32_t op : SortedOps(vertices + 1)) {
      if (op == vertices) {
        WriteMetadataEntry(out_, digests_[op].view(), {}, last_caps);
        continue;
      }
      const ir::Metadata& metadata = metadata_[op];
      caps.Clear();
      AddOpCaps(graph_.node(ir::NodeId(definition_.ops[op].node)), metadata.linux_resources.has_value(), caps);
      for (const std::string_view cap : metadata.extra_caps) {
        caps.Add(cap);
      }
      WriteMetadataEntry(out_, digests_[op].view(), metadata, caps);
    }
    return {};
  }

  Result<> EmitSource() {
    // Files are numbered in the order in which ops refer to them.
    std::vector<std::int32_t> index(sources_->size(), -1);
    std::vector<std::size_t> files;
    for (const ir::Metadata& metadata : metadata_) {
      for (const ir::SourceLocation& location : metadata.locations) {
        if (location.source < 0 || static_cast<std::size_t>(location.source) >= index.size()) {
          return Unexpected(
              ErrorCode::kFailedPrecondition,
              fmt::format("a location is in source {}, but there are {} sources", location.source, index.size()));
        }
        std::int32_t& number = index[static_cast<std::size_t>(location.source)];
        if (number < 0) {
          number = static_cast<std::int32_t>(files.size());
          files.push_back(static_cast<std::size_t>(location.source));
        }
      }
    }
    const std::size_t start = out_.Begin(3);
    for (const std::uint32_t op : SortedOps(metadata_.size())) {
      WriteLocationsEntry(out_, digests_[op].view(), metadata_[op].locations, index);
    }
    for (const std::size_t file : files) {
      LOAM_TRY(EmitSourceFile((*sources_)[file]));
    }
    out_.End(start);
    return {};
  }

  Result<> EmitSourceFile(const ir::SourceFile& file) {
    std::string state;
    if (file.state) {
      if (depth_ >= kMaxSourceDepth) {
        return Unexpected(ErrorCode::kFailedPrecondition,
                          fmt::format("the source `{}` lies in a state whose sources lie in states, more than {} deep",
                                      file.filename, kMaxSourceDepth));
      }
      state = LOAM_TRY(Emitter(graph_, sources_, depth_ + 1).Run(*file.state, {})).bytes;
    }
    out_.Message(2, [&] {
      out_.String(1, file.filename);
      out_.Bytes(2, file.data);
      if (file.state) {
        out_.Raw(3, state);
      }
      out_.String(4, file.language);
    });
    return {};
  }

  const ir::Graph& graph_;
  const std::vector<ir::SourceFile>* const sources_;
  const int depth_;
  Definition definition_;
  WireWriter out_{definition_.bytes};
  std::vector<DigestText> digests_;  // one an op
  // Sparse: a definition may be a small part of a large graph.
  std::unordered_map<std::uint32_t, std::uint32_t> op_of_node_;  // by node
  std::vector<std::uint32_t> slots_;                             // ops by digest, open addressing
  std::vector<std::pair<std::uint32_t, ir::NodeId>> duplicates_;
  std::vector<OpInput> inputs_;
  std::vector<const ir::Metadata*> parts_;
  std::vector<ir::Metadata> metadata_;  // one a vertex
};

}  // namespace

Result<Definition> Emit(const ir::Module& module, ir::Value root, const EmitOptions& options) {
  return Emitter(module.graph, &module.sources, 0).Run(root, options);
}

Result<Definition> Emit(const ir::Graph& graph, ir::Value root, const EmitOptions& options) {
  return Emitter(graph, nullptr, 0).Run(root, options);
}

pb::Definition ToProto(const Definition& definition) {
  pb::Definition proto;
  LOAM_CHECK(proto.ParseFromString(definition.bytes), "an emitted definition can be read");
  return proto;
}

}  // namespace loam::llb
