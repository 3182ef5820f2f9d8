#include "runtime-executor/ops/file_op.h"

#include <map>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/file_actions.h"
#include "runtime-executor/ops/file_cache_map.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/layer_downloads.h"
#include "runtime-executor/ops/op_failure.h"
#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/worker/user_lookup.h"

namespace loam::ops {

namespace {

// Runs the actions of one op. Values are numbered as the actions number them: the op's inputs, then the results of the
// actions. A result that only the next action writes on stays open; others are committed.
class FileActions {
 public:
  FileActions(const pb::FileOp& file, const std::string& name, std::span<const solver::ResultPtr> inputs,
              snapshot::LayerStore& layers, std::stop_token stop)
      : file_(file), name_(name), inputs_(inputs), layers_(layers), stop_(std::move(stop)) {}

  Result<std::vector<solver::ResultPtr>> Run();
  // After Run has failed: its error, with what the actions made.
  Error WithFilesystems(Error error);

 private:
  [[nodiscard]] std::int64_t input_count() const { return static_cast<std::int64_t>(inputs_.size()); }
  Result<> Evaluate(std::int64_t value);
  Result<> Perform(const pb::FileAction& action, std::int64_t value);
  // The value as a filesystem that no one writes on; -1 is the empty one.
  Result<snapshot::FsRef> Read(std::int64_t value);
  Result<FileOwner> LookUpOwner(const pb::ChownOpt& owner);
  Result<worker::UserDatabase> Users(std::int64_t value);
  Result<> Apply(const pb::FileAction& action, int root_fd);

  const pb::FileOp& file_;
  const std::string& name_;  // of the vertex
  const std::span<const solver::ResultPtr> inputs_;
  snapshot::LayerStore& layers_;
  const std::stop_token stop_;
  std::map<std::int64_t, int> uses_;  // how often a value is read or written on
  std::map<std::int64_t, snapshot::FsRef> committed_;
  std::map<std::int64_t, snapshot::ActiveFs> open_;
  std::optional<std::int64_t> failed_;
};

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

Result<snapshot::FsRef> FileActions::Read(std::int64_t value) {
  if (value == -1) {
    return snapshot::FsRef();
  }
  if (value < input_count()) {
    return FsOf(inputs_[static_cast<std::size_t>(value)]);
  }
  const auto open = open_.find(value);
  if (open != open_.end()) {
    snapshot::ActiveFs active = std::move(open->second);
    open_.erase(open);
    snapshot::FsRef fs = LOAM_TRY(std::move(active).Commit());
    LOAM_TRY(layers_.Describe(fs, name_.empty() ? "fileop target" : name_));
    committed_[value] = std::move(fs);
  }
  return committed_.at(value);
}

Result<worker::UserDatabase> FileActions::Users(std::int64_t value) {
  if (value < 0 || value >= input_count() + file_.actions_size()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("invalid user index {}", value));
  }
  const snapshot::FsRef fs = LOAM_TRY(Read(value));
  if (fs.is_scratch()) {
    return worker::UserDatabase();
  }
  const snapshot::MountedFs mounted = LOAM_TRY(layers_.Mount(fs, stop_));
  return worker::ReadUserDatabase(mounted.fd());
}

// As upstream, a name that is not found is 0; a user given by number has the group of that number.
Result<FileOwner> FileActions::LookUpOwner(const pb::ChownOpt& owner) {
  std::pair<uid_t, gid_t> ids{0, 0};
  if (owner.user().has_byname()) {
    const auto users = LOAM_TRY(Users(owner.user().byname().input()));
    // "name:0:0" style lookups give the group of the entry too.
    if (worker::LookUpUserId(owner.user().byname().name(), users)) {
      const auto found = LOAM_TRY(worker::LookUpUser(owner.user().byname().name(), users));
      ids = {found.uid, found.gid};
    }
  } else if (owner.has_user()) {
    ids = {owner.user().byid(), owner.user().byid()};
  }
  if (owner.group().has_byname()) {
    const auto users = LOAM_TRY(Users(owner.group().byname().input()));
    if (const auto gid = worker::LookUpGroupId(owner.group().byname().name(), users)) {
      ids.second = *gid;
    }
  } else if (owner.group().user_case() == pb::UserOpt::kByID) {
    ids.second = owner.group().byid();
  }
  return FileOwner(ids);
}

Result<> FileActions::Apply(const pb::FileAction& action, int root_fd) {
  FileOwner owner;
  if (const pb::ChownOpt* named = OwnerOf(action)) {
    owner = LOAM_TRY(LookUpOwner(*named));
  }
  switch (action.action_case()) {
    case pb::FileAction::kCopy: {
      const snapshot::FsRef from = LOAM_TRY(Read(action.secondaryinput()));
      const snapshot::MountedFs mounted = LOAM_TRY(layers_.Mount(from, stop_));
      return CopyAction(SourceTree(mounted), root_fd, action.copy(), owner, stop_);
    }
    case pb::FileAction::kMkfile:
      return MakeFileAction(root_fd, action.mkfile(), owner);
    case pb::FileAction::kMkdir:
      return MakeDirectoryAction(root_fd, action.mkdir(), owner);
    case pb::FileAction::kRm:
      return RemoveAction(root_fd, action.rm());
    case pb::FileAction::kSymlink:
      return SymlinkAction(root_fd, action.symlink(), owner);
    case pb::FileAction::ACTION_NOT_SET:
      return Unexpected(ErrorCode::kUnimplemented, "a file action of an unknown kind");
  }
  return {};
}

Result<> FileActions::Perform(const pb::FileAction& action, std::int64_t value) {
  const auto open = open_.find(action.input());
  std::optional<snapshot::ActiveFs> active;
  if (open != open_.end() && uses_[action.input()] == 1) {
    active = std::move(open->second);
    open_.erase(open);
  } else {
    const snapshot::FsRef base = LOAM_TRY(Read(action.input()));
    active = LOAM_TRY(layers_.Begin(base, stop_));
  }
  if (Result<> applied = Apply(action, active->fd()); !applied) {
    failed_ = value;
    open_.emplace(value, *std::move(active));
    return applied;
  }
  open_.emplace(value, *std::move(active));
  return {};
}

Result<> FileActions::Evaluate(std::int64_t value) {
  // Chains may be long, so no recursion. A value on the way twice is a loop.
  std::vector<std::int64_t> stack = {value};
  while (!stack.empty()) {
    const std::int64_t current = stack.back();
    if (current < input_count() || committed_.contains(current) || open_.contains(current)) {
      stack.pop_back();
      continue;
    }
    const pb::FileAction& action = file_.actions(static_cast<int>(current - input_count()));
    std::vector<std::int64_t> needed = {action.input(), action.secondaryinput()};
    if (const pb::ChownOpt* owner = OwnerOf(action)) {
      if (owner->user().has_byname()) {
        needed.push_back(owner->user().byname().input());
      }
      if (owner->group().has_byname()) {
        needed.push_back(owner->group().byname().input());
      }
    }
    const std::size_t before = stack.size();
    for (const std::int64_t other : needed) {
      if (other >= input_count() && !committed_.contains(other) && !open_.contains(other)) {
        stack.push_back(other);
      }
    }
    if (stack.size() > before) {
      if (stack.size() > static_cast<std::size_t>(4 * file_.actions_size() + 4)) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("loop from file action {}", current - input_count()));
      }
      continue;
    }
    LOAM_TRY(Perform(action, current));
    stack.pop_back();
  }
  return {};
}

