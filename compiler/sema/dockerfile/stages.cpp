// Stages: their names, bases and targets, and what depends on what.
#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/sema/dockerfile/converter.h"
#include "compiler/sema/dockerfile/go_text.h"
#include "compiler/sema/dockerfile/unset_hint.h"

namespace loam::sema {
namespace {

constexpr std::string_view kScratch = "scratch";

bool CountsAsStep(ast::InstructionKind kind) {
  return kind == ast::InstructionKind::kAdd || kind == ast::InstructionKind::kCopy ||
         kind == ast::InstructionKind::kRun || kind == ast::InstructionKind::kWorkdir;
}

// A stage that is alone has no name to show with its steps.
std::string_view NameInText(const Stage& stage) {
  return stage.display_name.empty() ? std::string_view("stage-0") : std::string_view(stage.display_name);
}

}  // namespace

Stage* Converter::FindStage(std::string_view name) {
  const auto found = by_name_.find(ToLowerAscii(name));
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::string> Converter::StageNames() const {
  std::vector<std::string> names;
  for (const Stage* stage : stages_) {
    if (!stage->display_name.empty()) {
      names.push_back(stage->display_name);
    }
  }
  return names;
}

void Converter::AddStage(Stage* stage) {
  stages_.push_back(stage);
  // The base is looked up as written: `FROM Build` does not mean the stage `build`.
  const auto base = by_name_.find(stage->base_name);
  if (base != by_name_.end()) {
    stage->base = base->second;
  }
  if (!stage->name.empty()) {
    by_name_[stage->name] = stage;
  }
}

Stage* Converter::NewUnregistered(std::string_view base, const ast::Text& where, source::LineSpan lines) {
  Stage* stage = NewStage();
  stage->base_name = base;
  stage->base_text = where;
  stage->lines = lines;
  stage->unregistered = true;
  return stage;
}

bool Converter::ExpandStageHeader(const ast::Stage& source, Stage& stage) {
  const ast::From& from = *source.from;
  std::vector<std::string_view> declared;
  const auto expand = [&](const ast::Text& word, std::string_view& out, const auto& show) {
    if (!WordExpander::NeedsExpansion(word.text, escape())) {
      out = word.text;
      show(Expansion{word.text, out, {}, {}});
      return true;
    }
    WordExpander expander(global_, {.escape = escape()});
    const bool ok = expander.Expand(word.text, scratch_);
    out = Intern(scratch_);
    if (observer() != nullptr) {
      declared = DeclaredArguments();
    }
    show(Expansion{word.text, out, expander.matched(), expander.unmatched()});
    if (parameters() != nullptr) {
      parameters()->OnStageHeader(from, expander.matched());
    }
    if (!ok) {
      emitter_.Emit<Kind::kBadExpansion>(RangeOf(word, from), word.text, expander.error());
    }
    return ok;
  };
  std::string_view base;
  const bool base_ok = expand(from.base, base, [&](const Expansion& expansion) {
    if (observer() != nullptr) {
      observer()->OnStageBase(from, expansion, declared);
    }
  });
  if (!base_ok) {
    return false;
  }
  if (base.empty()) {
    auto report = emitter_.Emit<Kind::kBlankBaseName>(RangeOf(from.base, from), from.base.text);
    std::string hint = UnsetVariableHint(from.base.text, global_, escape(), DeclaredArguments());
    report.Hint(hint.empty() ? "give the ARG a default before the first FROM, or pass it with --build-arg"
                             : std::move(hint));
    return false;
  }
  stage.base_name = base;
  if (!from.platform.empty()) {
    std::string_view text;
    const bool platform_ok = expand(from.platform, text, [&](const Expansion& expansion) {
      if (observer() != nullptr) {
        observer()->OnStagePlatform(from, expansion, declared, global_.Find("TARGETPLATFORM").value_or(""));
      }
    });
    if (!platform_ok) {
      return false;
    }
    auto platform = text.empty()
                        ? Result<ir::Platform>(Unexpected(ErrorCode::kInvalidArgument, "it is blank after expansion"))
                        : ParsePlatform(text, graph());
    if (!platform) {
      auto report = emitter_.Emit<Kind::kBadPlatform>(RangeOf(from.platform, from), from.platform.text,
                                                      platform.error().message());
      std::string hint = UnsetVariableHint(from.platform.text, global_, escape(), DeclaredArguments());
      report.Hint(hint.empty() ? "write it as linux/amd64 or linux/arm/v7" : std::move(hint));
      return false;
    }
    stage.platform = *platform;
  }
  return true;
}

bool Converter::MakeStages() {
  const auto& sources = input_.file->stages;
  if (sources.empty()) {
    emitter_.Emit<Kind::kNoStages>({}).Hint("begin with FROM");
    return false;
  }
  bool ok = true;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const ast::From& from = *sources[i].from;
    Stage* stage = NewStage();
    stage->from = &from;
    stage->name = from.stage_id;
    stage->lines = from.lines;
    stage->base_text = from.base;
    stage->display_name = from.stage_id;
    if (!ExpandStageHeader(sources[i], *stage)) {
      ok = false;
      continue;
    }
    if (!stage->name.empty()) {
      if (auto context = FindContext(stage->name, stage->platform ? &*stage->platform : nullptr)) {
        stage->context_name = std::move(context->first);
        stage->context_spec = std::move(context->second);
        AddStage(stage);
        stage->base = nullptr;
        continue;
      }
    } else {
      stage->display_name = fmt::format("stage-{}", i);
    }
    AddStage(stage);
    stage->command_total = stage->base_name != kScratch && stage->base == nullptr ? 1 : 0;
    for (const ast::Instruction* instruction : sources[i].instructions) {
      stage->command_total += CountsAsStep(instruction->kind) ? 1 : 0;
    }
    if (options().no_cache) {
      stage->ignore_cache = options().no_cache->empty() ||
                            std::any_of(options().no_cache->begin(), options().no_cache->end(),
                                        [&](const std::string& name) { return EqualsIgnoreCase(name, stage->name); });
    }
  }
  return ok;
}

bool Converter::FindTarget() {
  if (options().target.empty()) {
    target_ = stages_.back();
    return true;
  }
  target_ = FindStage(options().target);
  if (target_ != nullptr) {
    return true;
  }
  auto report = emitter_.Emit<Kind::kUnknownTarget>({}, options().target);
  const auto names = StageNames();
  if (const auto near = NearestWord(ToLowerAscii(options().target), names)) {
    report.Hint(fmt::format("did you mean `{}`?", *near));
  } else if (!names.empty()) {
    report.Hint(fmt::format("the stages are: {}", Join(names, ", ")));
  }
  return false;
}

bool Converter::MakeCommand(const ast::Instruction* instruction, Command& command) {
  command.instruction = instruction;
  command.lines = instruction->lines;
  if (const auto* copy = ast::As<ast::Copy>(instruction); copy != nullptr && !copy->from.empty()) {
    const std::string_view from = copy->from.text;
    const Environment nothing;
    std::string expanded;
    if (WordExpander plain(nothing, {.escape = escape()}); !plain.Expand(from, expanded)) {
      emitter_.Emit<Kind::kBadExpansion>(copy->from.range, from, plain.error());
      return false;
    }
    if (expanded != from) {
      emitter_.Emit<Kind::kVariableInFrom>(copy->from.range, from)
          .Hint("define a stage with `FROM` and an ARG of the global scope, and copy from that stage");
      return false;
    }
    Stage* source = nullptr;
    if (const auto index = ParseInt(from, 10, 64)) {
      if (*index < 0 || static_cast<std::size_t>(*index) >= stages_.size()) {
        emitter_.Emit<Kind::kBadStageIndex>(copy->from.range, from)
            .Hint(fmt::format("the stages are numbered from 0 to {}", input_.file->stages.size() - 1));
        return false;
      }
      source = stages_[static_cast<std::size_t>(*index)];
    } else {
      source = FindStage(from);
      if (source == nullptr) {
        source = NewUnregistered(from, copy->from, instruction->lines);
      }
    }
    command.sources.push_back(source);
  }
  if (const auto* run = ast::As<ast::Run>(instruction)) {
    for (const ast::Mount& mount : run->mounts) {
      ast::Text from;
      for (const ast::CsvField& field : mount.fields) {
        if (field.key == "from" && field.has_value) {
          from = field.value;
        }
      }
      const std::string_view name = from.empty() ? kScratch : from.text;
      Stage* source = FindStage(name);
      command.sources.push_back(source != nullptr ? source : NewUnregistered(name, from, {}));
    }
  }
  return true;
}

bool Converter::AddDependencies(Stage& stage, const Command& command) {
  for (Stage* source : command.sources) {
    if (stage.known_dependencies.insert(source).second) {
      stage.dependencies.emplace_back(source, command.instruction);
    }
    if (source->unregistered) {
      AddStage(source);
    }
  }
  return true;
}

bool Converter::MakeCommands() {
  bool ok = true;
  // Indexed: stages that are found on the way are added at the end, without commands.
  for (std::size_t i = 0, source = 0; i < stages_.size(); ++i) {
    Stage& stage = *stages_[i];
    if (stage.unregistered) {
      continue;
    }
    for (const ast::Instruction* instruction : input_.file->stages[source].instructions) {
      Command command;
      if (!MakeCommand(instruction, command)) {
        ok = false;
        continue;
      }
      AddDependencies(stage, command);
      stage.commands.push_back(std::move(command));
    }
    ++source;
  }
  if (stages_.size() == 1) {
    stages_.front()->display_name.clear();
  }
  return ok;
}

bool Converter::CheckCycles() {
  enum class Mark : std::uint8_t { kOpen, kDone };
  std::unordered_map<const Stage*, Mark> marks;
  struct Frame {
    Stage* stage;
    std::size_t next = 0;
  };
  for (Stage* root : stages_) {
    if (marks.contains(root)) {
      continue;
    }
    std::vector<Frame> path{{root}};
    marks[root] = Mark::kOpen;
    while (!path.empty()) {
      Frame& frame = path.back();
      if (frame.next == frame.stage->dependencies.size()) {
        marks[frame.stage] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const auto [next, instruction] = frame.stage->dependencies[frame.next++];
      const auto mark = marks.find(next);
      if (mark == marks.end()) {
        marks[next] = Mark::kOpen;
        path.push_back({next});
      } else if (mark->second == Mark::kOpen) {
        auto report = emitter_.Emit<Kind::kCircularStages>(instruction->range, NameInText(*next));
        report.Hint("a stage can only take files from stages that do not need it");
        for (std::size_t i = 0; i + 1 < path.size(); ++i) {
          const auto& [stage, by] = path[i].stage->dependencies[path[i].next - 1];
          report.Label(by->range, fmt::format("`{}` needs `{}`", NameInText(*path[i].stage), NameInText(*stage)));
        }
        return false;
      }
    }
  }
  return true;
}

bool Converter::ShowStages() {
  if (parameters() == nullptr) {
    return true;
  }
  std::vector<StageShape> shapes;
  for (const Stage* stage : stages_) {
    StageShape& shape = shapes.emplace_back();
    shape.stage = stage;
    shape.from = stage->from;
    shape.base = stage->base;
    shape.base_text = stage->base_text;
    if (stage->base == nullptr && stage->context_spec.empty() && stage->base_name.find('@') != std::string::npos) {
      shape.image = stage->base_name;
    }
    for (const auto& [dependency, instruction] : stage->dependencies) {
      shape.dependencies.push_back(dependency);
    }
  }
  parameters()->OnStages(shapes, target_);
  return true;
}

std::vector<Stage*> Converter::Reachable() const {
  std::vector<Stage*> order;
  std::unordered_set<const Stage*> seen{target_};
  order.push_back(target_);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto add = [&](Stage* stage) {
      if (stage != nullptr && seen.insert(stage).second) {
        order.push_back(stage);
      }
    };
    add(order[i]->base);
    for (const auto& [stage, instruction] : order[i]->dependencies) {
      add(stage);
    }
  }
  return order;
}

}  // namespace loam::sema
