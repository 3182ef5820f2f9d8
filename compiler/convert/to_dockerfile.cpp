#include "compiler/convert/to_dockerfile.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "compiler/convert/target_stages.h"
#include "compiler/convert/words.h"
#include "compiler/sema/earthfile/builtin_args.h"
#include "compiler/sema/earthfile/reference.h"

namespace loam::convert {

using ast::earthfile::CommandKind;
using ast::earthfile::Statement;
using ast::earthfile::StatementKind;
using diag::Kind;
using sema::earthfile::kBaseTarget;
using source::SourceRange;

namespace {

constexpr unsigned kMaxFunctionDepth = 30;

// Whether the recipe brings its environment itself, so that nothing of the base recipe is used.
bool BringsEnvironment(ast::earthfile::Block recipe) {
  for (const Statement& statement : recipe) {
    if (statement.kind != StatementKind::kCommand) {
      return false;
    }
    switch (statement.command->kind) {
      case CommandKind::kFrom:
      case CommandKind::kFromDockerfile:
      case CommandKind::kLocally:
        return true;
      case CommandKind::kArg:
      case CommandKind::kImport:
      case CommandKind::kBuild:
      case CommandKind::kProject:
        continue;
      default:  // NOLINT: all others need one
        return false;
    }
  }
  return false;
}

std::string_view KeywordOf(const Statement& statement) {
  switch (statement.kind) {
    case StatementKind::kCommand:
      return ast::earthfile::KeywordOf(statement.command->kind);
    case StatementKind::kWith:
      return "WITH DOCKER";
    case StatementKind::kIf:
      return "IF";
    case StatementKind::kTry:
      return "TRY";
    case StatementKind::kFor:
      return "FOR";
    case StatementKind::kWait:
      return "WAIT";
  }
  return "";
}

}  // namespace

void TargetStages::Fail(SourceRange range, std::string_view what, std::string_view why) {
  emitter_.Emit<Kind::kConvertImpossible>(range, what, why);
}

void TargetStages::Line(std::string line) {
  lines_.push_back(std::move(line));
}

std::string TargetStages::Text() const {
  std::string out;
  for (const auto& [name, line] : globals_) {
    out += line + "\n";
  }
  for (const std::string& line : finished_) {
    out += line.starts_with("FROM ") && !out.empty() ? "\n" + line + "\n" : line + "\n";
  }
  return out;
}

void TargetStages::Begin(TargetStage& target, std::string_view from) {
  Line(fmt::format("FROM {} AS {}", from, target.name));
  target.stage = target.name;
  target.has_stage = true;
  target.saved = false;
}

void TargetStages::ChangesFiles(TargetStage& target) {
  if (!std::exchange(target.saved, false)) {
    return;
  }
  // What was saved is in a stage that ends here.
  const std::string ended = fmt::format("{}-{}", target.name, ++target.parts);
  const std::string suffix = fmt::format(" AS {}", target.name);
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    if (line->starts_with("FROM ") && line->ends_with(suffix)) {
      line->replace(line->size() - target.name.size(), target.name.size(), ended);
      break;
    }
  }
  for (SavedArtifact& artifact : target.artifacts) {
    artifact.stage = artifact.stage == target.name ? ended : artifact.stage;
  }
  Begin(target, ended);
}

const TargetStage* TargetStages::Write(std::string_view name, SourceRange range) {
  for (const TargetStage& known : targets_) {
    if (known.name == name) {
      if (!known.done) {
        Fail(range, fmt::format("+{}", name), "it needs itself");
        return nullptr;
      }
      return &known;
    }
  }
  ast::earthfile::Block recipe;
  if (name == kBaseTarget) {
    recipe = file_.ast.base_recipe;
  } else if (const ast::earthfile::Target* found = file_.ast.FindTarget(name)) {
    recipe = found->recipe;
  } else {
    std::vector<std::string> names;
    for (const ast::earthfile::Target& target : file_.ast.targets) {
      names.emplace_back(target.name);
    }
    auto failed = emitter_.Emit<Kind::kEarthUnknownTarget>(range, file_.path, name);
    if (const auto near = NearestWord(name, names)) {
      failed.Hint(fmt::format("did you mean `+{}`?", *near));
    }
    return nullptr;
  }
  TargetStage& target = targets_.emplace_back();
  target.name = std::string(name);
  target.is_base = name == kBaseTarget;
  target.stage = target.name;
  std::vector<std::string> outer = std::exchange(lines_, {});
  if (!target.is_base && BringsEnvironment(recipe)) {
    TakeBaseArgs(target);
  } else if (!target.is_base && !file_.ast.base_recipe.empty()) {
    FromTarget(target, kBaseTarget, range);
  }
  WriteBlock(target, recipe, nullptr, 0);
  target.done = true;
  finished_.insert(finished_.end(), lines_.begin(), lines_.end());
  lines_ = std::move(outer);
  return &target;
}

