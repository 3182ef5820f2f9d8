#include "runtime-executor/ops/file_cache_map.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "base/go_json.h"
#include "base/pattern_matcher.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::ops {

namespace {

// Go's path.Base.
std::string PathBase(std::string_view path) {
  if (path.empty()) {
    return ".";
  }
  while (!path.empty() && path.back() == '/') {
    path.remove_suffix(1);
  }
  if (path.empty()) {
    return "/";
  }
  const auto slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::string UserJson(const pb::UserOpt& user) {
  GoJsonObject inner;
  switch (user.user_case()) {
    case pb::UserOpt::kByName:
      inner.Always("byName",
                   GoJsonObject().Add("name", user.byname().name()).Add("input", user.byname().input()).Text());
      break;
    case pb::UserOpt::kByID:
      inner.Add("byId", std::int64_t{user.byid()});
      break;
    case pb::UserOpt::USER_NOT_SET:
      break;
  }
  return GoJsonObject().Always("User", inner.Text()).Text();
}

template <class Action>
GoJsonObject& AddOwner(GoJsonObject& object, const Action& action) {
  if (action.has_owner()) {
    GoJsonObject owner;
    if (action.owner().has_user()) {
      owner.Always("user", UserJson(action.owner().user()));
    }
    if (action.owner().has_group()) {
      owner.Always("group", UserJson(action.owner().group()));
    }
    object.Always("owner", owner.Text());
  }
  return object;
}

bool CopiesFromInput(const pb::FileAction& action, std::size_t input_count) {
  return action.secondaryinput() != -1 && action.secondaryinput() < static_cast<std::int64_t>(input_count);
}

std::string ActionJson(const pb::FileAction& action, std::size_t input_count) {
  GoJsonObject object;
  switch (action.action_case()) {
    case pb::FileAction::kCopy: {
      const pb::FileActionCopy& copy = action.copy();
      // Where the source lies is said by the input's selector.
      object.Add("src", CopiesFromInput(action, input_count) ? PathBase(copy.src()) : copy.src())
          .Add("dest", copy.dest());
      AddOwner(object, copy)
          .Add("mode", std::int64_t{copy.mode()})
          .AddFlag("followSymlink", copy.followsymlink())
          .AddFlag("dirCopyContents", copy.dircopycontents())
          .AddFlag("attemptUnpackDockerCompatibility", copy.attemptunpackdockercompatibility())
          .AddFlag("createDestPath", copy.createdestpath())
          .AddFlag("allowWildcard", copy.allowwildcard())
          .AddFlag("allowEmptyWildcard", copy.allowemptywildcard())
          .Add("timestamp", copy.timestamp())
          .AddList("include_patterns", copy.include_patterns())
          .AddList("exclude_patterns", copy.exclude_patterns())
          .AddFlag("alwaysReplaceExistingDestPaths", copy.alwaysreplaceexistingdestpaths())
          .Add("modeStr", copy.modestr())
          .AddList("required_paths", copy.required_paths());
      break;
    }
    case pb::FileAction::kMkfile: {
      const pb::FileActionMkFile& file = action.mkfile();
      object.Add("path", file.path()).Add("mode", std::int64_t{file.mode()}).AddBytes("data", file.data());
      AddOwner(object, file).Add("timestamp", file.timestamp());
      break;
    }
    case pb::FileAction::kMkdir: {
      const pb::FileActionMkDir& dir = action.mkdir();
      object.Add("path", dir.path()).Add("mode", std::int64_t{dir.mode()}).AddFlag("makeParents", dir.makeparents());
      AddOwner(object, dir).Add("timestamp", dir.timestamp());
      break;
    }
    case pb::FileAction::kRm: {
      const pb::FileActionRm& rm = action.rm();
      object.Add("path", rm.path())
          .AddFlag("allowNotFound", rm.allownotfound())
          .AddFlag("allowWildcard", rm.allowwildcard());
      break;
    }
    case pb::FileAction::kSymlink: {
      const pb::FileActionSymlink& link = action.symlink();
      object.Add("oldpath", link.oldpath()).Add("newpath", link.newpath());
      AddOwner(object, link).Add("timestamp", link.timestamp());
      break;
    }
    case pb::FileAction::ACTION_NOT_SET:
      return "";
  }
  return object.Text();
}

// A plain chain of actions on input 0, copying from input 1 at most. BuildKit's early keys said nothing of the indexes,
// and this case stays as it was.
bool IsPlainChain(const pb::FileOp& file) {
  const int count = file.actions_size();
  for (int i = 0; i < count; ++i) {
    const pb::FileAction& action = file.actions(i);
    const std::int64_t input = i == 0 ? 0 : count + (i - 1);
    const std::int64_t output = i == count - 1 ? 0 : -1;
    if (action.input() != input || (action.secondaryinput() != -1 && action.secondaryinput() != 1) ||
        action.output() != output) {
      return false;
    }
  }
  return count > 0;
}

const pb::ChownOpt* OwnerOf(const pb::FileAction& action) {
  switch (action.action_case()) {
    case pb::FileAction::kCopy:
      return action.copy().has_owner() ? &action.copy().owner() : nullptr;
    case pb::FileAction::kMkfile:
      return action.mkfile().has_owner() ? &action.mkfile().owner() : nullptr;
    case pb::FileAction::kMkdir:
      return action.mkdir().has_owner() ? &action.mkdir().owner() : nullptr;
    case pb::FileAction::kSymlink:  // its owner is not looked up here, as upstream
    case pb::FileAction::kRm:
    case pb::FileAction::ACTION_NOT_SET:
      return nullptr;
  }
  return nullptr;
}

std::vector<PathSelector> Dedupe(const std::vector<PathSelector>& all) {
  std::vector<std::string> plain;
  std::vector<std::string> followed;
  std::vector<PathSelector> result;
  for (const PathSelector& selector : all) {
    if (!selector.has_wildcard_or_filters()) {
      (selector.options.follow_links ? followed : plain).push_back(selector.path);
    }
  }
  for (std::string& path : DedupePaths(plain)) {
    result.emplace_back().path = std::move(path);
  }
  for (std::string& path : DedupePaths(followed)) {
    result.emplace_back().path = std::move(path);
    result.back().options.follow_links = true;
  }
  for (const PathSelector& selector : all) {
    if (selector.has_wildcard_or_filters()) {
      result.push_back(selector);
    }
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const PathSelector& a, const PathSelector& b) { return a.path < b.path; });
  return result;
}

template <class Repeated>
std::vector<std::string> Texts(const Repeated& list) {
  return {list.begin(), list.end()};
}

}  // namespace

