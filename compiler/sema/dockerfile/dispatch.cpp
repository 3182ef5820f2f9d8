// The stages' instructions, in order, and what they share.
#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "base/check.h"
#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema {
namespace {

// The platform that TARGET* variables name, for the names of vertices of cross builds.
std::optional<ir::Platform> PlatformOf(const Variables& env, ir::Graph& graph) {
  if (const auto whole = env.Find("TARGETPLATFORM")) {
    if (auto platform = ParsePlatform(*whole, graph)) {
      return *platform;
    }
  }
  const auto os = env.Find("TARGETOS");
  const auto architecture = env.Find("TARGETARCH");
  const auto variant = env.Find("TARGETVARIANT");
  if (!os && !architecture && !variant) {
    return std::nullopt;
  }
  return ir::Platform{os.value_or(""), architecture.value_or(""), variant.value_or(""), {}, {}};
}

std::string CrossSuffix(const ir::Platform& base, std::optional<ir::Platform> target, ir::Graph& graph) {
  if (!target) {
    return {};
  }
  target->os = target->os.empty() ? base.os : target->os;
  target->architecture = target->architecture.empty() ? base.architecture : target->architecture;
  const ir::Platform platform = NormalizePlatform(*target, graph);
  if (platform.os != base.os) {
    return "->" + FormatPlatformFull(platform);
  }
  if (platform.architecture == base.architecture) {
    return {};
  }
  return fmt::format("->{}{}{}", platform.architecture, platform.variant.empty() ? "" : "/", platform.variant);
}

}  // namespace

bool Converter::WithinBudget(std::string_view word, source::SourceRange where) {
  // Some thousand times what real files come to; what a file of variables in variables can reach is far more.
  constexpr std::size_t kMaxTextBytes = 256U << 20U;
  if (text_bytes_ <= kMaxTextBytes) {
    return true;
  }
  emitter_.Emit<Kind::kBadExpansion>(
      where, word, fmt::format("the values of this file get longer than {} MiB altogether", kMaxTextBytes >> 20U));
  return false;
}

bool Converter::ExpandWith(const Variables& variables, const ExpansionOptions& expansion, std::string_view word,
                           source::SourceRange where, std::string_view& out) {
  if (!WordExpander::NeedsExpansion(word, expansion.escape)) {
    out = word;
    return true;
  }
  WordExpander expander(variables, expansion);
  if (!expander.Expand(word, scratch_)) {
    emitter_.Emit<Kind::kBadExpansion>(where, word, expander.error());
    return false;
  }
  out = Intern(scratch_);
  return WithinBudget(word, where);
}

bool Converter::ExpandIn(Stage& stage, const ExpansionOptions& expansion, std::string_view word,
                         source::SourceRange where, std::string_view& out) {
  if (!WordExpander::NeedsExpansion(word, expansion.escape)) {
    out = word;
    return true;
  }
  WordExpander expander(stage.state.env, expansion);
  const bool ok = expander.Expand(word, scratch_);
  if (observer() != nullptr && !expander.unmatched().empty()) {
    std::vector<std::string_view> declared;
    for (const BuildArg& arg : stage.build_args) {
      declared.push_back(arg.key);
    }
    observer()->OnUnsetVariables({word, scratch_, expander.matched(), expander.unmatched()}, declared, stage.state.env);
  }
  if (!ok) {
    emitter_.Emit<Kind::kBadExpansion>(where, word, expander.error());
    return false;
  }
  out = Intern(scratch_);
  return WithinBudget(word, where);
}

bool Converter::Expand(Stage& stage, const ast::Text& text, const ast::Instruction& instruction,
                       std::string_view& out) {
  return ExpandIn(stage, {.escape = escape()}, text.text, RangeOf(text, instruction), out);
}

std::span<const ir::SourceLocation> Converter::Locations(source::LineSpan lines) {
  if (lines.first == 0 && lines.last == 0) {
    return {};
  }
  std::vector<ir::SourceRange> ranges;
  for (std::uint32_t line = lines.first; line <= std::max(lines.first, lines.last); ++line) {
    const auto number = static_cast<std::int32_t>(line);
    ranges.push_back({number, 0, number, 0});
  }
  const ir::SourceLocation location{source_, graph().CopyArray<ir::SourceRange>(ranges)};
  return graph().CopyArray<ir::SourceLocation>({&location, 1});
}

