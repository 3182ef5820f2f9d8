#include "llb-emit/validate.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/check.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::llb {

namespace {

// More outputs than mounts or actions make sense would only cost memory in whoever counts them.
constexpr std::int64_t kMaxOutputs = 1 << 20;

tl::unexpected<Error> Invalid(std::string message) {
  return Unexpected(ErrorCode::kInvalidArgument, std::move(message));
}

// `index` is -1 (where `none_allowed`) or less than `count`.
Result<> CheckIndex(std::string_view what, std::int64_t index, std::int64_t count, bool none_allowed) {
  if ((index == -1 && none_allowed) || (index >= 0 && index < count)) {
    return {};
  }
  return Invalid(fmt::format("{} is {}, but there {} {}", what, index, count == 1 ? "is only" : "are", count));
}

Result<> CheckOutput(std::string_view what, std::int64_t output) {
  if (output < -1 || output >= kMaxOutputs) {
    return Invalid(fmt::format("{} has the output {}", what, output));
  }
  return {};
}

Result<> ValidateExec(const pb::ExecOp& exec, std::int64_t inputs) {
  if (!exec.has_meta()) {
    return Invalid("an exec op without meta");
  }
  if (exec.meta().args_size() == 0) {
    return Invalid("an exec op without arguments");
  }
  if (exec.mounts_size() == 0) {
    return Invalid("an exec op without mounts");
  }
  if (!pb::SecurityMode_IsValid(exec.security())) {
    return Invalid("an exec op with an invalid security mode");
  }
  if (!pb::NetMode_IsValid(exec.network())) {
    return Invalid("an exec op with an unknown network mode");
  }
  bool root = false;
  for (const pb::Mount& mount : exec.mounts()) {
    if (!pb::MountType_IsValid(mount.mounttype()) || !pb::MountContentCache_IsValid(mount.contentcache()) ||
        !pb::CacheSharingOpt_IsValid(mount.cacheopt().sharing())) {
      return Invalid(fmt::format("the mount at `{}` is of an unknown kind", mount.dest()));
    }
    root = root || mount.dest() == "/";
    LOAM_TRY(CheckIndex(fmt::format("the input of the mount at `{}`", mount.dest()), mount.input(), inputs, true));
    // Secret and SSH mounts have no output, whatever the field says.
    if (mount.mounttype() != pb::SECRET && mount.mounttype() != pb::SSH) {
      LOAM_TRY(CheckOutput(fmt::format("the mount at `{}`", mount.dest()), mount.output()));
    }
  }
  return root ? Result<>() : Invalid("an exec op without a mount at `/`");
}

Result<> ValidateUser(const pb::UserOpt& user, std::int64_t inputs) {
  if (user.user_case() == pb::UserOpt::kByName) {
    return CheckIndex(fmt::format("the input that knows the user `{}`", user.byname().name()), user.byname().input(),
                      inputs, true);
  }
  return {};
}

const pb::ChownOpt* OwnerOf(const pb::FileAction& action) {
  switch (action.action_case()) {
    case pb::FileAction::kCopy:
      return action.copy().has_owner() ? &action.copy().owner() : nullptr;
    case pb::FileAction::kMkfile:
      return action.mkfile().has_owner() ? &action.mkfile().owner() : nullptr;
    case pb::FileAction::kMkdir:
      return action.mkdir().has_owner() ? &action.mkdir().owner() : nullptr;
    case pb::FileAction::kSymlink:
      return action.symlink().has_owner() ? &action.symlink().owner() : nullptr;
    case pb::FileAction::kRm:
    case pb::FileAction::ACTION_NOT_SET:
      return nullptr;
  }
  return nullptr;
}

Result<> ValidateFile(const pb::FileOp& file, std::int64_t inputs) {
  if (file.actions_size() == 0) {
    return Invalid("a file op without actions");
  }
  for (int i = 0; i < file.actions_size(); ++i) {
    const pb::FileAction& action = file.actions(i);
    if (action.action_case() == pb::FileAction::ACTION_NOT_SET) {
      return Invalid(fmt::format("action {} does nothing that is known", i));
    }
    // Results of earlier actions are numbered after the inputs.
    const std::int64_t known = inputs + i;
    LOAM_TRY(CheckIndex(fmt::format("the input of action {}", i), action.input(), known, true));
    LOAM_TRY(CheckIndex(fmt::format("the secondary input of action {}", i), action.secondaryinput(), known, true));
    LOAM_TRY(CheckOutput(fmt::format("action {}", i), action.output()));
    if (const pb::ChownOpt* owner = OwnerOf(action)) {
      LOAM_TRY(ValidateUser(owner->user(), inputs));
      LOAM_TRY(ValidateUser(owner->group(), inputs));
    }
  }
  return {};
}

Result<> ValidateBuild(const pb::BuildOp& build, std::int64_t inputs) {
  LOAM_TRY(CheckIndex("the builder", build.builder(), inputs, true));
  for (const auto& [name, input] : build.inputs()) {
    LOAM_TRY(CheckIndex(fmt::format("the input `{}`", name), input.input(), inputs, true));
  }
  return {};
}

Result<> ValidatePassthrough(const pb::PassthroughOp& passthrough, std::int64_t inputs) {
  if (passthrough.id().empty()) {
    return Invalid("a passthrough op without an id");
  }
  if (passthrough.outputs_size() == 0) {
    return Invalid("a passthrough op without outputs");
  }
  for (const std::int64_t output : passthrough.outputs()) {
    LOAM_TRY(CheckIndex("the input of an output", output, inputs, false));
  }
  return {};
}

}  // namespace

