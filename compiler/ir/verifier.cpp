#include "compiler/ir/verifier.h"

#include <fmt/format.h>

namespace loam::ir {
namespace {

class Verifier {
 public:
  explicit Verifier(const Module& module) : module_(module), graph_(module.graph) {}

  Result<void> Run() {
    for (std::uint32_t i = 0; i < graph_.size(); ++i) {
      id_ = i;
      LOAM_TRY(CheckNode(graph_.node(NodeId(i))));
    }
    for (const ModuleResult& result : module_.results) {
      LOAM_TRY(CheckValue(result.fs, "a result"));
      if (graph_.TypeOf(result.fs) != Type::kFs) {
        return Unexpected(ErrorCode::kInvalidArgument, "a result is no filesystem");
      }
    }
    for (const SourceFile& source : module_.sources) {
      if (source.state) {
        LOAM_TRY(CheckValue(*source.state, "a source's state"));
      }
    }
    return {};
  }

 private:
  tl::unexpected<Error> Fail(std::string_view rule) const {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("%{} ({}): {}", id_, GetOpInfo(graph_.node(NodeId(id_)).kind()).text, rule));
  }

  Result<void> CheckValue(Value value, std::string_view what) const {
    if (!value.is_scratch() && (value.node >= graph_.size() || value.result >= graph_.node(value).result_count())) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("{} is %{}:{}, which there is not", what, value.node, value.result));
    }
    return {};
  }

  // An operand's index, or -1.
  [[nodiscard]] bool IsInput(std::int64_t input) const { return input >= -1 && input < operands_; }

  Result<void> CheckNode(const Node& node) {
    if (node.open()) {
      return Fail("it was never closed");
    }
    operands_ = static_cast<std::int64_t>(node.operands().size());
    for (const Value& operand : node.operands()) {
      if (operand.is_scratch()) {
        return Fail("scratch is no operand");
      }
      // A node that was closed late is no exception: sources have no operands.
      if (operand.node >= id_) {
        return Fail("an operand is not older than its user");
      }
      if (operand.result >= graph_.node(operand).result_count()) {
        return Fail(fmt::format("operand %{}:{} does not exist", operand.node, operand.result));
      }
    }
    LOAM_TRY(CheckOperandTypes(node));
    switch (node.kind()) {
      case OpKind::kExec:
      case OpKind::kCapture:
        return CheckExec(node, node.As<ExecAttrs>());
      case OpKind::kFile:
        return CheckFile(node.As<FileAttrs>());
      case OpKind::kMerge:
        return operands_ < 2 ? Result<void>(Fail("a merge needs two operands")) : Result<void>();
      case OpKind::kDiff: {
        const auto& diff = node.As<DiffAttrs>();
        return IsInput(diff.lower) && IsInput(diff.upper) ? Result<void>()
                                                          : Result<void>(Fail("an input is out of range"));
      }
      case OpKind::kBuild: {
        const auto& build = node.As<BuildAttrs>();
        bool ok = IsInput(build.builder);
        for (const BuildInput& input : build.inputs) {
          ok = ok && IsInput(input.input);
        }
        return ok ? Result<void>() : Result<void>(Fail("an input is out of range"));
      }
      case OpKind::kPassthrough: {
        const auto& passthrough = node.As<PassthroughAttrs>();
        for (const std::int64_t output : passthrough.outputs) {
          if (output < 0 || output >= operands_) {
            return Fail("an output is no operand");
          }
        }
        return passthrough.id.empty() || passthrough.outputs.empty()
                   ? Result<void>(Fail("it needs an id and an output"))
                   : Result<void>();
      }
      case OpKind::kSourceImage:
      case OpKind::kSourceImageBlob:
      case OpKind::kSourceOciLayout:
      case OpKind::kSourceOciBlob:
      case OpKind::kSourceLocal:
      case OpKind::kSourceGit:
      case OpKind::kSourceHttp:
        return CheckSource(node.As<SourceAttrs>());
      case OpKind::kFileRead:
      case OpKind::kArtifactExtract:
        return node.As<PathAttrs>().path.empty() ? Result<void>(Fail("the path is empty")) : Result<void>();
      case OpKind::kArtifactFs:
      case OpKind::kStrConst:
      case OpKind::kStrConcat:
      case OpKind::kIntConst:
      case OpKind::kPlatformConst:
      case OpKind::kImageConst:
        return {};
    }
    LOAM_UNREACHABLE("op kind outside the table");
  }

  Result<void> CheckOperandTypes(const Node& node) const {
    const std::string_view spec = GetOpInfo(node.kind()).operands;
    const bool many = spec.ends_with('*');
    const std::size_t expected = spec.empty() ? 0 : 1;
    if (!many && node.operands().size() != expected) {
      return Fail(fmt::format("it takes {} operands", expected));
    }
    const std::string_view type = many ? spec.substr(0, spec.size() - 1) : spec;
    for (const Value& operand : node.operands()) {
      if (TypeName(graph_.TypeOf(operand)) != type) {
        return Fail(fmt::format("operand %{} is no {}", operand.node, type));
      }
    }
    return {};
  }

  Result<void> CheckSource(const SourceAttrs& source) const {
    if (source.identifier.empty()) {
      return Fail("a source needs an identifier");
    }
    for (std::size_t i = 1; i < source.attrs.size(); ++i) {
      if (source.attrs[i - 1].key >= source.attrs[i].key) {
        return Fail("attributes are not sorted");
      }
    }
    return {};
  }

  Result<void> CheckExec(const Node& node, const ExecAttrs& exec) const {
    if (exec.args.empty() || exec.cwd.empty()) {
      return Fail("it needs arguments and a directory");
    }
    std::int64_t outputs = 0;
    std::string_view last;
    bool root = false;
    for (const Mount& mount : exec.mounts) {
      if (!IsInput(mount.input)) {
        return Fail(fmt::format("the input of mount `{}` is out of range", mount.dest));
      }
      if (mount.kind == MountKind::kSecret || mount.kind == MountKind::kSsh) {
        if (!mount.credential) {
          return Fail(fmt::format("mount `{}` has no credential", mount.dest));
        }
        continue;
      }
      if (mount.dest < last) {
        return Fail("mounts are not sorted");
      }
      last = mount.dest;
      root = root || mount.dest == "/";
      if (mount.output >= 0 && mount.output != outputs++) {
        return Fail("outputs are not numbered in the order of mounts");
      }
    }
    const auto extra = node.kind() == OpKind::kCapture ? 2 : 0;
    if (!root || outputs + extra != static_cast<std::int64_t>(node.result_count())) {
      return Fail(root ? "results and outputs differ in number" : "there is no root mount");
    }
    return {};
  }

  Result<void> CheckFile(const FileAttrs& file) const {
    std::int64_t results = 0;
    for (std::size_t i = 0; i < file.actions.size(); ++i) {
      const FileAction& action = file.actions[i];
      const std::int64_t limit = operands_ + static_cast<std::int64_t>(i);
      if (action.input < -1 || action.input >= limit || action.secondary_input < -1 ||
          action.secondary_input >= limit) {
        return Fail(fmt::format("an input of action {} is out of range", i));
      }
      if (action.output > 0 || action.output < -1) {
        return Fail("a file op has the one output 0");
      }
      results += action.output == 0 ? 1 : 0;
      for (const auto* user : {action.owner && action.owner->user ? &*action.owner->user : nullptr,
                               action.owner && action.owner->group ? &*action.owner->group : nullptr}) {
        if (user != nullptr && !user->name.empty() && !IsInput(user->input)) {
          return Fail(fmt::format("the owner of action {} is looked up nowhere", i));
        }
      }
    }
    return results == 1 ? Result<void>() : Result<void>(Fail("a file op has exactly one output"));
  }

  const Module& module_;
  const Graph& graph_;
  std::uint32_t id_ = 0;
  std::int64_t operands_ = 0;
};

}  // namespace

Result<> Verify(const Module& module) {
  return Verifier(module).Run();
}

}  // namespace loam::ir