ir::Metadata Converter::Named(std::string_view name, const std::string_view* command, source::LineSpan lines) {
  ir::Metadata metadata;
  ir::KeyValue description[2];
  std::size_t count = 0;
  if (command != nullptr) {
    description[count++] = {"com.docker.dockerfile.v1.command", Intern(*command)};
  }
  description[count++] = {"llb.customname", Intern(name)};
  metadata.description = graph().CopyArray<ir::KeyValue>({description, count});
  metadata.locations = Locations(lines);
  return metadata;
}

std::string Converter::CommandText(std::string_view text, const Variables& env, bool keep_quotes_and_unset) {
  std::string expanded;
  WordExpander expander(env,
                        {.escape = escape(), .raw_quotes = keep_quotes_and_unset, .skip_unset = keep_quotes_and_unset});
  if (!WordExpander::NeedsExpansion(text, escape()) || !expander.Expand(text, expanded)) {
    expanded = text;
  }
  const std::size_t keyword = std::min(expanded.find(' '), expanded.size());
  std::transform(expanded.begin(), expanded.begin() + static_cast<std::ptrdiff_t>(keyword), expanded.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return expanded;
}

std::string Converter::VertexName(Stage& stage, std::string_view text, const ir::Platform* platform,
                                  const Variables* env) {
  if (stage.command_total == 0) {
    return std::string(text);
  }
  std::string out = "[";
  if (options().multi_platform && platform != nullptr) {
    out += FormatPlatformFull(*platform);
    if (env != nullptr) {
      out += CrossSuffix(*platform, PlatformOf(*env, graph()), graph());
    }
    out += ' ';
  }
  if (!stage.display_name.empty()) {
    out += stage.display_name + " ";
  }
  const std::string total = std::to_string(stage.command_total);
  out += fmt::format("{:>{}}/{}] ", ++stage.command_index, total.size(), total);
  if (stage.in_on_build) {
    out += "ONBUILD ";
  }
  return out.append(text);
}

void Converter::AddHistory(Stage& stage, std::string text, bool has_layer, bool is_build_step) {
  if (is_build_step) {
    text += " # buildkit";
  }
  AddHistoryEntry(stage.image, {epoch_text_, Intern(text), {}, "buildkit.dockerfile.v0", !has_layer}, graph());
}

std::vector<std::string_view> Converter::WithShell(const Stage& stage, std::string_view command) {
  std::vector<std::string_view> args(stage.image.shell.begin(), stage.image.shell.end());
  if (args.empty()) {
    if (stage.image.platform.os == "windows") {
      args = {"cmd", "/S", "/C"};
    } else {
      args = {"/bin/sh", "-c"};
    }
  }
  args.push_back(command);
  return args;
}

ir::Value Converter::AddFileOp(ir::Value base, std::span<const ir::Value> more,
                               std::span<const ir::FileAction> actions) {
  std::vector<ir::Value> operands;
  if (!base.is_scratch()) {
    operands.push_back(base);
  }
  operands.insert(operands.end(), more.begin(), more.end());
  return graph().Add<ir::OpKind::kFile>(operands, {actions});
}

Fs Converter::AddStep(ir::Value value, const ir::Metadata& metadata, std::vector<std::uint32_t> inputs) {
  steps_.push_back({value, metadata, std::move(inputs)});
  return {value, static_cast<std::uint32_t>(steps_.size() - 1)};
}

Fs Converter::InlineDocument(std::string_view name, std::string_view data, std::uint32_t mode) {
  ir::FileAction action;
  action.kind = ir::FileActionKind::kMkfile;
  action.output = 0;
  action.path = Intern(JoinPath("/", name));
  action.data = data;
  action.mode = static_cast<std::int32_t>(mode);
  return AddStep(AddFileOp({}, {}, {&action, 1}), Named("[internal] preparing inline document", nullptr, {}));
}

ir::Owner Converter::OwnerFrom(std::string_view text, std::int64_t input) {
  const auto user = [&](std::string_view name) {
    ir::User out;
    if (name == "root" || name.empty()) {
      return out;
    }
    if (const auto id = ParseInt(name, 10, 32)) {
      out.id = static_cast<std::uint32_t>(*id);
    } else {
      out.name = name;
      out.input = input;
    }
    return out;
  };
  ir::Owner owner;
  const std::size_t colon = text.find(':');
  owner.user = user(text.substr(0, colon));
  if (colon != std::string_view::npos) {
    owner.group = user(text.substr(colon + 1));
  }
  return owner;
}

bool Converter::StartStage(Stage& stage) {
  InheritFromBase(stage);
  stage.dispatched = true;
  if (!stage.platform) {
    stage.platform = target_platform_;
  }
  auto& env = stage.image.env;
  const bool has_path = std::any_of(
      env.begin(), env.end(), [](std::string_view entry) { return entry == "PATH" || entry.starts_with("PATH="); });
  if (!has_path && stage.platform->os != "windows") {
    env.push_back(Intern(fmt::format("PATH={}", DefaultPath(stage.platform->os))));
  }
  for (const std::string_view entry : env) {
    const std::size_t equals = entry.find('=');
    stage.state.env.Set(entry.substr(0, equals),
                        equals == std::string_view::npos ? std::string_view() : entry.substr(equals + 1));
  }
  if (!options().hostname.empty()) {
    stage.state.hostname = options().hostname;
  }
  if (!stage.image.working_dir.empty() && !SetWorkdir(stage, stage.image.working_dir, stage.base_text)) {
    return false;
  }
  if (!stage.image.user.empty()) {
    stage.state.user = stage.image.user;
  }
  stage.state.network = options().network;
  return true;
}

bool Converter::DispatchStages(const std::vector<Stage*>& reachable) {
  const std::unordered_set<const Stage*> wanted(reachable.begin(), reachable.end());
  for (const Stage* stage : reachable) {
    if (stage->base != nullptr) {
      ++stage->base->heirs;
    }
  }
  bool ok = true;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    Stage& stage = *stages_[i];
    if (!input_.all_stages && (stage.dispatched || !wanted.contains(&stage))) {
      continue;
    }
    if (observer() != nullptr) {
      observer()->OnStageBegin(&stage, stage.base);
    }
    if (!StartStage(stage)) {
      ok = false;
      continue;
    }
    for (const Command& command : stage.commands) {
      ok = Dispatch(stage, command) && ok;
      if (!WithinBudget(command.instruction->code(), command.instruction->range)) {
        return false;
      }
    }
  }
  target_->paths->emplace_back("/");
  return ok;
}

