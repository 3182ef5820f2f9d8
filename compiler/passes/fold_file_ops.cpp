// Joins adjacent file operations into one op with a chain of actions: fewer vertices, snapshots and layers.
//
//   WORKDIR /src      %1 = file(%0) {mkdir /src}            %1 = file(%0, %c) {mkdir /src, copy . /src/}
//   COPY . .          %2 = file(%1, %c) {copy . /src/}
//
// Two ops are joined only if a rebuild loses nothing by it: never two that copy (a change in the second one's files
// would copy the first one's again), unless all they copy comes from images, which do not change. An op that looks up a
// user by name in the result of the one before is joined only if that one cannot have changed the users. The chain of a
// COPY --link starts at scratch and ends in a merge, so it is left as it is.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/check.h"
#include "base/strings.h"
#include "compiler/passes/pass.h"
#include "compiler/passes/rewriter.h"

namespace loam::passes {

namespace {

// Ops that become one, in order. Each but the first has the one before as the operand that its chain starts from.
struct Group {
  std::vector<ir::NodeId> members;
  bool copies = false;           // any member has a copy action
  bool only_from_images = true;  // … and none of them copies from anything else
  bool only_mkdir = true;        // no member can have changed /etc/passwd or /etc/group
};

// The operand that the chain of `actions` up to its output starts from; -1 for scratch.
std::int64_t BaseOperand(const ir::Node& node) {
  const auto& actions = node.As<ir::FileAttrs>().actions;
  const auto operands = static_cast<std::int64_t>(node.operands().size());
  const auto last =
      std::find_if(actions.begin(), actions.end(), [](const ir::FileAction& action) { return action.output == 0; });
  LOAM_CHECK(last != actions.end(), "a file op has an output");
  std::int64_t input = last->input;
  while (input >= operands) {
    input = actions[static_cast<std::size_t>(input - operands)].input;
  }
  return input;
}

bool NamesUser(const ir::FileAction& action, std::int64_t operand) {
  const auto looks_up = [operand](const std::optional<ir::User>& user) {
    return user && !user->name.empty() && user->input == operand;
  };
  return action.owner && (looks_up(action.owner->user) || looks_up(action.owner->group));
}

// A directory where the users' files belong would change what a lookup finds.
bool TouchesUsers(const ir::FileAction& action) {
  if (action.kind != ir::FileActionKind::kMkdir) {
    return true;
  }
  const auto parts = Split(action.path, '/');
  return std::any_of(parts.begin(), parts.end(),
                     [](std::string_view part) { return part == "passwd" || part == "group"; });
}

class Folder {
 public:
  explicit Folder(const ir::Module& module)
      : module_(module), uses_(CountUses(module)), groups_(module.graph.size()), rewriter_(module) {}

  // Nothing if there is nothing to fold.
  std::optional<ir::Module> Run(Changes& changes) {
    bool any = false;
    for (const ir::NodeId id : module_.graph.PostOrder(Roots(module_))) {
      if (module_.graph.node(id).kind() != ir::OpKind::kFile) {
        continue;
      }
      Group own = GroupOf(id);
      const ir::Node& node = module_.graph.node(id);
      const std::int64_t base = BaseOperand(node);
      if (base >= 0) {
        const ir::NodeId before = node.operands()[static_cast<std::size_t>(base)].node_id();
        if (CanJoin(before, id, base, own)) {
          Group& group = groups_[before.value()];
          group.members.push_back(id);
          own.members = std::move(group.members);
          own.copies = own.copies || group.copies;
          own.only_from_images = own.only_from_images && group.only_from_images;
          own.only_mkdir = own.only_mkdir && group.only_mkdir;
          group.members.clear();
          any = true;
        }
      }
      groups_[id.value()] = std::move(own);
    }
    if (!any) {
      return std::nullopt;
    }
    return rewriter_.Run([&](ir::NodeId id) -> ir::Value {
      if (module_.graph.node(id).kind() != ir::OpKind::kFile || groups_[id.value()].members.size() == 1) {
        return rewriter_.Copy(id);
      }
      if (groups_[id.value()].members.empty()) {
        return {};  // the op that it was joined to does its work
      }
      return Join(groups_[id.value()].members, changes);
    });
  }

