// Interpreter: what all targets of one evaluation share: the graph, the memo of targets, threads, outputs. Everything
// here runs with the gate held.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "compiler/sema/earthfile/call_chain.h"
#include "compiler/sema/earthfile/evaluate.h"
#include "compiler/sema/earthfile/project.h"
#include "compiler/sema/earthfile/target_result.h"

namespace loam::sema::earthfile {

// A request for a target.
struct TargetCall {
  Reference reference;  // absolute
  PlatformResolver platforms;
  Scope overriding;
  bool allow_privileged = false;
  bool saves = false;         // outputs are written
  bool pushes = false;        // images are pushed, RUN --push runs
  CallChain chain;            // of the caller
  std::uint32_t command = 0;  // the caller's command, in the journal
  source::SourceRange range;
};

// An evaluation of a target: running or done.
struct TargetEntry {
  std::string key;  // canonical name, platform, privileges
  Scope overriding;
  bool pushes = false;
  bool done = false;
  std::shared_ptr<TargetResult> result;  // null if it failed
  std::optional<Failure> failure;
  // The evaluation whose result this one waits for; what cycles are found by.
  const TargetEntry* waiting_for = nullptr;
  std::size_t depth = 0;
  std::uint32_t number = 0;  // in the journal
};

// Outputs of scopes, put together; each item once.
class OutputCollector {
 public:
  void Add(const SaveScope& scope, bool saves, bool pushes);
  void AddAfterPush(const SaveScope& scope, bool saves, bool pushes);
  void AddState(ir::Value fs);
  // Decides about tags that are saved more than once.
  Checked<Outputs> Take();
  // Names of SAVE IMAGE --push that this build saves and does not push.
  [[nodiscard]] const std::vector<std::string>& unpushed() const { return unpushed_; }

 private:
  void AddItem(const OutputItem& item, bool saves, bool pushes);

  std::set<const void*> seen_;
  std::vector<std::string> unpushed_;
  std::vector<ImageItem> images_;
  Outputs outputs_;
};

class Interpreter {
 public:
  Interpreter(const EvaluateRequest& request, ir::Module& module);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // The result of a target, evaluated now if it was not yet. `caller` is null for roots.
  Checked<std::shared_ptr<TargetResult>> Evaluate(const TargetCall& call, TargetEntry* caller);
  // Begins it on a thread of its own if there is one free; the result comes from Evaluate.
  void Start(TargetCall call, TargetEntry* caller);
  // Waits for the threads. After `stop` they end at their next command.
  void Join(bool stop);
  [[nodiscard]] bool stopping() const { return stopping_; }

  // Tells, at the end, which images are not pushed.
  void NoteUnpushed(const OutputCollector& collector);
  // Outputs of WAITs that ended while outputs of this target were off.
  Checked<> PerformPending(TargetResult& result, bool saves, bool pushes);
  Checked<> Perform(OutputCollector& collector, source::SourceRange range);

  // Its holder alone uses module().results.
  class ModuleUse {
   public:
    explicit ModuleUse(Interpreter& interpreter);
    ModuleUse(const ModuleUse&) = delete;
    ModuleUse& operator=(const ModuleUse&) = delete;
    ~ModuleUse();

   private:
    Interpreter& in_;
  };

  [[nodiscard]] const EvaluateRequest& request() const { return *request_; }
  [[nodiscard]] const EvaluateOptions& options() const { return request_->options; }
  [[nodiscard]] Project& project() { return *request_->project; }
  [[nodiscard]] BuildHost& host() { return *request_->host; }
  [[nodiscard]] EffectsHost& effects() { return *request_->effects; }
  [[nodiscard]] ir::Module& module() { return *module_; }
  [[nodiscard]] ir::Graph& graph() { return module_->graph; }
  [[nodiscard]] const source::SourceManager& sources() const { return *request_->sources; }

  // "Earthfile:12:3"; "" for an invalid range.
  [[nodiscard]] std::string PlaceOf(source::SourceRange range) const;
  // The number of a file among the module's sources; -1 if there is none.
  std::int32_t SourceOf(source::FileId file);
  // A text that no other step of this and of other evaluations has.
  std::string UniqueText();
  std::uint32_t NextCommandNumber() { return ++commands_; }
  // "./out/x" -> absolute path on the invoker's machine.
  [[nodiscard]] std::string Absolute(std::string_view path) const;

  // Final filesystems of all evaluated targets, in order.
  [[nodiscard]] const std::vector<ir::Value>& states() const { return states_; }
  // Paths that were written by SAVE ARTIFACT … AS LOCAL of a WAIT.
  std::set<std::string, std::less<>>& written_paths() { return written_; }
  std::vector<std::pair<std::string, std::string>>& auto_skip() { return auto_skip_; }
  std::vector<std::string>& notes() { return notes_; }
  void NoteOnce(std::string text);

 private:
  std::shared_ptr<TargetEntry> Find(const TargetCall& call, const std::string& key, TargetEntry* caller, bool& cycle);
  Checked<std::shared_ptr<TargetResult>> Run(const TargetCall& call, const std::shared_ptr<TargetEntry>& entry,
                                             TargetEntry* caller);
  std::string KeyOf(const TargetCall& call) const;
  // The args that every evaluation of a target reads, as its recipe and the base recipe declare them outside of blocks.
  // Evaluations of it that differ in one of them are different ones, before they are done. None if the file is not
  // loaded yet.
  std::vector<std::string_view> DeclaredArgs(const Reference& reference);
  std::shared_ptr<TargetEntry> AddEntry(const std::string& key);
  void RecordNeed(const TargetCall& call, const TargetEntry* caller, const TargetEntry& entry);
  // Whether waiting for `entry` would wait for `caller`.
  static bool Reaches(const TargetEntry* entry, const TargetEntry* caller);

  const EvaluateRequest* request_;
  ir::Module* module_;
  std::map<std::string, std::vector<std::shared_ptr<TargetEntry>>, std::less<>> entries_;
  std::condition_variable_any done_;
  std::list<std::thread> threads_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  bool module_used_ = false;
  std::map<std::uint32_t, std::int32_t> source_numbers_;
  std::size_t unique_ = 0;
  std::uint32_t targets_ = 0;  // numbers of the journal
  std::uint32_t commands_ = 0;
  std::vector<ir::Value> states_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> known_states_;
  std::set<std::string, std::less<>> written_;
  std::vector<std::pair<std::string, std::string>> auto_skip_;
  std::vector<std::string> notes_;
};

}  // namespace loam::sema::earthfile
