// Gives each step a source.local of its own that shows just the paths of the context that the step uses. Upstream has
// one for all steps, with the paths of all of them, or with everything as soon as one step says `COPY . .`.
//
//   COPY go.mod ./      %1 = source.local {context}             %1 = source.local {context, followpaths=["go.mod"]}
//   COPY . .            %2 = file(…, %1) {copy /go.mod}         %2 = file(…, %1) {copy /go.mod}
//                       %3 = file(%2, %1) {copy /}              %3 = source.local {context}
//                                                               %4 = file(%2, %3) {copy /}
//
// What a step reads must be visible exactly where it was before; docs/passes.md has the argument for each rule here.
#include <algorithm>
#include <map>
#include <optional>
#include <unordered_set>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/go_json.h"
#include "base/strings.h"
#include "compiler/passes/pass.h"
#include "compiler/passes/rewriter.h"

namespace loam::passes {

namespace {

constexpr std::string_view kFollowPaths = "local.followpaths";
constexpr std::string_view kKeyHint = "local.sharedkeyhint";
// Marks what this pass made, which it leaves alone from then on.
constexpr std::string_view kNarrowed = "loam.narrowed";
// A client that sends its context sends each of them, and each is walked: steps beyond this many share one with the
// paths of all of them.
constexpr std::size_t kMostContexts = 4;
constexpr std::size_t kMostNames = 3;

using Paths = std::vector<std::string>;

// Characters that mean themselves in paths, in patterns of both kinds and in JSON.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/@=~%").find(c) != std::string_view::npos;
  });
}

bool HasWildcard(std::string_view text) {
  return text.find_first_of("*?") != std::string_view::npos;
}

// `/a/b` as `a/b`; nothing for the root, and for what is no clean absolute path.
std::optional<std::string> Relative(std::string_view path) {
  if (!path.starts_with('/')) {
    return std::nullopt;
  }
  path.remove_prefix(1);
  if (path.empty()) {
    return std::nullopt;
  }
  for (const std::string_view part : Split(path, '/')) {
    if (part.empty() || part == "." || part == "..") {
      return std::nullopt;
    }
  }
  return std::string(path);
}

// The path that must be visible so that `source` of a copy is found as before.
std::optional<std::string> PathOfSource(std::string_view source) {
  std::optional<std::string> path = Relative(source);
  if (!path || !HasWildcard(*path)) {
    return path && IsPlain(*path) ? path : std::nullopt;
  }
  // A pattern in a directory fails if the directory is missing, and a pattern shows no empty directory: the directory
  // itself is wanted then.
  const std::size_t wildcard = path->find_first_of("*?");
  const std::size_t slash = path->rfind('/', wildcard);
  if (slash != std::string::npos) {
    path->resize(slash);
    return IsPlain(*path) ? path : std::nullopt;
  }
  std::string rest = *path;
  std::erase_if(rest, [](char c) { return c == '*' || c == '?'; });
  return rest.find('/') == std::string::npos && IsPlain(rest) && !rest.empty() ? path : std::nullopt;
}

// The directory (or file) that holds all that `pattern`, relative to `source`, can include.
std::optional<std::string> PathOfPattern(std::string_view source, std::string_view pattern) {
  if (HasWildcard(source) || pattern.starts_with('/')) {
    return std::nullopt;
  }
  const std::size_t wildcard = pattern.find_first_of("*?");
  if (wildcard != std::string_view::npos) {
    const std::size_t slash = pattern.substr(0, wildcard).rfind('/');
    pattern = pattern.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
  std::string path(source);
  if (!pattern.empty()) {
    path += path.ends_with('/') ? "" : "/";
    path += pattern;
  }
  std::optional<std::string> relative = Relative(path);
  return relative && IsPlain(*relative) ? relative : std::nullopt;
}

// The texts of a JSON list, as they are written there.
std::unordered_set<std::string_view> ItemsOf(std::string_view json) {
  std::unordered_set<std::string_view> items;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '"') {
      continue;
    }
    const std::size_t begin = i + 1;
    for (++i; i < json.size() && json[i] != '"'; ++i) {
      i += json[i] == '\\' ? 1 : 0;
    }
    items.insert(json.substr(begin, std::min(i, json.size()) - begin));
  }
  return items;
}

std::string_view AttrOf(const ir::SourceAttrs& source, std::string_view key) {
  for (const ir::KeyValue& attr : source.attrs) {
    if (attr.key == key) {
      return attr.value;
    }
  }
  return {};
}

std::string Names(const Paths& paths) {
  const Paths shown(paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(std::min(paths.size(), kMostNames)));
  std::string names = Join(shown, ", ");
  return paths.size() > kMostNames ? fmt::format("{} and {} more", names, paths.size() - kMostNames) : names;
}

