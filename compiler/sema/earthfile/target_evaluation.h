// TargetEvaluation: the evaluation of one target. Its methods are spread over one file a family of commands:
//   target_evaluation.cpp   the recipe: blocks, statements, what goes wrong
//   steps.cpp               nodes of the graph: names, commands, copies
//   references.cpp          other targets
//   commands/*.cpp          the commands
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ast/earthfile/ast.h"
#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/interpreter.h"

namespace loam::sema::earthfile {

using diag::Kind;
using source::SourceRange;

class TargetEvaluation {
 public:
  static Checked<std::shared_ptr<TargetResult>> Run(Interpreter& interpreter, const TargetCall& call,
                                                    TargetEntry& entry);

 private:
  TargetEvaluation(Interpreter& interpreter, const TargetCall& call, TargetEntry& entry);

  // ---- the recipe (target_evaluation.cpp)
  Checked<> Prepare();
  Checked<> RunRecipe();
  Checked<> Finish();
  Checked<> RunBlock(ast::earthfile::Block block);
  Checked<> RunStatement(const ast::earthfile::Statement& statement);
  Checked<> RunCommand(const ast::earthfile::Command& command);
  Checked<> Dispatch(const ast::earthfile::Command& command);
  // The same with what it needs to be told about where it happened.
  Failure WithChain(Failure failure);
  [[nodiscard]] CallChain CurrentChain() const;
  Checked<> RequireEnvironment(std::string_view command);
  Checked<> RejectAfterPush();
  [[nodiscard]] bool Has(Feature feature) const { return features_.Has(feature); }

  // ---- the journal (recording.cpp)
  // A command in the journal, while it is evaluated.
  struct Recorded {
    std::uint32_t number = 0;
    std::string name;    // what its first step is called
    bool steps = false;  // it has steps of its own
    Recorded* outer = nullptr;
  };
  void RecordTarget();
  void BeginRecorded(Recorded& recorded, std::string_view name, SourceRange range, bool interactive);
  void EndRecorded(const Recorded& recorded, const Failure* failure);
  // What the current command comes to; `step`: by a step of its own.
  void NameRecorded(std::string_view name, bool step);
  // Evaluates a command, which the journal is told of.
  template <class Body>
  auto Record(std::string_view name, SourceRange range, const Body& body, bool interactive = false)
      -> decltype(body()) {
    if (in_.request().journal == nullptr) {
      return body();
    }
    Recorded recorded;
    BeginRecorded(recorded, name, range, interactive);
    auto done = body();
    EndRecorded(recorded, done ? nullptr : &done.error());
    return done;
  }

  // ---- words
  static std::vector<Word> WordsOf(ast::earthfile::List<ast::earthfile::Word> words);
  Checked<std::string> Expand(const Word& word, bool keep_plus = false);
  Checked<std::string> Expand(std::string_view text, SourceRange range, bool keep_plus = false);
  Checked<std::vector<std::string>> ExpandAll(std::span<const Word> words, bool keep_plus = false);
  Checked<std::vector<std::string>> ExpandAll(std::span<const std::string> words, SourceRange range,
                                              bool keep_plus = false);
  // The value of ARG, LET, SET and of passed args; before shell-out-anywhere `$(…)` only as the whole value.
  Checked<std::string> ExpandValue(std::string_view name, std::string_view text, SourceRange range);
  Checked<std::string> ShellOut(std::string_view command, SourceRange range);
  Checked<EarthPlatform> ReadPlatform(std::string_view text, SourceRange range);

  // ---- nodes (steps.cpp)
  struct NameOptions {
    bool internal = false;
    bool raw = false;
    bool ignore_cache = false;
  };
  void Name(ir::Value value, std::string_view command, const NameOptions& options);
  void Name(ir::Value value, std::string_view command) { Name(value, command, NameOptions()); }
  // Of a step that is no node: one that runs on the invoker's machine.
  StepName NameOfStep(std::string_view command);
  std::string_view Intern(std::string_view text) { return in_.graph().Intern(text); }
  ir::Graph& graph() { return in_.graph(); }
  // What a step of RUN, IF, FOR or a shell-out is made of.
  struct Step {
    std::vector<std::string> args;
    std::string text;  // "RUN make"
    std::vector<std::string> mounts;
    std::vector<std::string> secrets;
    bool privileged = false;
    bool no_network = false;
    bool ssh = false;
    bool aws = false;
    std::string oidc;
    bool no_cache = false;
    bool shell = true;
    bool internal = false;
    bool raw = false;
    bool capture = false;                                  // a capture node instead of an exec
    std::vector<std::pair<std::string, std::string>> env;  // more variables
    // More mounts: read-only filesystems.
    struct Bind {
      std::string target;
      ir::Value fs;
      std::string selector;
    };
    std::vector<Bind> binds;
    std::vector<CacheMount> caches;
    bool as_root = false;
    bool plain_env = false;  // only the image's environment
    bool no_target_caches = false;
  };
  Checked<ir::Value> AddStep(const Step& step, ir::Value root);
  Checked<> ReadMounts(const Step& step, struct StepMounts& mounts);
  // What the host is asked for: the name, and the PROJECT of the file if secrets belong to projects.
  [[nodiscard]] std::string SecretId(std::string_view name) const;
  Checked<> ReadSecrets(const Step& step, struct StepMounts& mounts);
  void AddCache(const CacheMount& cache, struct StepMounts& mounts);
  // The id of a cache that has none: one for each path of the target.
  [[nodiscard]] std::string CacheId(std::string_view path) const;
  Checked<ProcessResult> Capture(const Step& step);
  Checked<ProcessResult> RunOnHost(const std::vector<std::string>& argv, std::string_view text, bool capture,
                                   bool condition, bool raw = false);
  // Runs words with the shell where commands run now, for IF, FOR and shell-outs.
  Checked<ProcessResult> RunShell(Step step, std::string script, bool condition);
  ir::Platform CurrentPlatform();

