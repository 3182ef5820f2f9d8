// Copies that follow each other from an empty filesystem on, and do not touch what the others make, are made side by
// side, each on an empty filesystem, and merged: a change in what one copies does not copy the others again, and none
// waits for another.
//
//   FROM scratch                     %2 = file(%0) {copy /a /x}          %2 = file(%0) {copy /a /x}
//   COPY --from=one /a /x            %3 = file(%2, %1) {copy /b /y}      %3 = file(%1) {copy /b /y}
//   COPY --from=two /b /y                                                %4 = merge(%2, %3)
//
// Onto anything else than an empty filesystem this is not the same: docs/passes.md says why, and why it is here.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/passes/pass.h"
#include "compiler/passes/rewriter.h"

namespace loam::passes {

namespace {

// What one file op does to an empty filesystem.
struct Footprint {
  // Whatever it makes lies at or below these paths, …
  std::vector<std::string> trees;
  // … in directories that it makes on the way there, of which owner, mode and time are known.
  std::vector<std::pair<std::string, std::string>> directories;
  bool copies = false;
};

// "/a/b/." as "/a/b", "/" as "". Paths that differ only in case count as equal: some filesystems see no difference.
std::optional<std::string> CleanTarget(std::string_view path) {
  if (!path.starts_with('/')) {
    return std::nullopt;
  }
  std::string clean;
  for (const std::string_view part : Split(path, '/')) {
    if (part == "..") {
      return std::nullopt;
    }
    if (!part.empty() && part != ".") {
      clean += "/";
      std::transform(part.begin(), part.end(), std::back_inserter(clean),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    }
  }
  return clean;
}

// "/a/b/c": calls with "/a" and "/a/b".
template <class F>
void ForEachParent(const std::string& path, F&& call) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    call(path.substr(0, slash));
  }
}

// Owner, mode and time of the directories that an action makes; nothing if they depend on the filesystem.
std::optional<std::string> DirectoryFacts(const ir::FileAction& action) {
  std::string facts;
  if (action.owner) {
    for (const std::optional<ir::User>& user : {action.owner->user, action.owner->group}) {
      if (user && !user->name.empty()) {
        return std::nullopt;
      }
      facts += user ? fmt::format("{} ", user->id) : "- ";
    }
  }
  constexpr std::int32_t kDefaultMode = 0755;
  facts += fmt::format("{:o} {}", action.mode == -1 || !action.mode_text.empty() ? kDefaultMode : action.mode,
                       action.timestamp);
  return facts;
}

// The operand that the op changes; -1 for an empty filesystem, nothing if its actions are no chain.
std::optional<std::int64_t> BaseOf(const ir::Node& node) {
  const auto& actions = node.As<ir::FileAttrs>().actions;
  const auto operands = static_cast<std::int64_t>(node.operands().size());
  for (std::size_t i = 1; i < actions.size(); ++i) {
    if (actions[i].input != operands + static_cast<std::int64_t>(i) - 1) {
      return std::nullopt;
    }
  }
  const bool is_chain =
      !actions.empty() && actions.back().output == 0 && actions[0].input < operands &&
      std::all_of(actions.begin(), actions.end() - 1, [](const ir::FileAction& action) { return action.output != 0; });
  return is_chain ? std::optional(actions[0].input) : std::nullopt;
}

std::optional<Footprint> FootprintOf(const ir::Node& node, std::int64_t base) {
  Footprint print;
  const auto operands = static_cast<std::int64_t>(node.operands().size());
  for (const ir::FileAction& action : node.As<ir::FileAttrs>().actions) {
    const std::optional<std::string> path = CleanTarget(action.path);
    const std::optional<std::string> facts = DirectoryFacts(action);
    if (!path || path->empty() || !facts) {
      return std::nullopt;
    }
    if (action.kind == ir::FileActionKind::kMkdir && action.make_parents) {
      print.directories.emplace_back(*path, *facts);
    } else if (action.kind == ir::FileActionKind::kCopy && action.create_dest_path && !action.attempt_unpack &&
               !action.always_replace_existing_dest_paths && action.secondary_input >= 0 &&
               action.secondary_input < operands && action.secondary_input != base) {
      print.trees.push_back(*path);
      print.copies = true;
    } else {
      return std::nullopt;
    }
    ForEachParent(*path, [&](std::string parent) { print.directories.emplace_back(std::move(parent), *facts); });
  }
  return print;
}

// Ops that follow each other from an empty filesystem on, none of which touches what another one makes.
class Chain {
 public:
  // False if the op does not belong here.
  bool Add(ir::NodeId id, const Footprint& print) {
    if (!Independent(print)) {
      return false;
    }
    for (const std::string& tree : print.trees) {
      trees_.insert(tree);
    }
    for (const auto& [path, facts] : print.directories) {
      directories_.emplace(path, facts);  // the first one to make it decides
    }
    members_.push_back(id);
    copying_ += print.copies ? 1 : 0;
    return true;
  }
  [[nodiscard]] const std::vector<ir::NodeId>& members() const { return members_; }
  [[nodiscard]] bool worth_it() const { return copying_ > 1; }
  void Clear() { *this = Chain(); }

