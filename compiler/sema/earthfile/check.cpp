// The graph of recipes that a root reaches, and what can be said of it.
#include "compiler/sema/earthfile/check.h"

#include <algorithm>
#include <deque>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/earthfile/call_chain.h"
#include "compiler/sema/earthfile/check_recipe.h"

namespace loam::sema::earthfile {

namespace {

using check::BaseFacts;
using check::DeclaredArg;
using check::Finding;
using check::GivenArg;
using check::Recipe;
using check::RecipeFacts;
using check::RecipeKind;
using check::Use;
using diag::Kind;
using source::SourceRange;

inline constexpr std::size_t kNoNode = static_cast<std::size_t>(-1);

struct Edge {
  std::size_t to = 0;
  bool conditional = false;
  bool is_base = false;  // every target comes after the base recipe of its file
  SourceRange range;
  std::vector<GivenArg> args;
  bool pass_args = false;
};

struct Node {
  const ProjectFile* file = nullptr;
  std::string name;
  RecipeKind kind{};
  Reference reference;
  std::vector<Finding> findings;
  std::vector<Edge> edges;
  std::set<std::string, std::less<>> args;
  bool looked_at = false;
  bool is_open = false;  // it uses targets that are not known
  bool certain = false;  // every evaluation of the root comes by
  // How the evaluation of the root gets here first; set if `certain` and not the root.
  std::size_t caller = kNoNode;
  std::size_t caller_edge = 0;
  std::vector<DeclaredArg> declared;
};

class Checker {
 public:
  Checker(Project& project, const CheckOptions& options, diag::Emitter& emitter)
      : project_(project), options_(options), emitter_(emitter) {}

  CheckSummary Run(const Reference& root);

 private:
  // The node, made and waiting to be looked at if it is new.
  std::size_t NodeOf(const ProjectFile& file, const Reference& reference, RecipeKind kind);
  void LookAt(std::size_t index);
  void Follow(std::size_t index, const Use& use, const ImportScopes& imports, bool has_dynamic_imports);
  // Adds an edge to the recipe that `reference` names, or what is wrong with the reference.
  void FollowTo(std::size_t index, const Reference& reference, const Use& use);
  void AddAll(const ProjectFile& file);

  void FindCertain(std::size_t root);
  void FindCycles();
  void CheckArgs();
  // Args that the invoker gave.
  void CheckAskedArgs(std::size_t root);
  // Those of `names` that neither `index` nor what it uses declares; none if that is not known. `declared`, unless
  // null, gets all names that are declared on the way.
  std::set<std::string, std::less<>> Undeclared(std::size_t index, std::set<std::string, std::less<>> names,
                                                std::set<std::string, std::less<>>* declared) const;
  // The chain of calls to `place` in the recipe of `index`.
  CallChain ChainTo(std::size_t index, SourceRange place);
  void Send();

  void Add(std::size_t index, const Failure& failure, bool conditional, SourceRange place) {
    for (const diag::Diagnostic& diagnostic : failure.diagnostics()) {
      nodes_[index].findings.push_back({diagnostic, conditional, place});
    }
  }