std::string FileKeyText(const pb::Op& op, std::size_t input_count) {
  std::vector<std::string> actions;
  std::vector<std::string> indexes;
  for (const pb::FileAction& action : op.file().actions()) {
    const std::string json = ActionJson(action, input_count);
    actions.push_back(json.empty() ? "null" : GoJsonBase64(json));
    indexes.push_back(fmt::format("[{},{},{}]", action.input(), action.secondaryinput(), action.output()));
  }
  GoJsonObject object;
  object.Always("Type", "\"buildkit.file.v0\"").Always("Actions", GoJsonArray(actions));
  if (!indexes.empty() && !IsPlainChain(op.file())) {
    object.Always("indexes", GoJsonArray(indexes));
  }
  return object.Text();
}

Result<std::vector<FileInputSelectors>> FileSelectors(const pb::Op& op, std::size_t input_count) {
  std::vector<FileInputSelectors> inputs(input_count);
  std::vector<bool> whole(input_count);  // worked on: all of it matters
  auto add = [&](std::int64_t index, PathSelector selector) -> Result<> {
    if (index < 0 || index >= static_cast<std::int64_t>(input_count)) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("invalid input index {} in file op with {} inputs", index, input_count));
    }
    FileInputSelectors& input = inputs[static_cast<std::size_t>(index)];
    input.used = true;
    input.paths.push_back(selector.path);
    input.selectors.push_back(std::move(selector));
    return {};
  };
  for (const pb::FileAction& action : op.file().actions()) {
    if (action.input() >= 0 && action.input() < static_cast<std::int64_t>(input_count)) {
      whole[static_cast<std::size_t>(action.input())] = true;
    }
    if (const pb::ChownOpt* owner = OwnerOf(action)) {
      PathSelector selector;
      selector.options.follow_links = true;
      if (owner->user().has_byname()) {
        selector.path = "/etc/passwd";
        LOAM_TRY(add(owner->user().byname().input(), selector));
      }
      if (owner->group().has_byname()) {
        selector.path = "/etc/group";
        LOAM_TRY(add(owner->group().byname().input(), selector));
      }
    }
    if (action.has_copy() && CopiesFromInput(action, input_count)) {
      const pb::FileActionCopy& copy = action.copy();
      PathSelector selector;
      selector.path = copy.src();
      selector.options.follow_links = copy.followsymlink();
      selector.options.wildcard = copy.allowwildcard() && HasWildcard(copy.src());
      selector.options.include_patterns = Texts(copy.include_patterns());
      selector.options.exclude_patterns = Texts(copy.exclude_patterns());
      selector.options.required_paths = Texts(copy.required_paths());
      LOAM_TRY(add(action.secondaryinput(), std::move(selector)));
    }
  }
  for (std::size_t i = 0; i < input_count; ++i) {
    if (whole[i]) {
      inputs[i] = {};
    }
    inputs[i].selectors = Dedupe(inputs[i].selectors);
  }
  return inputs;
}

Result<solver::CacheMap> FileCacheMap(const pb::Op& op, std::size_t input_count, cache::ChecksumCache* checksums) {
  std::vector<FileInputSelectors> inputs = LOAM_TRY(FileSelectors(op, input_count));
  solver::CacheMap map;
  map.digest = Digest::Of(FileKeyText(op, input_count));
  map.preimage.fields.push_back({"op", "file"});
  for (int i = 0; i < op.file().actions_size(); ++i) {
    const pb::FileAction& action = op.file().actions(i);
    std::string_view kind;
    switch (action.action_case()) {
      case pb::FileAction::kCopy:
        kind = "copy";
        break;
      case pb::FileAction::kMkfile:
        kind = "mkfile";
        break;
      case pb::FileAction::kMkdir:
        kind = "mkdir";
        break;
      case pb::FileAction::kRm:
        kind = "rm";
        break;
      case pb::FileAction::kSymlink:
        kind = "symlink";
        break;
      case pb::FileAction::ACTION_NOT_SET:
        kind = "nothing";
        break;
    }
    map.preimage.fields.push_back(
        {fmt::format("action:{}", i), fmt::format("{} {} inputs {},{} output {}", kind, ActionJson(action, input_count),
                                                  action.input(), action.secondaryinput(), action.output())});
  }
  map.inputs.resize(input_count);
  for (std::size_t i = 0; i < input_count; ++i) {
    if (!inputs[i].used) {
      continue;
    }
    std::sort(inputs[i].paths.begin(), inputs[i].paths.end(), std::greater<>());
    std::string joined;
    for (std::size_t j = 0; j < inputs[i].paths.size(); ++j) {
      joined += j == 0 ? "" : std::string(1, '\0');
      joined += inputs[i].paths[j];
    }
    map.inputs[i].selector = Digest::Of(joined);
    map.inputs[i].content_key = NewContentKey(checksums, std::move(inputs[i].selectors));
  }
  return map;
}

}  // namespace loam::ops