Result<> ValidateOp(const pb::Op& op) {
  const std::int64_t inputs = op.inputs_size();
  switch (op.op_case()) {
    case pb::Op::kExec:
      return ValidateExec(op.exec(), inputs);
    case pb::Op::kSource:
      return op.source().identifier().empty() ? Invalid("a source without an identifier") : Result<>();
    case pb::Op::kFile:
      return ValidateFile(op.file(), inputs);
    case pb::Op::kBuild:
      return ValidateBuild(op.build(), inputs);
    case pb::Op::kMerge:
      for (const pb::MergeInput& input : op.merge().inputs()) {
        LOAM_TRY(CheckIndex("an input of the merge", input.input(), inputs, true));
      }
      return {};
    case pb::Op::kDiff:
      if (!op.diff().has_lower() || !op.diff().has_upper()) {
        return Invalid("a diff op without its lower or upper side");
      }
      LOAM_TRY(CheckIndex("the lower side of the diff", op.diff().lower().input(), inputs, true));
      return CheckIndex("the upper side of the diff", op.diff().upper().input(), inputs, true);
    case pb::Op::kPassthrough:
      return ValidatePassthrough(op.passthrough(), inputs);
    case pb::Op::OP_NOT_SET:
      return Invalid("an op of no known kind");
  }
  return Invalid("an op of no known kind");
}

std::uint32_t OutputCount(const pb::Op& op) {
  std::int64_t last = -1;
  switch (op.op_case()) {
    case pb::Op::kExec:
      for (const pb::Mount& mount : op.exec().mounts()) {
        if (mount.mounttype() != pb::SECRET && mount.mounttype() != pb::SSH) {
          last = std::max(last, mount.output());
        }
      }
      return static_cast<std::uint32_t>(last + 1);
    case pb::Op::kFile:
      for (const pb::FileAction& action : op.file().actions()) {
        last = std::max(last, action.output());
      }
      return static_cast<std::uint32_t>(last + 1);
    case pb::Op::kPassthrough:
      return static_cast<std::uint32_t>(op.passthrough().outputs_size());
    case pb::Op::kSource:
    case pb::Op::kBuild:
    case pb::Op::kMerge:
    case pb::Op::kDiff:
      return 1;
    case pb::Op::OP_NOT_SET:
      return 0;
  }
  return 0;
}

Result<std::vector<std::uint32_t>> TopologicalOrder(const std::vector<std::vector<std::uint32_t>>& inputs,
                                                    std::uint32_t root) {
  enum class State : std::uint8_t { kNew, kOpen, kDone };
  struct Frame {
    std::uint32_t vertex;
    std::size_t next = 0;
  };
  std::vector<State> state(inputs.size(), State::kNew);
  std::vector<std::uint32_t> order;
  std::vector<Frame> stack{{root}};
  state[root] = State::kOpen;
  while (!stack.empty()) {
    Frame& frame = stack.back();
    if (frame.next == inputs[frame.vertex].size()) {
      state[frame.vertex] = State::kDone;
      order.push_back(frame.vertex);
      stack.pop_back();
      continue;
    }
    const std::uint32_t input = inputs[frame.vertex][frame.next++];
    if (state[input] == State::kOpen) {
      return Invalid(fmt::format("op {} needs itself", input));
    }
    if (state[input] == State::kNew) {
      state[input] = State::kOpen;
      stack.push_back({input});
    }
  }
  return order;
}

}  // namespace loam::llb
