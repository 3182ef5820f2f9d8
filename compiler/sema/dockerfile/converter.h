// Converter: the conversion of one Dockerfile for one platform. Its methods are spread over one file per construct:
//   epoch.cpp         SOURCE_DATE_EPOCH
//   stages.cpp        names, bases, targets, what depends on what
//   base_images.cpp   images and named contexts; ONBUILD triggers (on_build.cpp)
//   dispatch.cpp      the stages' instructions, in order
//   run.cpp run_mounts.cpp copy.cpp workdir.cpp arg.cpp env.cpp …   one instruction each
//   result.cpp        context, labels, platform of the result
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/sema/dockerfile/convert.h"
#include "compiler/sema/dockerfile/platform.h"
#include "compiler/sema/dockerfile/stage.h"
#include "compiler/sema/dockerfile/word_expander.h"

namespace loam::sema {

using diag::Kind;

class Converter {
 public:
  // `platform` empty: implied by the build platform. `source` is the Dockerfile's number among the module's sources.
  Converter(const ConvertInput& input, std::string_view platform, std::int32_t source, ir::Module& module,
            diag::Emitter& emitter);

  [[nodiscard]] bool Run();

 private:
  // ---- global scope and stages
  bool ReadPlatforms(std::string_view platform);
  void AddPlatformArguments();
  bool ReadGlobalArgument(const ast::Arg& arg, const ast::ArgItem& item);
  bool ReadGlobalArguments();
  void ShowDefaultBases();
  std::vector<std::string_view> DeclaredArguments() const;
  bool ResolveEpoch();
  Result<std::optional<std::int64_t>> EpochFrom(std::string_view name);
  Result<ir::Value> EpochSource(const ast::Stage& stage);
  bool MakeStages();
  bool ExpandStageHeader(const ast::Stage& source, Stage& stage);
  void AddStage(Stage* stage);
  Stage* NewStage() { return &all_.emplace_back(); }
  Stage* NewUnregistered(std::string_view base, const ast::Text& where, source::LineSpan lines);
  Stage* FindStage(std::string_view name);
  std::vector<std::string> StageNames() const;
  bool FindTarget();
  bool MakeCommands();
  bool MakeCommand(const ast::Instruction* instruction, Command& command);
  bool AddDependencies(Stage& stage, const Command& command);
  bool CheckCycles();
  // Shows the stages to who watches them; true.
  bool ShowStages();

  // ---- bases
  bool ResolveStages();
  std::vector<Stage*> Reachable() const;
  bool ResolveBases(const std::vector<Stage*>& reachable);
  void PrefetchImages(const std::vector<Stage*>& stages);
  bool ResolveBase(Stage& stage, bool reachable);
  bool ResolveImage(Stage& stage, const ir::Platform& platform, std::string_view original);
  bool LoadContext(std::string_view spec, std::string_view name, const ir::Platform* platform, Stage& stage);
  std::optional<std::pair<std::string, std::string>> FindContext(std::string_view name, const ir::Platform* platform);
  void InheritFromBase(Stage& stage);
  bool AddTriggers(Stage& stage, bool& new_dependencies);
  Result<ImageMetadata> QueryImage(const ImageQuery& query);

  // ---- instructions
  bool DispatchStages(const std::vector<Stage*>& reachable);
  bool StartStage(Stage& stage);
  bool Dispatch(Stage& stage, const Command& command);
  bool DoRun(Stage& stage, const Command& command, const ast::Run& run);
  bool ReadRunMounts(Stage& stage, const Command& command, const ast::Run& run, struct RunMounts& mounts);
  bool DoCopy(Stage& stage, const Command& command, const ast::FileTransfer& copy);
  bool DoWorkdir(Stage& stage, const Command& command, const ast::Workdir& workdir);
  bool SetWorkdir(Stage& stage, std::string_view path, const ast::Text& where);
  bool DoArg(Stage& stage, const Command& command, const ast::Arg& arg);
  bool DoEnv(Stage& stage, const ast::Env& env);
  bool DoLabel(Stage& stage, const ast::Label& label);
  bool DoCmd(Stage& stage, const ast::Cmd& cmd);
  bool DoEntrypoint(Stage& stage, const ast::Entrypoint& entrypoint);
  bool DoHealthcheck(Stage& stage, const ast::Healthcheck& healthcheck);
  bool DoExpose(Stage& stage, const ast::Expose& expose);
  bool DoUser(Stage& stage, const ast::User& user);
  bool DoVolume(Stage& stage, const ast::Volume& volume);
  bool DoStopSignal(Stage& stage, const ast::StopSignal& signal);
  bool DoShell(Stage& stage, const ast::Shell& shell);
  bool DoOnbuild(Stage& stage, const ast::Onbuild& onbuild);
  bool DoMaintainer(Stage& stage, const ast::Maintainer& maintainer);

