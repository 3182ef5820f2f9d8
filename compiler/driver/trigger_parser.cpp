#include "compiler/driver/trigger_parser.h"

#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/parse/parse.h"

namespace loam::driver {

const ast::Instruction* DockerfileTriggerParser::Parse(std::string_view text, diag::Emitter& emitter) {
  const auto buffer = sources_->AddText("<ONBUILD>", std::string(text));
  if (!buffer) {
    return nullptr;
  }
  const std::size_t errors = emitter.error_count();
  parse::ParseResult parsed = parse::ParseDockerfile(**buffer, emitter);
  parsed_.push_back(ast::BuildDockerfile(std::move(parsed.tree), **buffer, emitter, {.trigger = true}));
  const ast::Dockerfile& file = parsed_.back();
  if (emitter.error_count() != errors || file.instructions.size() != 1 || file.instructions.front()->invalid) {
    return nullptr;
  }
  return file.instructions.front();
}

}  // namespace loam::driver