 private:
  Group GroupOf(ir::NodeId id) const {
    const ir::Node& node = module_.graph.node(id);
    const auto operands = static_cast<std::int64_t>(node.operands().size());
    Group group{.members = {id}};
    for (const ir::FileAction& action : node.As<ir::FileAttrs>().actions) {
      group.only_mkdir = group.only_mkdir && !TouchesUsers(action);
      if (action.kind == ir::FileActionKind::kCopy) {
        group.copies = true;
        const bool from_image =
            action.secondary_input >= 0 && action.secondary_input < operands &&
            module_.graph.node(node.operands()[static_cast<std::size_t>(action.secondary_input)]).kind() ==
                ir::OpKind::kSourceImage;
        group.only_from_images = group.only_from_images && from_image;
      }
    }
    return group;
  }

  // Whether `id`, whose chain starts from operand `base`, can do the work of `before`'s group too.
  bool CanJoin(ir::NodeId before, ir::NodeId id, std::int64_t base, const Group& own) const {
    const ir::Node& first = module_.graph.node(before);
    const ir::Node& second = module_.graph.node(id);
    if (first.kind() != ir::OpKind::kFile || uses_[before.value()] != 1 || !SameConditions(before, id)) {
      return false;
    }
    const Group& group = groups_[before.value()];
    if (own.copies && group.copies && !(own.only_from_images && group.only_from_images)) {
      return false;
    }
    int as_input = 0;
    for (const ir::FileAction& action : second.As<ir::FileAttrs>().actions) {
      if (action.secondary_input == base) {
        return false;
      }
      as_input += action.input == base ? 1 : 0;
      if (NamesUser(action, base) && !(group.only_mkdir && BaseOperand(FirstOf(group)) >= 0)) {
        return false;
      }
    }
    return as_input == 1;
  }

  [[nodiscard]] const ir::Node& FirstOf(const Group& group) const { return module_.graph.node(group.members.front()); }

  // Everything that is said of an op as a whole must be said of both.
  [[nodiscard]] bool SameConditions(ir::NodeId a, ir::NodeId b) const {
    const ir::Node& first = module_.graph.node(a);
    const ir::Node& second = module_.graph.node(b);
    const bool same_platform = (first.platform() == nullptr) == (second.platform() == nullptr) &&
                               (first.platform() == nullptr || *first.platform() == *second.platform());
    const ir::Metadata x = module_.graph.MergedMetadata(a);
    const ir::Metadata y = module_.graph.MergedMetadata(b);
    const bool same_group = x.progress_group.has_value() == y.progress_group.has_value() &&
                            (!x.progress_group || (x.progress_group->id == y.progress_group->id &&
                                                   x.progress_group->weak == y.progress_group->weak));
    return same_platform && same_group && x.ignore_cache == y.ignore_cache && x.export_cache == y.export_cache &&
           !x.linux_resources && !y.linux_resources &&
           std::equal(first.worker_constraints().begin(), first.worker_constraints().end(),
                      second.worker_constraints().begin(), second.worker_constraints().end());
  }

  ir::Value Join(const std::vector<ir::NodeId>& members, Changes& changes) {
    // All operands of the members, without the results that pass from one to the next.
    std::vector<ir::Value> operands;
    std::map<ir::Value, std::int64_t> place;
    for (std::size_t m = 0; m < members.size(); ++m) {
      const ir::Node& node = module_.graph.node(members[m]);
      for (std::size_t i = 0; i < node.operands().size(); ++i) {
        const ir::Value old = node.operands()[i];
        if (m > 0 && old.node == members[m - 1].value()) {
          continue;
        }
        const ir::Value value = rewriter_.Map(old);
        if (place.emplace(value, operands.size()).second) {
          operands.push_back(value);
        }
      }
    }
    const auto count = static_cast<std::int64_t>(operands.size());
    const std::int64_t users = UserOperand(members.front(), operands);

    std::vector<ir::FileAction> actions;
    std::int64_t previous_output = -1;
    for (std::size_t m = 0; m < members.size(); ++m) {
      const ir::Node& node = module_.graph.node(members[m]);
      const auto old_count = static_cast<std::int64_t>(node.operands().size());
      const auto offset = static_cast<std::int64_t>(actions.size());
      const auto index = [&](std::int64_t old) -> std::int64_t {
        if (old < 0) {
          return old;
        }
        if (old >= old_count) {
          return count + offset + (old - old_count);
        }
        const ir::Value value = node.operands()[static_cast<std::size_t>(old)];
        if (m > 0 && value.node == members[m - 1].value()) {
          return previous_output;
        }
        return place.at(rewriter_.Map(value));
      };
      const auto map_user = [&](std::optional<ir::User>& user) {
        if (user && !user->name.empty()) {
          // The users of the op before are those of the chain's start: nothing in between touched them.
          const std::int64_t mapped = index(user->input);
          user->input = mapped >= count ? users : mapped;
        }
      };
      std::int64_t output = -1;
      for (ir::FileAction action : node.As<ir::FileAttrs>().actions) {
        action.input = index(action.input);
        action.secondary_input = index(action.secondary_input);
        if (action.owner) {
          map_user(action.owner->user);
          map_user(action.owner->group);
        }
        if (action.output == 0) {
          output = count + static_cast<std::int64_t>(actions.size());
          action.output = m + 1 == members.size() ? 0 : -1;
        }
        actions.push_back(action);
      }
      previous_output = output;
    }

    const ir::Node& last = module_.graph.node(members.back());
    const ir::Value value = rewriter_.graph().Add<ir::OpKind::kFile>(
        operands, {.actions = actions}, {.platform = last.platform(), .worker_constraints = last.worker_constraints()});
    AnnotateJoined(members, value);
    for (std::size_t m = 0; m + 1 < members.size(); ++m) {
      changes.push_back(fmt::format("{} is done by {}", StepName(module_.graph, members[m]),
                                    StepName(module_.graph, members.back())));
    }
    return value;
  }