  struct CopyOptions {
    bool directory = false;  // --dir
    bool keep_times = false;
    bool if_exists = false;
    bool no_follow = false;
    bool wildcards = true;
    std::string owner;  // "" keeps the ids of the source
    std::optional<std::uint32_t> mode;
    // A layer of its own, put over the rest: what is there already is no reason to go inside of it.
    bool link = false;
  };
  // `sources` as paths in `from`; `destination` relative to `directory`.
  ir::Value AddCopy(ir::Value base, ir::Value from, std::span<const std::string> sources, std::string_view destination,
                    std::string_view directory, const CopyOptions& options, std::string_view name);
  // The files of the target's directory that a command uses. "/" or no paths: all.
  Checked<ir::Value> ContextFiles(std::span<const std::string> paths, const Place& place, const ProjectFile* remote,
                                  bool docker_ignore, std::string* subdirectory);
  std::string OwnerOfCopies(bool keep, std::string_view chown) const;
  // Copies what CACHE --persist holds into `fs`.
  Checked<ir::Value> Persisted(ir::Value fs);

  // ---- other targets (references.cpp)
  struct Passing {
    std::vector<PassedArg> args;
    bool pass_args = false;
    bool allow_privileged = false;  // the flag
    EarthPlatform platform = EarthPlatform::Default();
  };
  enum class Edge : std::uint8_t { kBuild, kFrom, kCopy, kFunctionBase, kLoad, kDockerfile };
  struct Resolved {
    Project::Resolved reference;
    bool privileged = false;
  };
  Checked<Resolved> Resolve(std::string_view text, SourceRange range, bool allow_privileged);
  // The call that a command makes; `passed` gets the names it gives itself.
  Checked<TargetCall> MakeCall(const Project::Resolved& target, bool privileged, const Passing& passing, Edge edge,
                               SourceRange range, Scope& passed);
  Checked<std::shared_ptr<TargetResult>> CallTarget(std::string_view text, const Passing& passing, Edge edge,
                                                    SourceRange range);
  Checked<std::shared_ptr<TargetResult>> Call(const TargetCall& call, const Scope& passed,
                                              const Project::Resolved& target, bool pass_args, Edge edge);
  // `--k=v` words and --build-arg of a command, expanded.
  Checked<std::vector<PassedArg>> ReadPassedArgs(std::span<const Word> words,
                                                 const std::vector<std::string>& build_args, SourceRange range);
  Checked<std::vector<PassedArg>> ReadPassedArgs(const std::vector<std::string>& words,
                                                 const std::vector<std::string>& build_args, SourceRange range);
  void TakeGlobals(const TargetResult& result);

  // ---- commands
  Checked<> From(const ast::earthfile::Command& command);
  Checked<> FromImage(std::string_view image, SourceRange range);
  struct PulledImage {
    ir::Value fs;
    ImageConfig config;
    std::string json;
  };
  Checked<PulledImage> PullImage(std::string_view image, const ir::Platform& platform, std::string_view verb,
                                 SourceRange range);
  Checked<> FromTarget(std::string_view reference, const Passing& passing, SourceRange range);
  Checked<> FromDockerfile(const ast::earthfile::Command& command);
  Checked<> Locally(const ast::earthfile::Command& command);
  Checked<> RunCommandRun(const ast::earthfile::Command& command);
  Checked<> Copy(const ast::earthfile::Command& command);
  Checked<> SaveArtifact(const ast::earthfile::Command& command);
  Checked<> SaveImage(const ast::earthfile::Command& command);
  Checked<> Build(const ast::earthfile::Command& command, bool ahead);
  void StartBuilds(ast::earthfile::Block block, std::size_t from);
  Checked<> Arg(const ast::earthfile::Command& command);
  Checked<> Let(const ast::earthfile::Command& command);
  Checked<> Set(const ast::earthfile::Command& command);
  Checked<> Env(const ast::earthfile::Command& command);
  Checked<> Workdir(const ast::earthfile::Command& command);
  Checked<> User(const ast::earthfile::Command& command);
  Checked<> CmdOrEntrypoint(const ast::earthfile::Command& command);
  Checked<> Expose(const ast::earthfile::Command& command);
  Checked<> Volume(const ast::earthfile::Command& command);
  Checked<> Label(const ast::earthfile::Command& command);
  Checked<> HealthcheckCommand(const ast::earthfile::Command& command);
  Checked<> GitClone(const ast::earthfile::Command& command);
  Checked<> Cache(const ast::earthfile::Command& command);
  Checked<> Host(const ast::earthfile::Command& command);
  Checked<> Do(const ast::earthfile::Command& command);
  Checked<> ImportCommand(const ast::earthfile::Command& command);
  Checked<> ProjectCommand(const ast::earthfile::Command& command);
  Checked<> IfStatement(const ast::earthfile::Statement& statement);
  Checked<bool> Decide(const ast::earthfile::Condition& condition, SourceRange range);
  Checked<> ForStatement(const ast::earthfile::Statement& statement);
  Checked<> WaitStatement(const ast::earthfile::Statement& statement);
  Checked<> TryStatement(const ast::earthfile::Statement& statement);
  Checked<> WithStatement(const ast::earthfile::Statement& statement);