bool Converter::Dispatch(Stage& stage, const Command& command) {
  stage.in_on_build = command.on_build;
  const ast::Instruction* instruction = command.instruction;
  if (observer() != nullptr) {
    observer()->OnInstructionBegin(*instruction, command.lines);
  }
  switch (instruction->kind) {
    case ast::InstructionKind::kAdd:
      return DoCopy(stage, command, *ast::As<ast::Add>(instruction));
    case ast::InstructionKind::kArg:
      return DoArg(stage, command, *ast::As<ast::Arg>(instruction));
    case ast::InstructionKind::kCmd:
      return DoCmd(stage, *ast::As<ast::Cmd>(instruction));
    case ast::InstructionKind::kCopy:
      return DoCopy(stage, command, *ast::As<ast::Copy>(instruction));
    case ast::InstructionKind::kEntrypoint:
      return DoEntrypoint(stage, *ast::As<ast::Entrypoint>(instruction));
    case ast::InstructionKind::kEnv:
      return DoEnv(stage, *ast::As<ast::Env>(instruction));
    case ast::InstructionKind::kExpose:
      return DoExpose(stage, *ast::As<ast::Expose>(instruction));
    case ast::InstructionKind::kHealthcheck:
      return DoHealthcheck(stage, *ast::As<ast::Healthcheck>(instruction));
    case ast::InstructionKind::kLabel:
      return DoLabel(stage, *ast::As<ast::Label>(instruction));
    case ast::InstructionKind::kMaintainer:
      return DoMaintainer(stage, *ast::As<ast::Maintainer>(instruction));
    case ast::InstructionKind::kOnbuild:
      return DoOnbuild(stage, *ast::As<ast::Onbuild>(instruction));
    case ast::InstructionKind::kRun:
      return DoRun(stage, command, *ast::As<ast::Run>(instruction));
    case ast::InstructionKind::kShell:
      return DoShell(stage, *ast::As<ast::Shell>(instruction));
    case ast::InstructionKind::kStopSignal:
      return DoStopSignal(stage, *ast::As<ast::StopSignal>(instruction));
    case ast::InstructionKind::kUser:
      return DoUser(stage, *ast::As<ast::User>(instruction));
    case ast::InstructionKind::kVolume:
      return DoVolume(stage, *ast::As<ast::Volume>(instruction));
    case ast::InstructionKind::kWorkdir:
      return DoWorkdir(stage, command, *ast::As<ast::Workdir>(instruction));
    case ast::InstructionKind::kFrom:
    case ast::InstructionKind::kUnknown:
      break;
  }
  LOAM_UNREACHABLE("an instruction that no stage can hold");
}

}  // namespace loam::sema