  // ---- result
  bool Finish();
  // With the steps that they come from.
  std::vector<std::pair<ScanTarget, std::uint32_t>> FindScanTargets();
  bool CloseMainContext();
  bool CloseLocalContexts();
  // Gives the nodes the names of their steps.
  void AnnotateSteps(const std::vector<std::uint32_t>& more_roots);

 public:
  // ---- what the instructions share (used by helpers in their files)
  ir::Graph& graph() { return module_.graph; }
  std::string_view Intern(std::string_view text) {
    text_bytes_ += text.size();
    return module_.graph.Intern(text);
  }
  // False, and reports, if the file has made more text than kMaxTextBytes.
  bool WithinBudget(std::string_view word, source::SourceRange where);
  diag::Emitter& emitter() { return emitter_; }
  const DockerfileOptions& options() const { return *input_.options; }
  Observer* observer() const { return input_.observer; }
  ParameterObserver* parameters() const { return input_.parameters; }
  char escape() const { return input_.file->escape; }
  source::SourceRange RangeOf(const ast::Text& text, const ast::Instruction& instruction) const {
    return text.present() ? text.range : instruction.range;
  }
  // Expands a word in the stage's environment. Reports and returns false if it is wrong.
  bool Expand(Stage& stage, const ast::Text& text, const ast::Instruction& instruction, std::string_view& out);
  bool ExpandWith(const Variables& variables, const ExpansionOptions& expansion, std::string_view word,
                  source::SourceRange where, std::string_view& out);
  // The same in the stage's environment; unset variables are shown to the observer.
  bool ExpandIn(Stage& stage, const ExpansionOptions& expansion, std::string_view word, source::SourceRange where,
                std::string_view& out);
  // "[stage 2/5] RUN make": counts the command. `platform` is shown in builds for several platforms.
  std::string VertexName(Stage& stage, std::string_view text, const ir::Platform* platform, const Variables* env);
  // The command's text as vertex names show it: variables expanded, the keyword in upper case.
  std::string CommandText(std::string_view text, const Variables& env, bool keep_quotes_and_unset);
  void AddHistory(Stage& stage, std::string text, bool has_layer, bool is_build_step);
  std::vector<std::string_view> WithShell(const Stage& stage, std::string_view command);
  std::span<const ir::SourceLocation> Locations(source::LineSpan lines);
  // Metadata with a custom name, the Dockerfile command if not null, and a place if there is one.
  ir::Metadata Named(std::string_view name, const std::string_view* command, source::LineSpan lines);
  // A file op of one action on `base`.
  ir::Value AddFileOp(ir::Value base, std::span<const ir::Value> more, std::span<const ir::FileAction> actions);
  // Notes that a step made `value`, from the filesystems in the order in which LLB walks them.
  Fs AddStep(ir::Value value, const ir::Metadata& metadata, std::vector<std::uint32_t> inputs = {});
  // `base` with nothing but one new file, for heredocs.
  Fs InlineDocument(std::string_view name, std::string_view data, std::uint32_t mode);
  // The main context; its node is closed when all paths are known.
  State MainContext();
  void UseContextPath(std::string_view path);
  static ir::Owner OwnerFrom(std::string_view text, std::int64_t input);
  std::optional<std::int64_t> epoch() const { return epoch_; }

 private:
  ConvertInput input_;
  std::string platform_text_;
  std::int32_t source_;
  ir::Module& module_;
  diag::Emitter& emitter_;

  ir::Platform target_platform_;
  ir::Platform build_platform_;
  bool implicit_platform_ = true;
  Environment global_;
  std::map<std::string, std::string> build_args_;
  std::optional<std::int64_t> epoch_;
  std::string_view epoch_text_;
  std::optional<ir::ProxyEnv> proxy_;

  std::deque<Stage> all_;
  std::vector<Stage*> stages_;  // in upstream's order: registered ones, then the others as they are found
  std::unordered_map<std::string_view, Stage*> by_name_;
  Stage* target_ = nullptr;

  struct Prefetched {
    ImageQuery query;
    Result<ImageMetadata> answer;
  };
  std::vector<Prefetched> prefetched_;

  // A named context that is a directory of the client.
  struct LocalContext {
    std::string name;
    std::string directory;
    std::shared_ptr<PathSet> paths;
    Fs fs;
  };
  std::vector<LocalContext> local_contexts_;

  struct Step {
    ir::Value value;
    ir::Metadata metadata;
    std::vector<std::uint32_t> inputs;
  };
  std::vector<Step> steps_;

  std::optional<Fs> context_;
  bool context_is_local_ = true;
  // Of a remote context: what is fetched.
  ir::Value context_source_;
  PathSet context_paths_;
  std::string scratch_;
  // All text that was made so far, with the environment of each RUN.
  std::size_t text_bytes_ = 0;
  int progress_groups_ = 0;
};

}  // namespace loam::sema