  Project& project_;
  const CheckOptions& options_;
  diag::Emitter& emitter_;
  std::deque<Node> nodes_;
  std::deque<std::size_t> waiting_;
  std::unordered_map<std::string, std::size_t> index_;
  std::unordered_map<const ProjectFile*, BaseFacts> bases_;
};

std::size_t Checker::NodeOf(const ProjectFile& file, const Reference& reference, RecipeKind kind) {
  const std::string key =
      fmt::format("{}\n{}\n{}", static_cast<const void*>(&file), reference.name, static_cast<int>(kind));
  const auto [found, is_new] = index_.emplace(key, nodes_.size());
  if (is_new) {
    Node& node = nodes_.emplace_back();
    node.file = &file;
    node.name = reference.name;
    node.kind = kind;
    node.reference = reference;
    waiting_.push_back(found->second);
  }
  return found->second;
}

void Checker::LookAt(std::size_t index) {
  if (std::exchange(nodes_[index].looked_at, true)) {
    return;
  }
  const ProjectFile& file = *nodes_[index].file;
  const RecipeKind kind = nodes_[index].kind;
  if (kind != RecipeKind::kBase) {
    // What it gives to its file comes first.
    const std::size_t base =
        NodeOf(file, nodes_[index].reference.WithName(std::string(kBaseTarget)), RecipeKind::kBase);
    LookAt(base);
    nodes_[index].edges.push_back({base, false, true, {}, {}, false});
  }
  const auto recipe = kind == RecipeKind::kFunction ? project_.FunctionRecipe(file, nodes_[index].name, SourceRange{})
                                                    : project_.TargetRecipe(file, nodes_[index].name, SourceRange{});
  if (!recipe) {
    if (options_.whole_files) {
      Add(index, recipe.error(), true, {});
    }
    return;  // else it was told where the name is used
  }
  RecipeFacts facts = check::CheckRecipe({&file, kind, *recipe, project_.options().home}, bases_[&file]);
  nodes_[index].findings = std::move(facts.findings);
  nodes_[index].args = std::move(facts.args);
  nodes_[index].declared = std::move(facts.declared);
  nodes_[index].is_open = facts.has_dynamic_uses;
  for (const Use& use : facts.uses) {
    Follow(index, use, facts.imports, facts.has_dynamic_imports);
  }
}

void Checker::Follow(std::size_t index, const Use& use, const ImportScopes& imports, bool has_dynamic_imports) {
  const auto resolved = project_.Resolve(use.text, nodes_[index].file->project, imports, use.range);
  if (!resolved) {
    const bool may_exist =
        has_dynamic_imports && resolved.error().diagnostics().front().kind == Kind::kEarthUnknownImport;
    if (may_exist) {
      nodes_[index].is_open = true;
    } else {
      Add(index, resolved.error(), use.conditional, use.range);
    }
    return;
  }
  const Reference& reference = resolved->reference;
  if (reference.IsRemote() && !reference.IsStandardLibrary() && !options_.follow_remotes &&
      nodes_[index].file->project.Project() != reference.Project()) {
    nodes_[index].is_open = true;
    return;
  }
  if (use.is_function != IsFunctionName(reference.name)) {
    Add(index,
        use.is_function
            ? Fail<Kind::kEarthBadReference>(use.range, use.text, "DO takes a function, and this names a target")
                  .Hint("names of functions are in upper case; targets are used by BUILD, FROM and COPY")
            : Fail<Kind::kEarthBadReference>(use.range, use.text, "a target is due, and this names a function")
                  .Hint("functions are called with DO"),
        use.conditional, use.range);
    return;
  }
  if (!HasPathWildcard(resolved->written) || use.is_function) {
    FollowTo(index, reference, use);
    return;
  }
  const Features& features = nodes_[index].file->features;
  if (!use.wildcard_feature || (!features.Has(Feature::kWildcardBuilds) && !features.Has(Feature::kWildcardCopy))) {
    nodes_[index].is_open = true;  // the evaluation says what is missing
    return;
  }
  const auto expanded = project_.ExpandWildcard(reference, use.range);
  if (!expanded) {
    Add(index, expanded.error(), use.conditional, use.range);
    return;
  }
  for (const Reference& match : *expanded) {
    FollowTo(index, match, use);
  }
}

void Checker::FollowTo(std::size_t index, const Reference& reference, const Use& use) {
  const auto file = project_.Load(reference, use.range);
  if (!file) {
    Add(index, file.error(), use.conditional, use.range);
    return;
  }
  const auto recipe = use.is_function ? project_.FunctionRecipe(**file, reference.name, use.range)
                                      : project_.TargetRecipe(**file, reference.name, use.range);
  if (!recipe) {
    Add(index, recipe.error(), use.conditional, use.range);
    return;
  }
  const RecipeKind kind = use.is_function                 ? RecipeKind::kFunction
                          : reference.name == kBaseTarget ? RecipeKind::kBase
                                                          : RecipeKind::kTarget;
  const std::size_t to = NodeOf(**file, reference, kind);
  nodes_[index].edges.push_back({to, use.conditional, false, use.range, use.args, use.pass_args});
}

void Checker::AddAll(const ProjectFile& file) {
  if (file.IsRemote()) {
    return;
  }
  for (const ast::earthfile::Target& target : file.ast.targets) {
    NodeOf(file, file.project.WithName(std::string(target.name)), RecipeKind::kTarget);
  }
  for (const ast::earthfile::Function& function : file.ast.functions) {
    NodeOf(file, file.project.WithName(std::string(function.name)), RecipeKind::kFunction);
  }
}

void Checker::FindCertain(std::size_t root) {
  std::deque<std::size_t> open = {root};
  nodes_[root].certain = true;
  while (!open.empty()) {
    const std::size_t index = open.front();
    open.pop_front();
    for (std::size_t i = 0; i < nodes_[index].edges.size(); ++i) {
      const Edge& edge = nodes_[index].edges[i];
      Node& to = nodes_[edge.to];
      if (!edge.conditional && !to.certain) {
        to.certain = true;
        to.caller = index;
        to.caller_edge = i;
        open.push_back(edge.to);
      }
    }
  }
}

CallChain Checker::ChainTo(std::size_t index, SourceRange place) {
  std::vector<std::size_t> way;
  for (; index != kNoNode; index = nodes_[index].caller) {
    way.push_back(index);
  }
  std::reverse(way.begin(), way.end());
  CallChain chain;
  Scope given = options_.args;
  SourceRange called_at;
  for (std::size_t i = 0; i < way.size(); ++i) {
    const Node& node = nodes_[way[i]];
    const Edge* const next = i + 1 < way.size() ? &node.edges[nodes_[way[i + 1]].caller_edge] : nullptr;
    const SourceRange end = next == nullptr ? place : next->range;
    std::string what = node.reference.Canonical();
    if (node.kind == RecipeKind::kFunction) {
      what = fmt::format("function {}", what);
    } else if (end.valid()) {
      std::map<std::string_view, std::string_view> shown;
      for (const DeclaredArg& arg : node.declared) {
        if (arg.range.begin < end.begin) {
          const auto value = given.find(arg.name);
          shown.emplace(arg.name, value == given.end() ? std::string_view(arg.text) : value->second);
        }
      }
      for (const auto& [name, value] : shown) {
        what += fmt::format(" --{}={}", name, value);
      }
    }
    chain = Extend(std::move(chain), std::move(what), called_at);
    if (next == nullptr) {
      break;
    }
    const Node& to = nodes_[next->to];
    if (!next->pass_args && (to.file != node.file || to.kind == RecipeKind::kFunction)) {
      given.clear();
    }
    for (const GivenArg& arg : next->args) {
      given.insert_or_assign(arg.name, arg.value);
    }
    called_at = next->range;
  }
  return chain;
}

// A target that comes by itself again, without a condition that could end it.
void Checker::FindCycles() {
  enum class Colour : std::uint8_t { kWhite, kGrey, kBlack };
  std::vector<Colour> colours(nodes_.size(), Colour::kWhite);
  struct Frame {
    std::size_t node;
    std::size_t next_edge;
  };
  for (std::size_t start = 0; start < nodes_.size(); ++start) {
    if (colours[start] != Colour::kWhite) {
      continue;
    }
    std::vector<Frame> path = {{start, 0}};
    colours[start] = Colour::kGrey;
    while (!path.empty()) {
      Frame& frame = path.back();
      Node& node = nodes_[frame.node];
      if (frame.next_edge == node.edges.size()) {
        colours[frame.node] = Colour::kBlack;
        path.pop_back();
        continue;
      }
      const Edge& edge = node.edges[frame.next_edge++];
      if (edge.conditional || (edge.is_base && node.kind == RecipeKind::kFunction)) {
        continue;
      }
      if (colours[edge.to] == Colour::kWhite) {
        colours[edge.to] = Colour::kGrey;
        path.push_back({edge.to, 0});
        continue;
      }
      if (colours[edge.to] == Colour::kBlack) {
        continue;
      }
      std::size_t first = path.size();
      while (path[--first].node != edge.to) {
      }
      // Told where a name is written; the way into a base recipe is not.
      diag::Diagnostic diagnostic =
          MakeDiagnostic<Kind::kEarthCycle>(edge.range, nodes_[edge.to].reference.Canonical());
      std::string way = nodes_[edge.to].reference.Canonical();
      for (std::size_t i = first; i < path.size(); ++i) {
        const Edge& taken = nodes_[path[i].node].edges[path[i].next_edge - 1];
        way += fmt::format(" → {}", nodes_[taken.to].reference.Canonical());
        if (taken.range.valid() && !diagnostic.range.valid()) {
          diagnostic.range = taken.range;
        } else if (taken.range.valid() && taken.range != diagnostic.range) {
          diagnostic.labels.push_back({taken.range, "used here"});
        }
      }
      diagnostic.notes.push_back(std::move(way));
      diagnostic.hints.emplace_back("remove one of these uses, or put it into an IF that ends the recursion");
      node.findings.push_back({std::move(diagnostic), false});
    }
  }
}

std::set<std::string, std::less<>> Checker::Undeclared(std::size_t index, std::set<std::string, std::less<>> names,
                                                       std::set<std::string, std::less<>>* declared) const {
  std::unordered_set<std::size_t> seen = {index};
  std::vector<std::size_t> open = {index};
  while (!open.empty() && !names.empty()) {
    const Node& node = nodes_[open.back()];
    open.pop_back();
    if (node.is_open) {
      return {};
    }
    for (const std::string& name : node.args) {
      names.erase(name);
    }
    if (declared != nullptr) {
      declared->insert(node.args.begin(), node.args.end());
    }
    for (const Edge& next : node.edges) {
      if (seen.insert(next.to).second) {
        open.push_back(next.to);
      }
    }
  }
  return names;
}

void Checker::CheckAskedArgs(std::size_t root) {
  std::set<std::string, std::less<>> names;
  for (const auto& [name, hint] : options_.asked) {
    names.insert(name);
  }
  std::set<std::string, std::less<>> declared;
  const std::set<std::string, std::less<>> missing = Undeclared(root, std::move(names), &declared);
  for (const auto& [name, hint] : options_.asked) {
    if (!missing.contains(name)) {
      continue;
    }
    diag::Diagnostic diagnostic =
        MakeDiagnostic<Kind::kEarthUnknownArg>(SourceRange(), nodes_[root].reference.Canonical(), name);
    const auto near = NearestWord(name, {declared.begin(), declared.end()});
    diagnostic.hints.push_back(near           ? fmt::format("did you mean `--{}`?", *near)
                               : hint.empty() ? fmt::format("declare it where it is used: `ARG {}`", name)
                                              : hint);
    nodes_[root].findings.push_back({std::move(diagnostic), true});
  }
}

// Args flow on to the targets that a target uses: a name is unknown only if none of them declares it.
void Checker::CheckArgs() {
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    for (const Edge& edge : nodes_[index].edges) {
      if (edge.args.empty()) {
        continue;
      }
      std::set<std::string, std::less<>> names;
      for (const GivenArg& arg : edge.args) {
        names.insert(arg.name);
      }
      const std::set<std::string, std::less<>> missing = Undeclared(edge.to, std::move(names), nullptr);
      const Node& target = nodes_[edge.to];
      for (const GivenArg& arg : edge.args) {
        if (!missing.contains(arg.name)) {
          continue;
        }
        diag::Diagnostic diagnostic =
            MakeDiagnostic<Kind::kEarthUnknownArg>(arg.range, target.reference.Canonical(), arg.name);
        const auto near = NearestWord(arg.name, {target.args.begin(), target.args.end()});
        diagnostic.hints.push_back(near ? fmt::format("did you mean `--{}`?", *near)
                                        : fmt::format("declare it there: `ARG {}`", arg.name));
        nodes_[index].findings.push_back({std::move(diagnostic), true});
      }
    }
  }
}

void Checker::Send() {
  std::vector<diag::Diagnostic> all;
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    Node& node = nodes_[index];
    for (Finding& finding : node.findings) {
      if (finding.conditional || !node.certain) {
        finding.diagnostic.severity = diag::Severity::Warning;
      }
      if (options_.chains && finding.diagnostic.is_error()) {
        const SourceRange place = finding.place.valid() ? finding.place : finding.diagnostic.range;
        for (std::string& note : ChainNotes(ChainTo(index, place), project_.sources())) {
          finding.diagnostic.notes.push_back(std::move(note));
        }
      }
      all.push_back(std::move(finding.diagnostic));
    }
  }
  for (const ProjectFile* file : project_.files()) {
    if (!file->IsRemote()) {
      all.insert(all.end(), file->notes.begin(), file->notes.end());
    }
  }
  // Errors first where the same is told twice, as for a file that several targets name.
  const auto key = [](const diag::Diagnostic& diagnostic) {
    return std::tie(diagnostic.range.file, diagnostic.range.begin, diagnostic.range.end, diagnostic.message);
  };
  std::stable_sort(all.begin(), all.end(), [&](const diag::Diagnostic& a, const diag::Diagnostic& b) {
    return std::tuple_cat(key(a), std::tuple(a.severity)) < std::tuple_cat(key(b), std::tuple(b.severity));
  });
  const auto same = [&](const diag::Diagnostic& a, const diag::Diagnostic& b) { return key(a) == key(b); };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  for (diag::Diagnostic& diagnostic : all) {
    emitter_.Report(std::move(diagnostic));
  }
}