 private:
  [[nodiscard]] bool InATree(const std::string& path) const {
    bool inside = trees_.contains(path);
    ForEachParent(path, [&](const std::string& parent) { inside = inside || trees_.contains(parent); });
    return inside;
  }
  [[nodiscard]] bool Independent(const Footprint& print) const {
    const auto free_tree = [&](const std::string& tree) { return !InATree(tree) && !directories_.contains(tree); };
    std::unordered_set<std::string> seen;
    const auto same_directory = [&](const std::pair<std::string, std::string>& directory) {
      const auto& [path, facts] = directory;
      const auto known = directories_.find(path);
      // One at a set time would not keep it: the other op writes into it.
      const bool shared_at_any_time = facts.ends_with(" -1");
      return !trees_.contains(path) && !InATree(path) &&
             (known == directories_.end() || !seen.insert(path).second ||
              (known->second == facts && shared_at_any_time));
    };
    return std::all_of(print.trees.begin(), print.trees.end(), free_tree) &&
           std::all_of(print.directories.begin(), print.directories.end(), same_directory);
  }

  std::vector<ir::NodeId> members_;
  std::unordered_set<std::string> trees_;
  std::unordered_map<std::string, std::string> directories_;
  int copying_ = 0;
};

class Merger {
 public:
  explicit Merger(const ir::Module& module)
      : module_(module), uses_(CountUses(module)), chains_(module.graph.size()), rewriter_(module) {}

  // Nothing if there is nothing to do.
  std::optional<ir::Module> Run(Changes& changes) {
    for (const ir::NodeId id : module_.graph.PostOrder(Roots(module_))) {
      if (module_.graph.node(id).kind() == ir::OpKind::kFile) {
        Extend(id);
      }
    }
    std::vector<bool> apart(module_.graph.size());
    bool any = false;
    for (const Chain& chain : chains_) {
      if (chain.worth_it()) {
        any = true;
        for (const ir::NodeId id : chain.members()) {
          apart[id.value()] = true;
        }
      }
    }
    if (!any) {
      return std::nullopt;
    }
    std::vector<ir::Value> layers(module_.graph.size());
    return rewriter_.Run([&](ir::NodeId id) -> ir::Value {
      if (!apart[id.value()]) {
        return rewriter_.Copy(id);
      }
      layers[id.value()] = OnScratch(id);
      const Chain& chain = chains_[id.value()];
      if (!chain.worth_it()) {
        return {};  // only the next one of its chain asks for it
      }
      std::vector<ir::Value> operands;
      for (const ir::NodeId member : chain.members()) {
        operands.push_back(layers[member.value()]);
      }
      changes.push_back(fmt::format("{} copies, the last of them {}, are made side by side", operands.size(),
                                    StepName(module_.graph, id)));
      return Merge(id, operands);
    });
  }

 private:
  // Makes the chain that ends in `id`, out of the one that ends in the op before it.
  void Extend(ir::NodeId id) {
    const ir::Node& node = module_.graph.node(id);
    const std::optional<std::int64_t> base = BaseOf(node);
    const std::optional<Footprint> print = base ? FootprintOf(node, *base) : std::nullopt;
    const ir::Metadata metadata = module_.graph.MergedMetadata(id);
    if (!print || metadata.linux_resources || metadata.progress_group) {
      return;
    }
    Chain& own = chains_[id.value()];
    if (*base < 0) {
      own.Add(id, *print);
      return;
    }
    const ir::NodeId before = node.operands()[static_cast<std::size_t>(*base)].node_id();
    Chain& chain = chains_[before.value()];
    if (chain.members().empty() || uses_[before.value()] != 1 || !SameConditions(before, id) ||
        !chain.Add(id, *print)) {
      return;
    }
    own = std::move(chain);
    chain.Clear();
  }

