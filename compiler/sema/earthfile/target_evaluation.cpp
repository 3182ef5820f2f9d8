// The recipe of a target: blocks, statements, words, and what goes wrong.
#include "compiler/sema/earthfile/target_evaluation.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/strings.h"
#include "compiler/sema/earthfile/argument_shape.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/steps.h"

namespace loam::sema::earthfile {
namespace {

using ast::earthfile::CommandKind;
using ast::earthfile::StatementKind;

bool IsArgLike(const ast::earthfile::Statement& statement) {
  return statement.kind == StatementKind::kCommand &&
         (statement.command->kind == CommandKind::kArg || statement.command->kind == CommandKind::kLet ||
          statement.command->kind == CommandKind::kSet);
}

// Commands that the journal is told of as a whole; of BUILD it is told each target, of IF and FOR their commands.
bool IsRecorded(CommandKind kind) {
  switch (kind) {
    case CommandKind::kFrom:
    case CommandKind::kFromDockerfile:
    case CommandKind::kRun:
    case CommandKind::kCopy:
    case CommandKind::kSaveArtifact:
    case CommandKind::kSaveImage:
    case CommandKind::kWorkdir:
    case CommandKind::kGitClone:
      return true;
    default:
      return false;
  }
}

bool IsInteractive(const ast::earthfile::Command& command) {
  return command.kind == CommandKind::kRun &&
         std::any_of(command.args.begin(), command.args.end(), [](const ast::earthfile::Word& word) {
           return word.text == "--interactive" || word.text == "--interactive-keep";
         });
}

}  // namespace

TargetEvaluation::TargetEvaluation(Interpreter& interpreter, const TargetCall& call, TargetEntry& entry)
    : in_(interpreter), call_(call), entry_(entry), platforms_(call.platforms), range_(call.range) {}

Checked<std::shared_ptr<TargetResult>> TargetEvaluation::Run(Interpreter& interpreter, const TargetCall& call,
                                                             TargetEntry& entry) {
  TargetEvaluation evaluation(interpreter, call, entry);
  auto done = evaluation.Prepare();
  evaluation.RecordTarget();
  if (done) {
    done = evaluation.RunRecipe();
  }
  if (done) {
    done = evaluation.Finish();
  }
  if (Journal* const journal = interpreter.request().journal; journal != nullptr) {
    journal->EndTarget(entry.number, evaluation.platforms_.Current().ToString(), done.has_value());
  }
  if (!done) {
    return tl::unexpected<Failure>(evaluation.WithChain(std::move(done).error()));
  }
  return evaluation.result_;
}

Checked<> TargetEvaluation::Prepare() {
  file_ = LOAM_TRY(in_.project().Load(call_.reference, call_.range));
  name_ = call_.reference.Canonical();
  features_ = file_->features;
  canonical_ = LOAM_TRY(in_.project().Canonical(*file_, call_.reference.name));
  const GitFacts* git = LOAM_TRY(in_.project().Git(*file_));
  BuiltinOptions builtin;
  builtin.target = canonical_;
  builtin.git = git;
  builtin.platforms = &platforms_;
  builtin.features = features_;
  builtin.push = call_.pushes;
  builtin.ci = in_.options().ci;
  builtin.version = in_.options().version;
  builtin.build_sha = in_.options().version_sha;
  variables_.emplace(Variables::Options{
      features_, call_.overriding, BuiltinArgs(builtin), {}, file_->project, canonical_.Canonical()});
  allow_privileged_ = call_.allow_privileged;
  result_ = std::make_shared<TargetResult>(platforms_);
  result_->reference = call_.reference;
  result_->name = name_;
  scopes_.push_back(&result_->scopes.front());
  state_.image.platform = CurrentPlatform();
  state_.image.rootfs_type = "layers";
  return {};
}

Checked<> TargetEvaluation::RunRecipe() {
  const ast::earthfile::Block recipe = LOAM_TRY(in_.project().TargetRecipe(*file_, call_.reference.name, call_.range));
  found_ = true;
  if (call_.reference.name == kBaseTarget) {
    is_base_ = true;
    return RunBlock(recipe);
  }
  LOAM_TRY(Record("FROM +base", {}, [&] { return FromTarget("+base", {}, call_.range); }));
  return RunBlock(recipe);
}

Checked<> TargetEvaluation::Finish() {
  state_.fs = LOAM_TRY(Persisted(state_.fs));
  result_->state = state_;
  result_->platforms = platforms_;
  result_->envs = variables_->envs();
  result_->globals = variables_->globals();
  result_->global_imports = variables_->imports().global();
  result_->ran_from = ran_from_;
  result_->ran_interactive = ran_interactive_;
  result_->local = local_;
  for (const std::string& name : variables_->names_read()) {
    result_->names_read.insert(name);
  }
  return {};
}

CallChain TargetEvaluation::CurrentChain() const {
  std::string what = name_;
  // With the args that it declared so far; those of a function are of another frame.
  if (variables_ && functions_.empty()) {
    for (const auto& [name, value] : variables_->args()) {
      if (!IsBuiltinArg(name)) {
        what += fmt::format(" --{}={}", name, value);
      }
    }
  }
  CallChain chain = Extend(call_.chain, std::move(what), call_.range);
  for (const auto& [function, place] : functions_) {
    chain = Extend(chain, function, place);
  }
  return chain;
}

Failure TargetEvaluation::WithChain(Failure failure) {
  if (chain_told_ || failure.diagnostics().empty()) {
    return failure;
  }
  chain_told_ = true;
  for (std::string& note : ChainNotes(found_ ? CurrentChain() : call_.chain, in_.sources())) {
    failure = std::move(failure).Note(std::move(note));
  }
  return failure;
}

// ---- statements

Checked<> TargetEvaluation::RunBlock(ast::earthfile::Block block) {
  bool ahead = true;
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (ahead) {
      StartBuilds(block, i);
    }
    LOAM_TRY(RunStatement(block[i]));
    ahead = IsArgLike(block[i]);
  }
  return {};
}

