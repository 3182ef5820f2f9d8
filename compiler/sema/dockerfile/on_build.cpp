// ONBUILD: recording triggers, and running those of the base.
#include "compiler/sema/dockerfile/converter.h"

namespace loam::sema {

bool Converter::DoOnbuild(Stage& stage, const ast::Onbuild& onbuild) {
  stage.image.on_build.push_back(onbuild.expression);
  return true;
}

bool Converter::AddTriggers(Stage& stage, bool& new_dependencies) {
  // The triggers of an image were read with its config; those of a stage are its ONBUILD instructions.
  std::vector<std::string_view> triggers;
  if (stage.base == nullptr) {
    triggers = std::move(stage.image.on_build);
    stage.image.on_build.clear();
  } else if (!stage.on_build_done) {
    stage.on_build_done = true;
    for (const Command& command : stage.base->commands) {
      if (const auto* onbuild = ast::As<ast::Onbuild>(command.instruction)) {
        triggers.push_back(onbuild->expression);
      }
    }
  }
  if (triggers.empty()) {
    return true;
  }
  std::vector<Command> commands;
  for (const std::string_view trigger : triggers) {
    const std::size_t errors = emitter_.error_count();
    const ast::Instruction* instruction = input_.triggers->Parse(trigger, emitter_);
    const auto where = stage.base_text.present() ? stage.base_text.range : source::SourceRange();
    if (instruction == nullptr || instruction->kind == ast::InstructionKind::kFrom) {
      if (emitter_.error_count() == errors) {
        emitter_.Emit<Kind::kBadTrigger>(where, trigger, "it has to be one instruction, and not FROM");
      }
      return false;
    }
    Command command;
    if (!MakeCommand(instruction, command)) {
      return false;
    }
    command.on_build = true;
    command.lines = stage.lines;
    new_dependencies = new_dependencies || !command.sources.empty();
    AddDependencies(stage, command);
    commands.push_back(std::move(command));
  }
  stage.command_total += static_cast<int>(commands.size());
  stage.commands.insert(stage.commands.begin(), std::make_move_iterator(commands.begin()),
                        std::make_move_iterator(commands.end()));
  return true;
}

}  // namespace loam::sema
