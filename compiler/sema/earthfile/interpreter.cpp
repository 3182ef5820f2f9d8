#include "compiler/sema/earthfile/interpreter.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/earthfile/target_evaluation.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;

// Targets inside of targets; nobody writes that many, but a recursion through arguments makes them.
constexpr std::size_t kMaxDepth = 300;

std::optional<std::string_view> ValueOf(const Scope& scope, std::string_view name) {
  const auto found = scope.find(name);
  return found == scope.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

// Whether an evaluation with `entry`'s values would be the same with those of `call`.
bool Matches(const TargetEntry& entry, const TargetCall& call) {
  if (entry.result == nullptr) {
    return entry.overriding == call.overriding && entry.pushes == call.pushes;
  }
  if (entry.result->read_push && entry.pushes != call.pushes) {
    return false;
  }
  return std::all_of(entry.result->names_read.begin(), entry.result->names_read.end(), [&](const std::string& name) {
    return ValueOf(entry.overriding, name) == ValueOf(call.overriding, name);
  });
}

// Whether these args, which both evaluations read, have other values.
bool DiffersIn(const std::vector<std::string_view>& read, const TargetEntry& entry, const TargetCall& call) {
  return std::any_of(read.begin(), read.end(), [&](std::string_view name) {
    return ValueOf(entry.overriding, name) != ValueOf(call.overriding, name);
  });
}

}  // namespace

Interpreter::Interpreter(const EvaluateRequest& request, ir::Module& module) : request_(&request), module_(&module) {}

Interpreter::~Interpreter() {
  Join(true);
}

std::string Interpreter::KeyOf(const TargetCall& call) const {
  return fmt::format("{}|{}|{}|{}", call.reference.Canonical(), call.platforms.Current().ToString(),
                     call.platforms.default_platform().ToString(), call.allow_privileged);
}

std::vector<std::string_view> Interpreter::DeclaredArgs(const Reference& reference) {
  std::vector<std::string_view> names;
  const auto read = [&](ast::earthfile::Block recipe) {
    for (const ast::earthfile::Statement& statement : recipe) {
      if (statement.kind == ast::earthfile::StatementKind::kCommand &&
          statement.command->kind == ast::earthfile::CommandKind::kArg && !statement.command->pairs.empty()) {
        names.push_back(statement.command->pairs.front().key.text);
      }
    }
  };
  if (const ProjectFile* const file = project().FindLoaded(reference); file != nullptr) {
    read(file->ast.base_recipe);
    if (const auto recipe = project().TargetRecipe(*file, reference.name, {}); recipe) {
      read(*recipe);
    }
  }
  return names;
}

std::shared_ptr<TargetEntry> Interpreter::AddEntry(const std::string& key) {
  auto entry = std::make_shared<TargetEntry>();
  entry->key = key;
  entry->number = ++targets_;
  entries_[key].push_back(entry);
  return entry;
}

void Interpreter::RecordNeed(const TargetCall& call, const TargetEntry* caller, const TargetEntry& entry) {
  if (request_->journal != nullptr && caller != nullptr) {
    request_->journal->Need(caller->number, call.command, entry.number, call.reference.name);
  }
}

bool Interpreter::Reaches(const TargetEntry* entry, const TargetEntry* caller) {
  for (; entry != nullptr; entry = entry->waiting_for) {
    if (entry == caller) {
      return true;
    }
  }
  return false;
}

std::shared_ptr<TargetEntry> Interpreter::Find(const TargetCall& call, const std::string& key, TargetEntry* caller,
                                               bool& cycle) {
  std::vector<std::shared_ptr<TargetEntry>>& entries = entries_[key];
  std::optional<std::vector<std::string_view>> declared;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::shared_ptr<TargetEntry> entry = entries[i];
    if (!entry->done) {
      if (!declared) {
        declared = DeclaredArgs(call.reference);
      }
      if (DiffersIn(*declared, *entry, call)) {
        continue;
      }
      const bool same = entry->overriding == call.overriding;
      if (caller != nullptr && Reaches(entry.get(), caller)) {
        if (same) {
          cycle = true;
          return nullptr;
        }
        continue;
      }
      // What it reads is known when it is done.
      if (caller != nullptr) {
        caller->waiting_for = entry.get();
      }
      std::unique_lock<std::mutex> lock(request_->gate->mutex(), std::adopt_lock);
      done_.wait(lock, [&] { return entry->done; });
      lock.release();
      if (caller != nullptr) {
        caller->waiting_for = nullptr;
      }
    }
    if (Matches(*entry, call)) {
      return entry;
    }
  }
  return nullptr;
}

Checked<std::shared_ptr<TargetResult>> Interpreter::Evaluate(const TargetCall& call, TargetEntry* caller) {
  const std::string key = KeyOf(call);
  bool cycle = false;
  const std::shared_ptr<TargetEntry> known = Find(call, key, caller, cycle);
  if (cycle || (caller != nullptr && caller->depth > kMaxDepth)) {
    return Fail<Kind::kEarthCycle>(call.range, call.reference.ToString())
        .Hint(cycle ? std::string("a target cannot need itself with the same arguments")
                    : fmt::format("targets are nested {} deep here: no end of it is in sight", kMaxDepth));
  }
  if (known != nullptr) {
    RecordNeed(call, caller, *known);
    if (known->result == nullptr) {
      return tl::unexpected<Failure>(*known->failure);
    }
    if (auto pending = PerformPending(*known->result, call.saves, call.pushes); !pending) {
      return tl::unexpected<Failure>(std::move(pending).error());
    }
    return known->result;
  }
  std::shared_ptr<TargetEntry> entry = AddEntry(key);
  RecordNeed(call, caller, *entry);
  return Run(call, entry, caller);
}