Checked<> TargetEvaluation::RunStatement(const ast::earthfile::Statement& statement) {
  if (in_.stopping()) {
    return tl::unexpected<Failure>(Failure::Reported());
  }
  const auto run = [&]() -> Checked<> {
    switch (statement.kind) {
      case StatementKind::kCommand:
        return RunCommand(*statement.command);
      case StatementKind::kWith:
        return WithStatement(statement);
      case StatementKind::kIf:
        return IfStatement(statement);
      case StatementKind::kTry:
        return TryStatement(statement);
      case StatementKind::kFor:
        return ForStatement(statement);
      case StatementKind::kWait:
        return WaitStatement(statement);
    }
    LOAM_UNREACHABLE("a kind of statement that does not exist");
  };
  range_ = statement.location.range;
  Checked<> done = run();
  if (!done) {
    return tl::unexpected<Failure>(WithChain(std::move(done).error()));
  }
  return {};
}

Checked<> TargetEvaluation::RunCommand(const ast::earthfile::Command& command) {
  range_ = command.location.range;
  const std::string_view keyword = ast::earthfile::KeywordOf(command.kind);
  const bool saves = command.kind == CommandKind::kSaveArtifact || command.kind == CommandKind::kSaveImage;
  if (ran_interactive_ && !saves) {
    return Fail<Kind::kEarthAfterInteractive>(range_, keyword)
        .Note("If present, a single --interactive command must be the last command in a target");
  }
  if (!NeedsNoEnvironment(command.kind)) {
    LOAM_TRY(RequireEnvironment(keyword));
  }
  if (!IsRecorded(command.kind) || in_.request().journal == nullptr) {
    return Dispatch(command);
  }
  const source::Buffer* const buffer = in_.sources().Find(range_.file);
  const std::string_view text =
      buffer == nullptr ? keyword : buffer->text().substr(range_.begin, range_.end - range_.begin);
  return Record(
      TrimSpace(text), range_, [&] { return Dispatch(command); }, IsInteractive(command));
}

Checked<> TargetEvaluation::RequireEnvironment(std::string_view command) {
  if (ran_from_) {
    return {};
  }
  return Fail<Kind::kEarthNeedsFrom>(range_, command)
      .Hint("add `FROM <image>` on a line before it: the command runs in an environment, and there is none yet");
}

Checked<> TargetEvaluation::RejectAfterPush() {
  if (push_only_) {
    return Fail<Kind::kEarthAfterPush>(range_).Hint("move it in front of the --push, or use VERSION 0.7 or later");
  }
  return {};
}

