// auto-skip: what the statements and commands of a recipe reach.
#include <algorithm>

#include <fmt/format.h>

#include "compiler/sema/earthfile/auto_skip_walk.h"

namespace loam::sema::earthfile::auto_skip {

using ast::earthfile::Block;
using ast::earthfile::Command;
using ast::earthfile::CommandKind;
using ast::earthfile::Statement;
using ast::earthfile::StatementKind;
using diag::Kind;

Checked<> TargetWalk::Walk(Block block) {
  hash_.Add(fmt::format("{} statements", block.size()));
  for (const Statement& statement : block) {
    LOAM_TRY(Walk(statement));
  }
  return {};
}

Checked<> TargetWalk::Walk(const Statement& statement) {
  switch (statement.kind) {
    case StatementKind::kCommand:
      return Walk(*statement.command);
    case StatementKind::kWith:
      LOAM_TRY(WithDocker(statement.with->command));
      return Walk(statement.with->body);
    case StatementKind::kIf:
      return If(*statement.if_);
    case StatementKind::kFor:
      return For(*statement.for_);
    case StatementKind::kWait:
      hash_.Add("WAIT");
      return Walk(statement.wait->body);
    case StatementKind::kTry:
      hash_.Add("TRY");
      LOAM_TRY(Walk(statement.try_->body));
      LOAM_TRY(Walk(statement.try_->catch_body));
      return Walk(statement.try_->finally_body);
  }
  return {};
}

Checked<std::optional<bool>> TargetWalk::Decide(const ast::earthfile::Condition& condition) {
  std::vector<std::string> values;
  for (const auto& word : condition.words) {
    values.push_back(LOAM_TRY(Expand(word.text, word.range)));
    if (!IsKnown(values.back())) {
      return std::optional<bool>();
    }
  }
  return DecideCondition(values);
}

Checked<> TargetWalk::If(const ast::earthfile::If& statement) {
  hash_.Add("IF");
  hash_.Add(statement.condition.words);
  bool decided = true;
  const auto branch = [&](const ast::earthfile::Condition& condition, Block body) -> Checked<bool> {
    const std::optional<bool> truth = LOAM_TRY(Decide(condition));
    if (truth && !*truth) {
      return false;
    }
    decided = decided && truth.has_value();
    LOAM_TRY(WalkBranch(body, !decided));
    return decided;
  };
  if (LOAM_TRY(branch(statement.condition, statement.body))) {
    return {};
  }
  for (const auto& else_if : statement.else_ifs) {
    hash_.Add("ELSE IF");
    hash_.Add(else_if.condition.words);
    if (LOAM_TRY(branch(else_if.condition, else_if.body))) {
      return {};
    }
  }
  return WalkBranch(statement.else_body, !decided);
}

Checked<> TargetWalk::WalkBranch(Block body, bool perhaps) {
  perhaps_ += perhaps ? 1 : 0;
  LOAM_TRY(Walk(body));
  perhaps_ -= perhaps ? 1 : 0;
  return {};
}

Checked<> TargetWalk::For(const ast::earthfile::For& statement) {
  hash_.Add("FOR");
  hash_.Add(statement.args);
  ForFlags flags;
  const std::vector<Word> rest = LOAM_TRY(ParseFlags(ToWords(statement.args), Parsing(), flags));
  if (rest.size() < 3 || rest[1].text != "IN") {
    return Fail<Kind::kEarthBadArguments>(statement.args.empty() ? source::SourceRange{} : statement.args[0].range,
                                          "FOR", "`FOR name IN words` is needed");
  }
  std::vector<std::string> values;
  bool known = true;
  for (const std::string& value : LOAM_TRY(ExpandAll(std::span(rest).subspan(2)))) {
    known = known && IsKnown(value);
    std::size_t begin = 0;
    while ((begin = value.find_first_not_of(flags.separators, begin)) != std::string::npos) {
      const std::size_t end = std::min(value.find_first_of(flags.separators, begin), value.size());
      values.push_back(value.substr(begin, end - begin));
      begin = end;
    }
  }
  if (!known) {
    values = {std::string(1, kUnknown)};
    ++perhaps_;
  }
  for (const std::string& value : values) {
    hash_.Add(value);
    variables_->SetLoopVariable(rest[0].text, value);
    LOAM_TRY(Walk(statement.body));
    variables_->RemoveLoopVariable(rest[0].text);
  }
  perhaps_ -= known ? 0 : 1;
  return {};
}

Checked<> TargetWalk::WithDocker(const Command& command) {
  hash_.Add("WITH DOCKER");
  hash_.Add(command.args);
  WithDockerFlags flags;
  LOAM_TRY(ParseFlags(ToWords(command.args), Parsing(), flags));
  const std::vector<std::string> build_args = LOAM_TRY(ExpandTexts(flags.build_args, command.location.range));
  for (const std::string& load : flags.loads) {
    const source::SourceRange range = flags.RangeOf("load", command.location.range);
    const auto parsed = ParseLoadWord(load);
    if (!parsed) {
      return Fail<Kind::kEarthBadArguments>(range, "WITH DOCKER --load", parsed.error().message());
    }
    const auto args = LOAM_TRY(PassedArgs(LOAM_TRY(ExpandTexts(parsed->args, range)), build_args, range));
    LOAM_TRY(
        Reach(LOAM_TRY(ExpandKnown(parsed->target, range, "target")), args, flags.pass_args, flags.platform, range));
  }
  return {};
}

Checked<> TargetWalk::Walk(const Command& command) {
  hash_.Add(ast::earthfile::KeywordOf(command.kind));
  hash_.Add(command.args);
  hash_.Add(command.exec_mode ? "exec" : "shell");
  const source::SourceRange range = command.location.range;
  const std::vector<Word> words = ToWords(command.args);
  switch (command.kind) {
    case CommandKind::kFrom:
      return From(words, range);
    case CommandKind::kFromDockerfile:
      return FromDockerfile(words, range);
    case CommandKind::kBuild:
      return Build(words, range);
    case CommandKind::kCopy:
      return Copy(words, range);
    case CommandKind::kArg:
      return Arg(words, range);
    case CommandKind::kLet:
    case CommandKind::kSet:
      return Assign(words, range, command.kind == CommandKind::kLet);
    case CommandKind::kEnv:
      if (!command.pairs.empty()) {
        const auto& pair = command.pairs.front();
        const std::string value = LOAM_TRY(Expand(pair.value.text, pair.value.range, false));
        hash_.Add(value);
        variables_->DeclareEnv(pair.key.text, value);
      }
      return {};
    case CommandKind::kImport:
      return Import(words, range);
    case CommandKind::kDo:
      return Do(words, range);
    // These reach nothing; their words are hashed, and so are the variables they can name.
    case CommandKind::kLocally:
    case CommandKind::kSaveArtifact:
    case CommandKind::kSaveImage:
    case CommandKind::kRun:
    case CommandKind::kExpose:
    case CommandKind::kVolume:
    case CommandKind::kLabel:
    case CommandKind::kWorkdir:
    case CommandKind::kUser:
    case CommandKind::kCmd:
    case CommandKind::kEntrypoint:
    case CommandKind::kGitClone:
    case CommandKind::kAdd:
    case CommandKind::kStopSignal:
    case CommandKind::kOnbuild:
    case CommandKind::kHealthcheck:
    case CommandKind::kShell:
    case CommandKind::kCommand:
    case CommandKind::kFunction:
    case CommandKind::kCache:
    case CommandKind::kHost:
    case CommandKind::kProject:
    case CommandKind::kDocker:
      return {};
  }
  return {};
}

Checked<> TargetWalk::From(const std::vector<Word>& words, source::SourceRange range) {
  FromFlags flags;
  const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
  if (rest.empty()) {
    return Fail<Kind::kEarthBadArguments>(range, "FROM", "an image or a target is needed");
  }
  const std::string name = LOAM_TRY(Expand(rest[0].text, rest[0].range));
  hash_.Add(name);
  if (!LooksLikeReference(name)) {
    return {};
  }
  const auto args = LOAM_TRY(PassedArgs(LOAM_TRY(ExpandAll(std::span(rest).subspan(1))),
                                        LOAM_TRY(ExpandTexts(flags.build_args, range)), range));
  return Reach(LOAM_TRY(ExpandKnown(rest[0].text, rest[0].range, "target")), args, flags.pass_args, flags.platform,
               rest[0].range);
}

Checked<> TargetWalk::FromDockerfile(const std::vector<Word>& words, source::SourceRange range) {
  FromDockerfileFlags flags;
  const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
  if (rest.empty()) {
    return Fail<Kind::kEarthBadArguments>(range, "FROM DOCKERFILE", "a context is needed");
  }
  std::vector<std::string> build_args = LOAM_TRY(ExpandTexts(flags.build_args, range));
  for (const std::string& value : LOAM_TRY(ExpandAll(std::span(rest).subspan(1)))) {
    hash_.Add(value);
  }
  if (!flags.file.empty()) {
    LOAM_TRY(Source(Word{flags.file, range}, build_args, false, flags.platform, false, false));
  }
  return Source(rest[0], build_args, false, flags.platform, false, file_->features.Has(Feature::kUseDockerIgnore));
}

Checked<> TargetWalk::Build(const std::vector<Word>& words, source::SourceRange range) {
  BuildFlags flags;
  const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
  if (rest.empty()) {
    return Fail<Kind::kEarthBadArguments>(range, "BUILD", "a target is needed");
  }
  const std::string target = LOAM_TRY(ExpandKnown(rest[0].text, rest[0].range, "target"));
  const auto args = LOAM_TRY(PassedArgs(LOAM_TRY(ExpandAll(std::span(rest).subspan(1))),
                                        LOAM_TRY(ExpandTexts(flags.build_args, range)), range));
  if (flags.platforms.empty()) {
    flags.platforms.emplace_back();
  }
  for (const std::vector<PassedArg>& combination : ExpandMatrix(args)) {
    for (const std::string& platform : flags.platforms) {
      LOAM_TRY(Reach(target, combination, flags.pass_args, platform, rest[0].range));
    }
  }
  return {};
}

Checked<> TargetWalk::Copy(const std::vector<Word>& words, source::SourceRange range) {
  CopyFlags flags;
  const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
  if (rest.size() < 2) {
    return Fail<Kind::kEarthBadArguments>(range, "COPY", "a source and a destination are needed");
  }
  const std::vector<std::string> build_args = LOAM_TRY(ExpandTexts(flags.build_args, range));
  for (std::size_t i = 0; i + 1 < rest.size(); ++i) {
    LOAM_TRY(Source(rest[i], build_args, flags.pass_args, flags.platform, !flags.if_exists, false));
  }
  return {};
}

Checked<> TargetWalk::Arg(const std::vector<Word>& words, source::SourceRange range) {
  const bool base = name_ == kBaseTarget && !variables_->InFunction();
  const ArgDeclaration arg = LOAM_TRY(ParseArg(words, variables_->features(), base, range));
  std::string value;
  if (arg.value && variables_->NeedsDefault(arg.name)) {
    value = LOAM_TRY(Expand(arg.value->text, arg.value->range));
  }
  auto effective = variables_->DeclareArg(
      arg.name, value, {.required = arg.required, .global = arg.global, .has_default = arg.value.has_value()}, range);
  if (!effective) {
    // Branches that exclude each other may declare the same name.
    return perhaps_ > 0 ? Checked<>() : Checked<>(tl::unexpected(std::move(effective).error()));
  }
  hash_.Add(fmt::format("ARG {}={}", arg.name, *effective));
  return {};
}

Checked<> TargetWalk::Assign(const std::vector<Word>& words, source::SourceRange range, bool let) {
  const Assignment assignment =
      LOAM_TRY(let ? ParseLet(words, variables_->features(), range) : ParseSet(words, variables_->features(), range));
  std::string value = LOAM_TRY(Expand(assignment.value.text, assignment.value.range));
  hash_.Add(fmt::format("{}={}", assignment.name, value));
  if (perhaps_ > 0) {
    value = fmt::format("{}{}{}", kUnknown, value, kUnknown);
  }
  auto done =
      let ? variables_->DeclareLet(assignment.name, value, range) : variables_->Assign(assignment.name, value, range);
  return done || perhaps_ > 0 ? Checked<>() : done;
}

Checked<> TargetWalk::Import(const std::vector<Word>& words, source::SourceRange range) {
  ImportFlags flags;
  const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
  if (rest.empty()) {
    return Fail<Kind::kEarthBadArguments>(range, "IMPORT", "a project is needed");
  }
  const std::string reference = LOAM_TRY(ExpandKnown(rest[0].text, rest[0].range, "project"));
  const std::string alias = rest.size() == 3 ? LOAM_TRY(Expand(rest[2].text, rest[2].range)) : std::string();
  auto added = variables_->imports().Add({.reference = reference,
                                          .alias = alias,
                                          .global = name_ == kBaseTarget && !variables_->InFunction(),
                                          .privileged = true,
                                          .allow_privileged = flags.allow_privileged,
                                          .home = shared_->project->options().home,
                                          .range = range});
  return added || perhaps_ > 0 ? Checked<>() : added;
}

Checked<> TargetWalk::Do(const std::vector<Word>& words, source::SourceRange range) {
  DoFlags flags;
  const std::vector<Word> rest = LOAM_TRY(ParseFlags(words, Parsing(), flags));
  if (rest.empty()) {
    return Fail<Kind::kEarthBadArguments>(range, "DO", "a function is needed");
  }
  const std::string text = LOAM_TRY(ExpandKnown(rest[0].text, rest[0].range, "function"));
  Project::Resolved resolved =
      LOAM_TRY(shared_->project->Resolve(text, variables_->project(), variables_->imports(), rest[0].range));
  const auto args = LOAM_TRY(PassedArgs(LOAM_TRY(ExpandAll(std::span(rest).subspan(1))), {}, range));
  Scope passed = LOAM_TRY(variables_->ResolveArgs(args));
  if (resolved.reference.IsRemote() && !resolved.reference.IsStandardLibrary()) {
    hash_.Add(LOAM_TRY(Pinned(resolved.reference, passed, range)));
    return {};
  }
  const ProjectFile& file = *LOAM_TRY(shared_->project->Load(resolved.reference, rest[0].range));
  const Block body = LOAM_TRY(shared_->project->FunctionRecipe(file, resolved.reference.name, rest[0].range));
  const std::string key = fmt::format("DO {}", resolved.reference.Canonical());
  if (variables_->depth() > kMaxFunctionDepth) {
    return Fail<Kind::kEarthAutoSkip>(range, fmt::format("{} calls itself", resolved.reference.Canonical()));
  }
  TargetWalk base(*shared_, file, std::string(kBaseTarget), variables_->OverridingForFunctionBase(passed), platforms_);
  hash_.Add(key);
  hash_.Add(LOAM_TRY(base.Run(range)));
  Scope overriding = variables_->OverridingForFunction(std::move(passed), flags.pass_args);
  variables_->EnterFrame({.name = key,
                          .project = file.project,
                          .features = file.features,
                          .overriding = std::move(overriding),
                          .globals = base.variables_->globals(),
                          .imports = ImportScopes(base.variables_->imports().global()),
                          .args = {},
                          .vars = {}});
  LOAM_TRY(Walk(body));
  variables_->ExitFrame();
  return {};
}

}  // namespace loam::sema::earthfile::auto_skip