CheckSummary Checker::Run(const Reference& root) {
  CheckSummary summary;
  const auto file = project_.Load(root, SourceRange{});
  if (!file) {
    Report(emitter_, file.error());
    return summary;
  }
  const auto recipe = project_.TargetRecipe(**file, root.name, SourceRange{});
  if (!recipe) {
    Report(emitter_, recipe.error());
    return summary;
  }
  const std::size_t root_index =
      NodeOf(**file, root, root.name == kBaseTarget ? RecipeKind::kBase : RecipeKind::kTarget);
  std::size_t known_files = 0;
  do {
    while (!waiting_.empty()) {
      const std::size_t index = waiting_.front();
      waiting_.pop_front();
      LookAt(index);
    }
    const std::vector<const ProjectFile*> files = project_.files();
    for (; options_.whole_files && known_files < files.size(); ++known_files) {
      AddAll(*files[known_files]);
    }
  } while (!waiting_.empty());

  FindCertain(root_index);
  FindCycles();
  CheckArgs();
  CheckAskedArgs(root_index);
  for (const Node& node : nodes_) {
    summary.targets += node.kind == RecipeKind::kTarget ? 1 : 0;
    summary.functions += node.kind == RecipeKind::kFunction ? 1 : 0;
  }
  summary.files = bases_.size();
  const std::size_t errors = emitter_.error_count();
  Send();
  summary.ok = emitter_.error_count() == errors;
  return summary;
}

}  // namespace

CheckSummary CheckProject(Project& project, const Reference& root, const CheckOptions& options,
                          diag::Emitter& emitter) {
  return Checker(project, options, emitter).Run(root);
}

}  // namespace loam::sema::earthfile