void TargetStages::TakeBaseArgs(TargetStage& target) {
  for (const Statement& statement : file_.ast.base_recipe) {
    if (statement.kind != StatementKind::kCommand || statement.command->kind != CommandKind::kArg) {
      continue;
    }
    const auto arg = sema::earthfile::ParseArg(sema::earthfile::ToWords(statement.command->args), file_.features, true,
                                               statement.location.range);
    if (!arg) {
      Report(emitter_, arg.error());
    } else if (arg->global) {
      target.pending.emplace_back(arg->name, arg->value ? Portable(*arg->value) : std::nullopt);
    }
  }
}

void TargetStages::WriteBlock(TargetStage& target, Block block, const Given* given, unsigned depth) {
  for (const Statement& statement : block) {
    if (statement.kind != StatementKind::kCommand) {
      Fail(statement.keyword, KeywordOf(statement), "what it does is known only when it is built");
      continue;
    }
    WriteCommand(target, *statement.command, given, depth);
  }
}

void TargetStages::WriteCommand(TargetStage& target, const Command& command, const Given* given, unsigned depth) {
  const SourceRange range = command.location.range;
  const std::string_view keyword = ast::earthfile::KeywordOf(command.kind);
  const bool needs_stage = command.kind != CommandKind::kFrom && command.kind != CommandKind::kArg &&
                           command.kind != CommandKind::kBuild && command.kind != CommandKind::kImport &&
                           command.kind != CommandKind::kProject && command.kind != CommandKind::kDo;
  if (needs_stage && !target.has_stage && emitter_.has_errors()) {
    return;  // its FROM was no use
  }
  switch (command.kind) {
    case CommandKind::kFrom:
      return From(target, command);
    case CommandKind::kRun:
      return Run(target, command);
    case CommandKind::kCopy:
      return Copy(target, command);
    case CommandKind::kSaveArtifact:
      return SaveArtifact(target, command);
    case CommandKind::kArg:
      return Arg(target, command, given);
    case CommandKind::kEnv:
      return Env(target, command);
    case CommandKind::kLabel:
      return Labels(target, command);
    case CommandKind::kCmd:
    case CommandKind::kEntrypoint:
      return CmdOrEntrypoint(target, command);
    case CommandKind::kWorkdir:
    case CommandKind::kUser:
    case CommandKind::kExpose:
    case CommandKind::kVolume:
      return Words(target, command);
    case CommandKind::kHealthcheck:
      return Healthcheck(target, command);
    case CommandKind::kCache:
      return Cache(target, command);
    case CommandKind::kDo:
      if (depth >= kMaxFunctionDepth) {
        return Fail(range, keyword, "functions call functions without an end");
      }
      return Do(target, command, depth);
    case CommandKind::kSaveImage:
      emitter_.Emit<Kind::kConvertImageName>(range);
      return;
    case CommandKind::kBuild:
      emitter_.Emit<Kind::kConvertLeftOut>(range, "BUILD");
      return;
    case CommandKind::kImport:
    case CommandKind::kProject:
      return;
    case CommandKind::kFunction:
    case CommandKind::kCommand:
      return;  // the first line of a function
    case CommandKind::kLocally:
      return Fail(range, keyword, "its commands run outside of the image");
    case CommandKind::kFromDockerfile:
      return Fail(range, keyword, "a Dockerfile cannot include another");
    case CommandKind::kLet:
    case CommandKind::kSet:
      return Fail(range, keyword, "Dockerfiles have no variables that change; use ARG");
    case CommandKind::kGitClone:
      return Fail(range, keyword, "ADD of a repository gives its files other owners and times");
    case CommandKind::kHost:
      return Fail(range, keyword, "Dockerfiles cannot add to /etc/hosts");
    case CommandKind::kAdd:
    case CommandKind::kStopSignal:
    case CommandKind::kOnbuild:
    case CommandKind::kShell:
    case CommandKind::kDocker:
      return Fail(range, keyword, "Earthfiles do not have it");
  }
}

std::optional<std::string> TargetStages::LocalName(std::string_view text, SourceRange range) {
  const auto reference = sema::earthfile::ParseReference(text);
  if (!reference) {
    Fail(range, text, reference.error().message());
    return std::nullopt;
  }
  if (!reference->IsLocalInternal()) {
    Fail(range, text, "it is in another Earthfile");
    return std::nullopt;
  }
  return reference->name;
}

void TargetStages::FromTarget(TargetStage& target, std::string_view name, SourceRange range) {
  const TargetStage* const from = Write(name, range);
  if (from == nullptr || !from->has_stage) {
    if (from != nullptr && name != kBaseTarget) {
      Fail(range, fmt::format("+{}", name), "it has no environment");
    }
    // Without an environment base gives only its ARGs.
    for (const auto& arg : from == nullptr ? decltype(from->pending)() : from->pending) {
      if (!from->local_args.contains(arg.first)) {
        target.pending.push_back(arg);
      }
    }
    return;
  }
  Begin(target, from->stage);
  for (const auto& [arg, value] : std::exchange(target.pending, {})) {
    if (!from->args.contains(arg)) {
      Line(value ? fmt::format("ARG {}={}", arg, *value) : fmt::format("ARG {}", arg));
      target.args.insert(arg);
    }
  }
  target.user = from->user;
  target.workdir = from->workdir;
  target.envs = from->envs;
  for (const std::string& arg : from->args) {
    target.args.insert(arg);
  }
}

