#include "compiler/driver/outline.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace loam::driver {
namespace {

using Names = std::set<std::string, std::less<>>;

struct KnownArg {
  OutlineArg arg;
  Names dependencies;  // variables of its default
};
using KnownArgs = std::map<std::string, KnownArg, std::less<>>;

void AddOnce(std::vector<OutlineSecret>& list, std::string_view id, bool required, source::LineSpan lines) {
  const bool known =
      std::any_of(list.begin(), list.end(), [&](const OutlineSecret& other) { return other.name == id; });
  if (!known) {
    list.push_back({std::string(id), required, lines});
  }
}

template <class Item>
void SortByLine(std::vector<Item>& items) {
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.lines.first < b.lines.first; });
}

}  // namespace

struct OutlineCollector::Stage {
  const void* base = nullptr;
  std::vector<const void*> dependencies;
  KnownArgs args;  // its own; those before the first FROM are in State
  Names used;
  std::vector<OutlineSecret> secrets;
  std::vector<OutlineSecret> ssh;
};

struct OutlineCollector::State {
  KnownArgs global;
  std::unordered_map<const ast::From*, Names> headers;
  std::unordered_map<const void*, Stage> stages;
  const void* target = nullptr;
  std::string target_name;
  std::string target_description;
};

// Goes through the target, its base and what they take files from, in this order; of each name the first one counts.
class OutlineCollector::Walk {
 public:
  Walk(const State& state, Outline& out) : state_(state), out_(out) {}

  void Visit(const void* stage) {
    std::vector<const void*> pending{stage};
    while (!pending.empty()) {
      const void* const next = pending.back();
      pending.pop_back();
      const auto found = state_.stages.find(next);
      if (found == state_.stages.end() || !seen_.insert(next).second) {
        continue;
      }
      Add(found->second);
      pending.insert(pending.end(), found->second.dependencies.rbegin(), found->second.dependencies.rend());
      pending.push_back(found->second.base);
    }
  }

 private:
  void Add(const Stage& stage) {
    Names used;
    for (const std::string& name : stage.used) {
      Use(stage, name, used);
    }
    for (const std::string& name : used) {
      const KnownArg* const known = Find(stage, name);
      if (known != nullptr && arg_names_.insert(name).second) {
        out_.args.push_back(known->arg);
      }
    }
    for (const OutlineSecret& secret : stage.secrets) {
      AddOnce(out_.secrets, secret.name, secret.required, secret.lines);
    }
    for (const OutlineSecret& ssh : stage.ssh) {
      AddOnce(out_.ssh, ssh.name, ssh.required, ssh.lines);
    }
  }

  const KnownArg* Find(const Stage& stage, std::string_view name) const {
    for (const KnownArgs* args : {&stage.args, &state_.global}) {
      if (const auto found = args->find(name); found != args->end()) {
        return &found->second;
      }
    }
    return nullptr;
  }

  // The name and what its default names, and so on.
  void Use(const Stage& stage, const std::string& name, Names& used) const {
    std::vector<std::string> pending{name};
    while (!pending.empty()) {
      const std::string next = std::move(pending.back());
      pending.pop_back();
      if (!used.insert(next).second) {
        continue;
      }
      if (const KnownArg* known = Find(stage, next)) {
        pending.insert(pending.end(), known->dependencies.begin(), known->dependencies.end());
      }
    }
  }

  const State& state_;
  Outline& out_;
  std::unordered_set<const void*> seen_;
  Names arg_names_;
};

OutlineCollector::OutlineCollector() : state_(std::make_unique<State>()) {}
OutlineCollector::~OutlineCollector() = default;

void OutlineCollector::OnGlobalArgument(const ast::Arg& arg, const ast::ArgItem& item,
                                        std::optional<std::string_view> value, std::span<const std::string> matched) {
  const std::string name(item.key.text);
  KnownArg known{{name, std::string(item.doc_comment), std::string(value.value_or("")), arg.lines},
                 {matched.begin(), matched.end()}};
  // A default that names the variable itself means the one before.
  if (known.dependencies.erase(name) > 0) {
    if (const auto before = state_->global.find(name); before != state_->global.end()) {
      known.dependencies.insert(before->second.dependencies.begin(), before->second.dependencies.end());
    }
  }
  state_->global[name] = std::move(known);
}

void OutlineCollector::OnStageHeader(const ast::From& from, std::span<const std::string> matched) {
  state_->headers[&from].insert(matched.begin(), matched.end());
}

void OutlineCollector::OnStages(std::span<const sema::StageShape> stages, const void* target) {
  state_->target = target;
  for (const sema::StageShape& shape : stages) {
    Stage& stage = state_->stages[shape.stage];
    stage.base = shape.base;
    stage.dependencies = shape.dependencies;
    if (shape.from != nullptr) {
      stage.used = state_->headers[shape.from];
    }
    if (const auto base = state_->stages.find(shape.base); shape.base != nullptr && base != state_->stages.end()) {
      stage.used.insert(base->second.used.begin(), base->second.used.end());
    }
    if (shape.stage == target && shape.from != nullptr) {
      state_->target_name = shape.from->stage_id;
      state_->target_description = shape.from->doc_comment;
    }
  }
}

void OutlineCollector::OnArgument(const void* stage, const ast::ArgItem& item, source::LineSpan lines,
                                  std::optional<std::string_view> value, bool inherited) {
  Stage& where = state_->stages[stage];
  const std::string name(item.key.text);
  if (!inherited) {
    where.args[name] = {{name, std::string(item.doc_comment), std::string(value.value_or("")), lines}, {}};
  }
  where.used.insert(name);
}

void OutlineCollector::OnSecret(const void* stage, std::string_view id, bool required, source::LineSpan lines) {
  AddOnce(state_->stages[stage].secrets, id, required, lines);
}

void OutlineCollector::OnSsh(const void* stage, std::string_view id, bool required, source::LineSpan lines) {
  AddOnce(state_->stages[stage].ssh, id, required, lines);
}

Outline OutlineCollector::Collect() const {
  Outline out;
  out.name = state_->target_name;
  out.description = state_->target_description;
  Walk(*state_, out).Visit(state_->target);
  SortByLine(out.args);
  SortByLine(out.secrets);
  SortByLine(out.ssh);
  return out;
}

}  // namespace loam::driver