Checked<> TargetEvaluation::Dispatch(const ast::earthfile::Command& command) {
  const std::string_view keyword = ast::earthfile::KeywordOf(command.kind);
  switch (command.kind) {
    case CommandKind::kFrom:
      return From(command);
    case CommandKind::kFromDockerfile:
      return FromDockerfile(command);
    case CommandKind::kLocally:
      return Locally(command);
    case CommandKind::kRun:
      return RunCommandRun(command);
    case CommandKind::kCopy:
      return Copy(command);
    case CommandKind::kSaveArtifact:
      return SaveArtifact(command);
    case CommandKind::kSaveImage:
      return SaveImage(command);
    case CommandKind::kBuild:
      return Build(command, false);
    case CommandKind::kWorkdir:
      return Workdir(command);
    case CommandKind::kUser:
      return User(command);
    case CommandKind::kCmd:
    case CommandKind::kEntrypoint:
      return CmdOrEntrypoint(command);
    case CommandKind::kExpose:
      return Expose(command);
    case CommandKind::kVolume:
      return Volume(command);
    case CommandKind::kEnv:
      return Env(command);
    case CommandKind::kArg:
      return Arg(command);
    case CommandKind::kLet:
      return Let(command);
    case CommandKind::kSet:
      return Set(command);
    case CommandKind::kLabel:
      return Label(command);
    case CommandKind::kGitClone:
      return GitClone(command);
    case CommandKind::kHealthcheck:
      return HealthcheckCommand(command);
    case CommandKind::kCache:
      return Cache(command);
    case CommandKind::kHost:
      return Host(command);
    case CommandKind::kDo:
      return Do(command);
    case CommandKind::kImport:
      return ImportCommand(command);
    case CommandKind::kProject:
      return ProjectCommand(command);
    case CommandKind::kAdd:
      return Fail<Kind::kEarthNotSupported>(range_, keyword)
          .Hint("use COPY for files, GIT CLONE for repositories, RUN with curl or wget for URLs");
    case CommandKind::kStopSignal:
    case CommandKind::kOnbuild:
    case CommandKind::kShell:
      return Fail<Kind::kEarthNotSupported>(range_, keyword);
    case CommandKind::kCommand:
    case CommandKind::kFunction:
      return Fail<Kind::kEarthMisplaced>(range_, keyword, "it starts a function, and this is a target")
          .Hint("names of functions are in upper case: `BUILD_ALL:`");
    case CommandKind::kDocker:
      break;
  }
  LOAM_UNREACHABLE("a command that no recipe can hold");
}

// ---- words

std::vector<Word> TargetEvaluation::WordsOf(ast::earthfile::List<ast::earthfile::Word> words) {
  std::vector<Word> out;
  out.reserve(words.size());
  for (const ast::earthfile::Word& word : words) {
    out.push_back({std::string(word.text), word.range});
  }
  return out;
}

Checked<std::string> TargetEvaluation::Expand(const Word& word, bool keep_plus) {
  return Expand(word.text, word.range, keep_plus);
}

Checked<std::string> TargetEvaluation::Expand(std::string_view text, SourceRange range, bool keep_plus) {
  if (text.empty()) {
    return std::string();
  }
  ExpandOptions options;
  options.keep_plus_escapes = keep_plus;
  options.old_rules = !Has(Feature::kShellOutAnywhere);
  if (shell_outs_allowed_) {
    options.shell_out = [this, range](std::string_view command) { return ShellOut(command, range); };
  }
  return ExpandWord(text, range.valid() ? range : range_, variables_->Lookup(), options);
}

Checked<std::vector<std::string>> TargetEvaluation::ExpandAll(std::span<const Word> words, bool keep_plus) {
  std::vector<std::string> out;
  for (const Word& word : words) {
    out.push_back(LOAM_TRY(Expand(word, keep_plus)));
  }
  return out;
}

Checked<std::vector<std::string>> TargetEvaluation::ExpandAll(std::span<const std::string> words, SourceRange range,
                                                              bool keep_plus) {
  std::vector<std::string> out;
  for (const std::string& word : words) {
    out.push_back(LOAM_TRY(Expand(word, range, keep_plus)));
  }
  return out;
}

Checked<std::string> TargetEvaluation::ExpandValue(std::string_view name, std::string_view text, SourceRange range) {
  std::string value = LOAM_TRY(Expand(text, range, true));
  if (Has(Feature::kShellOutAnywhere) || !value.starts_with("$(")) {
    return value;
  }
  // Before VERSION 0.7 a value that is a command as a whole is run, and its failure is no mistake.
  LOAM_TRY(RequireEnvironment(ast::earthfile::KeywordOf(CommandKind::kRun)));
  Step step;
  step.text = fmt::format("ARG {} = RUN {}", name, value);
  step.internal = true;
  std::string out = LOAM_TRY(RunShell(std::move(step), "echo " + value, false)).standard_output;
  if (out.ends_with('\n')) {
    out.pop_back();
  }
  return out;
}

Checked<std::string> TargetEvaluation::ShellOut(std::string_view command, SourceRange range) {
  LOAM_TRY(RequireEnvironment(ast::earthfile::KeywordOf(CommandKind::kRun)));
  Step step;
  step.text = fmt::format("$({})", command);
  step.internal = true;
  const SourceRange outer = range_;
  ProcessResult result = LOAM_TRY(RunShell(std::move(step), std::string(command), false));
  range_ = outer;
  if (result.exit_code != 0) {
    return Fail<Kind::kEarthCommandFailed>(range, fmt::format("$({})", command), result.exit_code);
  }
  return std::move(result.standard_output);
}

Checked<EarthPlatform> TargetEvaluation::ReadPlatform(std::string_view text, SourceRange range) {
  const std::string expanded = LOAM_TRY(Expand(text, range));
  auto platform = ParseEarthPlatform(expanded, Has(Feature::kNewPlatform));
  if (!platform) {
    return Fail<Kind::kEarthBadValue>(range, "platform", expanded, platform.error().message());
  }
  return *platform;
}

}  // namespace loam::sema::earthfile