void TargetStages::From(TargetStage& target, const Command& command) {
  const SourceRange range = command.location.range;
  sema::earthfile::FromFlags flags;
  const auto words =
      sema::earthfile::ParseFlags(sema::earthfile::ToWords(command.args), {.features = &file_.features}, flags);
  if (!words) {
    return Report(emitter_, words.error());
  }
  if (words->size() != 1 || !flags.build_args.empty() || flags.pass_args) {
    return Fail(range, "FROM", "stages take no args");
  }
  target.caches.clear();
  std::string platform;
  if (flags.platform == "native") {
    platform = "--platform=$BUILDPLATFORM ";
  } else if (flags.platform.find('$') != std::string::npos || flags.platform == "user") {
    return Fail(range, "FROM", "Dockerfiles have no such platform");
  } else if (!flags.platform.empty()) {
    platform = fmt::format("--platform={} ", flags.platform);
  }
  const std::string& text = (*words)[0].text;
  if (sema::earthfile::LooksLikeReference(text)) {
    const auto name = LocalName(text, range);
    if (!platform.empty()) {
      return Fail(range, "FROM", "a stage cannot be continued on another platform");
    }
    return name ? FromTarget(target, *name, range) : void();
  }
  const auto image = Portable((*words)[0]);
  if (!image) {
    return;
  }
  // The FROM line sees only the ARGs in front of all stages.
  const std::vector<std::string> used = VariablesIn(*image);
  std::vector<std::string> again;
  for (const auto& [name, value] : target.pending) {
    const std::string line = value ? fmt::format("ARG {}={}", name, *value) : fmt::format("ARG {}", name);
    if (std::find(used.begin(), used.end(), name) == used.end()) {
      again.push_back(line);
      continue;
    }
    again.push_back(fmt::format("ARG {}", name));
    const auto known = std::find_if(globals_.begin(), globals_.end(),
                                    [&name = name](const auto& global) { return global.first == name; });
    if (known == globals_.end()) {
      globals_.emplace_back(name, line);
    } else if (known->second != line) {
      Fail(range, "FROM", fmt::format("`{}` has several values, and a FROM line can see only one", name));
    }
  }
  for (const std::string& name : used) {
    const bool declared = std::any_of(target.pending.begin(), target.pending.end(),
                                      [&name](const auto& arg) { return arg.first == name; });
    if (!declared) {
      Fail(range, "FROM", fmt::format("`{}` is no ARG in front of it", name));
    }
  }
  Begin(target, platform + *image);
  target.user.clear();
  target.envs.clear();
  target.workdir = *image == "scratch" ? std::optional<std::string>("/") : std::nullopt;
  for (std::string& line : again) {
    Line(std::move(line));
  }
  for (const auto& [name, value] : std::exchange(target.pending, {})) {
    target.args.insert(name);
  }
}

void TargetStages::Do(TargetStage& target, const Command& command, unsigned depth) {
  const SourceRange range = command.location.range;
  sema::earthfile::DoFlags flags;
  const auto words =
      sema::earthfile::ParseFlags(sema::earthfile::ToWords(command.args), {.features = &file_.features}, flags);
  if (!words) {
    return Report(emitter_, words.error());
  }
  if (words->empty() || flags.pass_args) {
    return Fail(range, "DO", "--pass-args gives it what is not written");
  }
  const auto name = LocalName((*words)[0].text, range);
  if (!name) {
    return;
  }
  const ast::earthfile::Function* const function = file_.ast.FindFunction(*name);
  if (function == nullptr) {
    emitter_.Emit<Kind::kEarthUnknownFunction>(range, file_.path, *name);
    return;
  }
  std::vector<std::string> texts;
  for (const Word& word : std::span(*words).subspan(1)) {
    texts.push_back(word.text);
  }
  const auto args = sema::earthfile::ParseReferenceArgs(texts);
  if (!args) {
    return Fail(range, "DO", args.error().message());
  }
  Given given;
  for (const auto& [key, value] : *args) {
    const auto portable = Portable({value, range});
    given.insert_or_assign(key, portable.value_or(""));
  }
  WriteBlock(target, function->recipe, &given, depth + 1);
}

std::optional<std::string> ToDockerfile(const sema::earthfile::ProjectFile& file, std::string_view target,
                                        diag::Emitter& emitter) {
  const std::size_t before = emitter.error_count();
  TargetStages stages(file, emitter);
  const TargetStage* const written = stages.Write(target, SourceRange());
  if (written != nullptr && emitter.error_count() == before && !written->has_stage) {
    emitter.Emit<Kind::kConvertImpossible>(SourceRange(), fmt::format("+{}", target), "it has no environment");
  }
  return emitter.error_count() == before ? std::optional(stages.Text()) : std::nullopt;
}

}  // namespace loam::convert