// One local source and the sets of paths in which its users want it.
struct Local {
  std::unordered_set<std::string_view> shown;  // what it was restricted to before; empty for nothing
  std::string_view shown_text;
  std::vector<Paths> sets;
  std::map<std::string, std::size_t> by_text;
  std::vector<ir::Value> made;  // by set
  bool whole = false;           // somebody uses it as it was
};

struct Use {
  ir::NodeId local;
  std::size_t set;
};

class Narrower {
 public:
  explicit Narrower(const ir::Module& module) : module_(module), uses_(module.graph.size()), rewriter_(module) {}

  // Nothing if there is nothing to narrow.
  std::optional<ir::Module> Run(Changes& changes) {
    const std::vector<ir::Value> roots = Roots(module_);
    std::size_t narrowed = 0;
    for (const ir::NodeId id : module_.graph.PostOrder(roots)) {
      if (module_.graph.node(id).kind() == ir::OpKind::kSourceLocal) {
        AddLocal(id);
      }
      narrowed += AddUses(id);
    }
    for (const ir::Value& root : roots) {
      if (!root.is_scratch()) {
        MarkWhole(root.node_id());
      }
    }
    if (narrowed == 0) {
      return std::nullopt;
    }
    for (auto& [id, local] : locals_) {
      Group(local);
    }
    return rewriter_.Run([&](ir::NodeId id) -> ir::Value {
      const auto local = locals_.find(id.value());
      if (local != locals_.end() && !local->second.whole) {
        return {};  // each of its users has one of its own
      }
      std::vector<std::pair<ir::NodeId, ir::Value>> before;
      for (const Use& use : uses_[id.value()]) {
        before.emplace_back(use.local, rewriter_.Exchange(use.local, Make(use, id, changes)));
      }
      const ir::Value value = rewriter_.Copy(id);
      for (const auto& [source, old] : before) {
        rewriter_.Exchange(source, old);
      }
      return value;
    });
  }

 private:
  void AddLocal(ir::NodeId id) {
    Local& local = locals_[id.value()];
    local.shown_text = AttrOf(module_.graph.node(id).As<ir::SourceAttrs>(), kFollowPaths);
    local.shown = ItemsOf(local.shown_text);
    // A source with patterns of another kind was not made by sema, and one of this pass is as narrow as it can be.
    local.whole = !AttrOf(module_.graph.node(id).As<ir::SourceAttrs>(), "local.includepattern").empty() ||
                  !Described(module_.graph.MergedMetadata(id), kNarrowed).empty();
    if (local.whole) {
      closed_.insert(id.value());
    }
  }

  void MarkWhole(ir::NodeId id) {
    if (const auto local = locals_.find(id.value()); local != locals_.end()) {
      local->second.whole = true;
    }
  }

  // How many operands of the node can be narrowed.
  std::size_t AddUses(ir::NodeId id) {
    const ir::Node& node = module_.graph.node(id);
    std::size_t narrowed = 0;
    for (std::size_t i = 0; i < node.operands().size(); ++i) {
      if (node.operands()[i].is_scratch()) {
        continue;
      }
      const ir::NodeId source = node.operands()[i].node_id();
      const auto local = locals_.find(source.value());
      if (local == locals_.end()) {
        continue;
      }
      std::optional<Paths> paths;
      if (!closed_.contains(source.value())) {
        paths = PathsOf(node, static_cast<std::int64_t>(i), local->second);
      }
      if (!paths) {
        local->second.whole = true;
        continue;
      }
      Local& of = local->second;
      const auto [set, fresh] = of.by_text.emplace(GoJsonStringList(*paths), of.sets.size());
      if (fresh) {
        of.sets.push_back(*std::move(paths));
      }
      uses_[id.value()].push_back({source, set->second});
      ++narrowed;
    }
    return narrowed;
  }