Checked<std::shared_ptr<TargetResult>> Interpreter::Run(const TargetCall& call,
                                                        const std::shared_ptr<TargetEntry>& entry,
                                                        TargetEntry* caller) {
  entry->overriding = call.overriding;
  entry->pushes = call.pushes;
  entry->depth = caller == nullptr ? 0 : caller->depth + 1;
  if (caller != nullptr) {
    caller->waiting_for = entry.get();
  }
  Checked<std::shared_ptr<TargetResult>> result = TargetEvaluation::Run(*this, call, *entry);
  if (caller != nullptr) {
    caller->waiting_for = nullptr;
  }
  if (result) {
    entry->result = *result;
    // All that was evaluated is built, wanted by an output or not.
    const ir::Value state = entry->result->state.fs;
    if (!state.is_scratch() && known_states_.emplace(state.node, state.result).second) {
      states_.push_back(state);
    }
  } else {
    entry->failure = result.error();
  }
  entry->done = true;
  done_.notify_all();
  return result;
}

void Interpreter::Start(TargetCall call, TargetEntry* caller) {
  if (running_ >= options().parallelism || stopping_) {
    return;
  }
  const std::string key = KeyOf(call);
  if (const auto known = entries_.find(key); known != entries_.end() && !known->second.empty()) {
    const std::vector<std::string_view> declared = DeclaredArgs(call.reference);
    for (const std::shared_ptr<TargetEntry>& entry : known->second) {
      if (entry->done ? Matches(*entry, call) : !DiffersIn(declared, *entry, call)) {
        return;  // it, or one that may turn out to be the same: the caller will find out
      }
    }
  }
  const std::shared_ptr<TargetEntry> entry = AddEntry(key);
  entry->overriding = call.overriding;
  entry->pushes = call.pushes;
  ++running_;
  const std::size_t depth = caller == nullptr ? 0 : caller->depth + 1;
  threads_.emplace_back([this, entry, depth, started = std::move(call)] {
    request_->gate->Acquire();
    TargetEntry parent;  // nobody waits here: the caller does when it comes to its BUILD
    parent.depth = depth;
    static_cast<void>(Run(started, entry, &parent));
    --running_;
    request_->gate->Release();
  });
}

void Interpreter::Join(bool stop) {
  stopping_ = stopping_ || stop;
  while (!threads_.empty()) {
    std::thread thread = std::move(threads_.front());
    threads_.pop_front();
    const Gate::Opened opened(request_->gate);
    thread.join();
  }
}

Interpreter::ModuleUse::ModuleUse(Interpreter& interpreter) : in_(interpreter) {
  std::unique_lock<std::mutex> lock(in_.request_->gate->mutex(), std::adopt_lock);
  in_.done_.wait(lock, [&] { return !in_.module_used_; });
  lock.release();
  in_.module_used_ = true;
}

Interpreter::ModuleUse::~ModuleUse() {
  in_.module_used_ = false;
  in_.done_.notify_all();
}

Checked<> Interpreter::PerformPending(TargetResult& result, bool saves, bool pushes) {
  if (!saves && !pushes) {
    return {};
  }
  for (std::size_t i = 0; i < result.scopes.size(); ++i) {
    SaveScope& scope = result.scopes[i];
    if (i > 0) {
      if (scope.performed) {
        continue;
      }
      scope.performed = true;
      OutputCollector collector;
      collector.Add(scope, saves, pushes);
      LOAM_TRY(Perform(collector, {}));
      continue;
    }
    for (const SaveScope::Entry& entry : scope.entries) {
      if (entry.build != nullptr) {
        LOAM_TRY(PerformPending(*entry.build, saves, pushes));
      }
    }
  }
  return {};
}

void Interpreter::NoteUnpushed(const OutputCollector& collector) {
  for (const std::string& name : collector.unpushed()) {
    NoteOnce(fmt::format("Did not push image {}: use --push to push it", name));
  }
}

Checked<> Interpreter::Perform(OutputCollector& collector, source::SourceRange range) {
  NoteUnpushed(collector);
  const Outputs outputs = LOAM_TRY(collector.Take());
  if (outputs.empty()) {
    return {};
  }
  if (auto done = effects().Perform(graph(), outputs); !done) {
    return FailWith(range, std::move(done).error());
  }
  for (const ArtifactOutput& artifact : outputs.artifacts) {
    written_.insert(Absolute(artifact.destination));
  }
  return {};
}

std::string Interpreter::PlaceOf(source::SourceRange range) const {
  const source::Buffer* buffer = range.valid() ? sources().Find(range.file) : nullptr;
  if (buffer == nullptr) {
    return {};
  }
  const source::LineColumn place = buffer->lines().Utf16Column(buffer->text(), range.begin);
  return fmt::format("{}:{}:{}", buffer->name(), place.line, place.column);
}

std::int32_t Interpreter::SourceOf(source::FileId file) {
  const source::Buffer* buffer = sources().Find(file);
  if (buffer == nullptr) {
    return -1;
  }
  const auto [known, added] = source_numbers_.emplace(file.value(), static_cast<std::int32_t>(module_->sources.size()));
  if (added) {
    module_->sources.push_back({buffer->name(), "Earthfile", std::string(buffer->text()), std::nullopt});
  }
  return known->second;
}

std::string Interpreter::UniqueText() {
  return fmt::format("{}-{}", options().local_unique_id, ++unique_);
}

std::string Interpreter::Absolute(std::string_view path) const {
  if (path.starts_with('/')) {
    return CleanPath(path);
  }
  return CleanPath(fmt::format("{}/{}", options().invocation_directory, path));
}

void Interpreter::NoteOnce(std::string text) {
  if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) {
    notes_.push_back(std::move(text));
  }
}

}  // namespace loam::sema::earthfile