  [[nodiscard]] bool SameConditions(ir::NodeId a, ir::NodeId b) const {
    const ir::Node& first = module_.graph.node(a);
    const ir::Node& second = module_.graph.node(b);
    const ir::Metadata x = module_.graph.MergedMetadata(a);
    const ir::Metadata y = module_.graph.MergedMetadata(b);
    const bool same_platform = (first.platform() == nullptr) == (second.platform() == nullptr) &&
                               (first.platform() == nullptr || *first.platform() == *second.platform());
    return same_platform && x.ignore_cache == y.ignore_cache && x.export_cache == y.export_cache &&
           std::equal(first.worker_constraints().begin(), first.worker_constraints().end(),
                      second.worker_constraints().begin(), second.worker_constraints().end());
  }

  // The op as if nothing had been before it.
  ir::Value OnScratch(ir::NodeId id) {
    const ir::Node& node = module_.graph.node(id);
    const std::int64_t base = *BaseOf(node);
    if (base < 0) {
      return rewriter_.Copy(id);
    }
    std::vector<ir::Value> operands;
    std::vector<std::int64_t> place;
    for (std::size_t i = 0; i < node.operands().size(); ++i) {
      if (static_cast<std::int64_t>(i) == base) {
        place.push_back(-1);
        continue;
      }
      const ir::Value value = rewriter_.Map(node.operands()[i]);
      const auto found = std::find(operands.begin(), operands.end(), value);
      place.push_back(found - operands.begin());
      if (found == operands.end()) {
        operands.push_back(value);
      }
    }
    const auto index = [&](std::int64_t old) -> std::int64_t {
      if (old < 0) {
        return old;
      }
      const auto count = static_cast<std::int64_t>(place.size());
      return old < count ? place[static_cast<std::size_t>(old)]
                         : old - count + static_cast<std::int64_t>(operands.size());
    };
    const auto map_user = [&](std::optional<ir::User>& user) {
      if (user) {
        user->input = index(user->input);
      }
    };
    std::vector<ir::FileAction> actions;
    for (ir::FileAction action : node.As<ir::FileAttrs>().actions) {
      action.input = index(action.input);
      action.secondary_input = index(action.secondary_input);
      if (action.owner) {
        map_user(action.owner->user);
        map_user(action.owner->group);
      }
      actions.push_back(action);
    }
    const ir::Value value = rewriter_.graph().Add<ir::OpKind::kFile>(
        operands, {.actions = actions}, {.platform = node.platform(), .worker_constraints = node.worker_constraints()});
    for (const ir::Metadata* metadata : module_.graph.MetadataOf(id)) {
      rewriter_.graph().Annotate(value, *metadata);
    }
    return value;
  }

  ir::Value Merge(ir::NodeId last, const std::vector<ir::Value>& layers) {
    const ir::Node& node = module_.graph.node(last);
    const ir::Value value = rewriter_.graph().Add<ir::OpKind::kMerge>(
        layers, {}, {.platform = node.platform(), .worker_constraints = node.worker_constraints()});
    const ir::Metadata of_last = module_.graph.MergedMetadata(last);
    const std::string name = fmt::format("merge of {} copies up to {}", layers.size(), StepName(module_.graph, last));
    const std::vector<ir::KeyValue> description = {{kCustomName, name}};
    ir::Metadata metadata;
    metadata.ignore_cache = of_last.ignore_cache;
    metadata.export_cache = of_last.export_cache;
    metadata.locations = of_last.locations;
    metadata.description = description;
    rewriter_.graph().Annotate(value, metadata);
    return value;
  }

  const ir::Module& module_;
  const std::vector<std::uint32_t> uses_;
  std::vector<Chain> chains_;  // by the op that they end in
  Rewriter rewriter_;
};

}  // namespace

void CopiesToMerges(ir::Module& module, Changes& changes) {
  Merger merger(module);
  if (std::optional<ir::Module> merged = merger.Run(changes)) {
    module = *std::move(merged);
  }
}

}  // namespace loam::passes