  // What the node needs of its operand; nothing if that is not certain, or all that is shown anyway.
  static std::optional<Paths> PathsOf(const ir::Node& node, std::int64_t operand, const Local& local) {
    Paths paths;
    bool known = false;
    if (node.kind() == ir::OpKind::kFile) {
      known = PathsOfFile(node.As<ir::FileAttrs>(), operand, local, paths);
    } else if (node.kind() == ir::OpKind::kExec) {
      known = PathsOfExec(node.As<ir::ExecAttrs>(), operand, paths);
    }
    if (!known || paths.empty()) {
      return std::nullopt;
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    // Nothing may be visible that was not, so with a restriction each path must be one of it.
    if (!local.shown.empty() &&
        !std::all_of(paths.begin(), paths.end(), [&](const std::string& path) { return local.shown.contains(path); })) {
      return std::nullopt;
    }
    return GoJsonStringList(paths) == local.shown_text ? std::nullopt : std::optional(std::move(paths));
  }

  static bool PathsOfFile(const ir::FileAttrs& file, std::int64_t operand, const Local& local, Paths& paths) {
    for (const ir::FileAction& action : file.actions) {
      const auto names = [operand](const std::optional<ir::User>& user) {
        return user && !user->name.empty() && user->input == operand;
      };
      if (action.input == operand || (action.owner && (names(action.owner->user) || names(action.owner->group)))) {
        return false;
      }
      if (action.secondary_input != operand) {
        continue;
      }
      if (action.kind != ir::FileActionKind::kCopy) {
        return false;
      }
      if (action.include_patterns.empty()) {
        const auto path = PathOfSource(action.source);
        if (!path) {
          return false;
        }
        // With a restriction, whether a directory of a pattern is visible depends on the other paths.
        if (!local.shown.empty() && HasWildcard(action.source) && action.source.rfind('/') != 0) {
          return false;
        }
        paths.push_back(*path);
      }
      for (const std::string_view pattern : action.include_patterns) {
        const auto path = PathOfPattern(action.source, pattern);
        if (!path || (!local.shown.empty() && HasWildcard(pattern))) {
          return false;
        }
        paths.push_back(*path);
      }
    }
    return true;
  }

  static bool PathsOfExec(const ir::ExecAttrs& exec, std::int64_t operand, Paths& paths) {
    for (const ir::Mount& mount : exec.mounts) {
      if (mount.input != operand) {
        continue;
      }
      const auto path = Relative(mount.selector);
      if (mount.kind != ir::MountKind::kBind || mount.output >= 0 || !path || !IsPlain(*path)) {
        return false;
      }
      paths.push_back(*path);
    }
    return true;
  }

  // With too many sets, the last ones become one.
  static void Group(Local& local) {
    local.made.resize(local.sets.size());
    if (local.sets.size() <= kMostContexts) {
      return;
    }
    Paths all;
    for (std::size_t i = kMostContexts - 1; i < local.sets.size(); ++i) {
      all.insert(all.end(), local.sets[i].begin(), local.sets[i].end());
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    local.sets.resize(kMostContexts);
    local.sets.back() = std::move(all);
  }

  ir::Value Make(const Use& use, ir::NodeId user, Changes& changes) {
    Local& local = locals_.at(use.local.value());
    const std::size_t set = std::min(use.set, local.sets.size() - 1);
    const Paths& paths = local.sets[set];
    changes.push_back(fmt::format("{} reads {} of {}", StepName(module_.graph, user), Names(paths),
                                  StepName(module_.graph, use.local)));
    ir::Value& made = local.made[set];
    if (!made.is_scratch()) {
      return made;
    }
    const ir::Node& node = module_.graph.node(use.local);
    const auto& source = node.As<ir::SourceAttrs>();
    const std::string text = GoJsonStringList(paths);
    // Engines keep what was sent last for each hint, and send the difference.
    const std::string hint = fmt::format("{}#{}", AttrOf(source, kKeyHint), Digest::Of(text).ToString().substr(7, 12));
    std::vector<ir::KeyValue> attrs;
    for (const ir::KeyValue& attr : source.attrs) {
      if (attr.key != kFollowPaths) {
        attrs.push_back(attr.key == kKeyHint ? ir::KeyValue{kKeyHint, hint} : attr);
      }
    }
    attrs.push_back({kFollowPaths, text});
    std::sort(attrs.begin(), attrs.end(), [](const ir::KeyValue& a, const ir::KeyValue& b) { return a.key < b.key; });
    made = rewriter_.graph().Add<ir::OpKind::kSourceLocal>(
        {}, {.identifier = source.identifier, .attrs = attrs},
        {.platform = node.platform(), .worker_constraints = node.worker_constraints()});
    Annotate(made, use.local, paths);
    return made;
  }

  void Annotate(ir::Value made, ir::NodeId from, const Paths& paths) {
    ir::Metadata metadata = module_.graph.MergedMetadata(from);
    std::vector<ir::KeyValue> description;
    const std::string name = fmt::format("{}: {}", Described(metadata, kCustomName), Names(paths));
    const std::string count = fmt::format("{}", paths.size());
    for (const ir::KeyValue& entry : metadata.description) {
      description.push_back(entry.key == kCustomName ? ir::KeyValue{kCustomName, name} : entry);
    }
    description.push_back({kNarrowed, count});
    std::sort(description.begin(), description.end(),
              [](const ir::KeyValue& a, const ir::KeyValue& b) { return a.key < b.key; });
    metadata.description = description;
    rewriter_.graph().Annotate(made, metadata);
  }

  const ir::Module& module_;
  std::map<std::uint32_t, Local> locals_;
  std::unordered_set<std::uint32_t> closed_;
  std::vector<std::vector<Use>> uses_;  // by user
  Rewriter rewriter_;
};

}  // namespace

void NarrowContexts(ir::Module& module, Changes& changes) {
  Narrower narrower(module);
  if (std::optional<ir::Module> narrowed = narrower.Run(changes)) {
    module = *std::move(narrowed);
  }
}

}  // namespace loam::passes