  // RUN
  Checked<> RunNormally(Step step, const RunFlags& flags, SourceRange range);
  Checked<> RunLocally(const Step& step, const RunFlags& flags, SourceRange range);
  Checked<> RunInDocker(Step step, const RunFlags& flags, SourceRange range);
  Checked<std::string> ReadOidc(const RunFlags& flags, SourceRange range);

  // COPY, SAVE ARTIFACT
  Checked<> CopyFiles(const std::vector<std::string>& sources, std::string destination, const CopyFlags& flags,
                      const CopyOptions& options, SourceRange range);
  struct ArtifactSource {
    ArtifactReference artifact;
    std::string text;
    std::vector<std::string> args;
  };
  Checked<> CopyArtifacts(const std::vector<ArtifactSource>& sources, std::string destination, const CopyFlags& flags,
                          CopyOptions options, SourceRange range);
  Checked<> SaveLocally(const std::string& from, std::string to, const SaveArtifactFlags& flags);
  Checked<> AddLocalArtifact(const std::string& source, const std::string& artifact, std::string local,
                             const SaveArtifactFlags& flags, SourceRange range);
  std::string LocalDestination(std::string_view path) const;
  Checked<> CheckSaveDestination(std::string_view path, SourceRange range);

  // WITH DOCKER
  struct DockerLoad {
    std::string image;  // "" for the target's own
    std::string target;
    std::vector<PassedArg> args;
    SourceRange range;
  };
  struct Docker {
    std::vector<std::string> pulls;
    std::vector<DockerLoad> loads;
    std::vector<std::string> compose_files;
    std::vector<std::string> services;
    std::string cache_id;
    EarthPlatform platform = EarthPlatform::Default();
    bool pass_args = false;
    bool allow_privileged = false;
    bool ran = false;
    SourceRange range;
  };
  Checked<Docker> ReadDocker(const ast::earthfile::With& with, SourceRange keyword);
  // The images that its daemon is to have, sorted by name.
  Checked<std::vector<DaemonImage>> DaemonImages(const Docker& docker);
  Checked<std::vector<std::string>> ComposeImages(const Docker& docker);
  Checked<> RunWithHostDocker(const Step& step, const Docker& docker);
  ir::Value InlineFile(std::string_view name, std::string_view text);

  void SaveItem(OutputItem item, bool after_push);
  SaveScope& scope() { return *scopes_.back(); }

  Interpreter& in_;
  const TargetCall& call_;
  TargetEntry& entry_;
  const ProjectFile* file_ = nullptr;
  Reference canonical_;  // with what git knows
  std::string name_;     // "+build"
  Features features_;
  std::optional<Variables> variables_;
  PlatformResolver platforms_;
  std::shared_ptr<TargetResult> result_;

  BuildState state_;
  std::vector<CacheMount> caches_;
  bool allow_privileged_ = false;
  bool local_ = false;
  std::string local_directory_;  // under LOCALLY; absolute
  bool ran_from_ = false;
  bool ran_interactive_ = false;
  bool cmd_set_ = false;
  bool is_base_ = false;
  bool push_only_ = false;  // before wait-block: a --push was seen
  std::optional<Docker> docker_;
  std::vector<TryStep::File> try_files_;
  bool in_try_ = false;
  std::vector<SaveScope*> scopes_;
  // Functions that are entered: what is shown of them, and the place of their DO.
  std::vector<std::pair<std::string, SourceRange>> functions_;
  // The target exists; until then what is wrong is the caller's.
  bool found_ = false;
  bool chain_told_ = false;
  SourceRange range_;             // of the current command
  Recorded* recorded_ = nullptr;  // the current command in the journal; null: there is none
  bool shell_outs_allowed_ = true;
};

}  // namespace loam::sema::earthfile