  // The new operand that the chain of the first member starts from; -1 for scratch.
  [[nodiscard]] std::int64_t UserOperand(ir::NodeId first, const std::vector<ir::Value>& operands) const {
    const ir::Node& node = module_.graph.node(first);
    const std::int64_t base = BaseOperand(node);
    if (base < 0) {
      return -1;
    }
    const ir::Value value = rewriter_.Map(node.operands()[static_cast<std::size_t>(base)]);
    return std::find(operands.begin(), operands.end(), value) - operands.begin();
  }

  // Names of all members in one, and of each action apart ("loam.action.0"), so that progress can still tell them; the
  // source ranges of all.
  void AnnotateJoined(const std::vector<ir::NodeId>& members, ir::Value value) {
    std::map<std::string, std::string> texts;
    const auto text_of = [&texts](std::string_view key) -> std::string& { return texts[std::string(key)]; };
    std::vector<ir::SourceLocation> locations;
    std::vector<std::string_view> caps;
    ir::Metadata joined;
    std::size_t action = 0;
    for (const ir::NodeId member : members) {
      const ir::Metadata metadata = module_.graph.MergedMetadata(member);
      for (const ir::KeyValue& entry : metadata.description) {
        std::string& text = text_of(entry.key);
        if (!text.empty() && text != entry.value) {
          text += " + ";
        }
        if (text != entry.value) {
          text += entry.value;
        }
      }
      const std::string_view name = Described(metadata, kCustomName);
      const std::size_t actions = module_.graph.node(member).As<ir::FileAttrs>().actions.size();
      for (std::size_t i = 0; i < actions; ++i, ++action) {
        if (!name.empty()) {
          text_of(fmt::format("loam.action.{}", action)) = name;
        }
      }
      locations.insert(locations.end(), metadata.locations.begin(), metadata.locations.end());
      caps.insert(caps.end(), metadata.extra_caps.begin(), metadata.extra_caps.end());
      joined.ignore_cache = metadata.ignore_cache;
      joined.export_cache = metadata.export_cache;
      joined.progress_group = metadata.progress_group;
    }
    std::vector<ir::KeyValue> description;
    for (const auto& [key, text] : texts) {
      description.push_back({key, text});
    }
    std::sort(caps.begin(), caps.end());
    caps.erase(std::unique(caps.begin(), caps.end()), caps.end());
    joined.description = description;
    joined.locations = locations;
    joined.extra_caps = caps;
    rewriter_.graph().Annotate(value, joined);
  }

  const ir::Module& module_;
  std::vector<std::uint32_t> uses_;
  std::vector<Group> groups_;  // by the node that does the work; without members: joined to another
  Rewriter rewriter_;
};

}  // namespace

void FoldFileOps(ir::Module& module, Changes& changes) {
  if (std::optional<ir::Module> folded = Folder(module).Run(changes)) {
    module = *std::move(folded);
  }
}

}  // namespace loam::passes