Error FileActions::WithFilesystems(Error error) {
  FailedFilesystems failed;
  if (!failed_) {
    return error;
  }
  for (const solver::ResultPtr& input : inputs_) {
    failed.inputs.emplace_back(FsOf(input));
  }
  for (std::int64_t value = input_count(); value < input_count() + file_.actions_size(); ++value) {
    failed.outputs.emplace_back();
    if (committed_.contains(value) || open_.contains(value)) {
      if (Result<snapshot::FsRef> made = Read(value)) {
        failed.outputs.back() = *std::move(made);
      }
    }
  }
  failed.file_action = *failed_ - input_count();
  return WithOuterDetail<FailedFilesystemsDetail>(std::move(error), std::move(failed));
}

Result<std::vector<solver::ResultPtr>> FileActions::Run() {
  const std::int64_t total = input_count() + file_.actions_size();
  std::map<std::int64_t, std::int64_t> outputs;  // output -> value
  for (int i = 0; i < file_.actions_size(); ++i) {
    const pb::FileAction& action = file_.actions(i);
    std::vector<std::int64_t> read = {action.input(), action.secondaryinput()};
    if (const pb::ChownOpt* owner = OwnerOf(action)) {
      if (owner->user().has_byname()) {
        read.push_back(owner->user().byname().input());
      }
      if (owner->group().has_byname()) {
        read.push_back(owner->group().byname().input());
      }
    }
    for (const std::int64_t value : read) {
      if (value < -1 || value >= total) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("invalid input index {}, {} provided", value, total));
      }
      ++uses_[value];
    }
    if (action.output() != -1) {
      const std::int64_t value = input_count() + i;
      ++uses_[value];
      if (!outputs.emplace(action.output(), value).second) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("duplicate output {}", action.output()));
      }
    }
  }
  if (outputs.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "no outputs specified");
  }
  std::vector<solver::ResultPtr> results;
  for (const auto& [output, value] : outputs) {
    if (output != static_cast<std::int64_t>(results.size())) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("missing output index {}", results.size()));
    }
    LOAM_TRY(Evaluate(value));
    results.push_back(MakeFsResult(LOAM_TRY(Read(value))));
  }
  return results;
}

class FileOp final : public solver::Op {
 public:
  FileOp(const solver::Vertex& vertex, const pb::Op& op, const OpEnvironment& environment)
      : vertex_(vertex), op_(op), environment_(environment) {}

  [[nodiscard]] Result<solver::CacheMap> ComputeCacheMap(solver::OpContext& /*context*/) override {
    return FileCacheMap(op_, vertex_.inputs.size(), environment_.checksums);
  }
  [[nodiscard]] bool cheap_cache_map() const override { return true; }
  [[nodiscard]] bool cpu_bound() const override { return true; }
  [[nodiscard]] Result<std::vector<solver::ResultPtr>> Run(solver::OpContext& context,
                                                           std::span<const solver::ResultPtr> inputs) override {
    std::vector<std::shared_ptr<void>> downloads;
    for (const solver::ResultPtr& input : inputs) {
      downloads.push_back(ShowLayerDownloads(*environment_.layers, FsOf(input), context));
    }
    FileActions actions(op_.file(), vertex_.name, inputs, *environment_.layers, context.stop());
    Result<std::vector<solver::ResultPtr>> results = actions.Run();
    if (!results && !results.error().Is(ErrorCode::kCanceled)) {
      return Unexpected(actions.WithFilesystems(std::move(results).error()));
    }
    return results;
  }

 private:
  const solver::Vertex& vertex_;
  const pb::Op& op_;
  const OpEnvironment& environment_;
};

}  // namespace

Result<std::unique_ptr<solver::Op>> NewFileOp(const solver::Vertex& vertex, const LlbPayload& payload,
                                              const OpEnvironment& environment) {
  if (payload.op().file().actions().empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "file op without actions");
  }
  return std::make_unique<FileOp>(vertex, payload.op(), environment);
}

}  // namespace loam::ops
