// Parses ONBUILD triggers for sema, which knows no parser.
#pragma once

#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/sema/dockerfile/convert.h"
#include "compiler/source/source_manager.h"

namespace loam::driver {

class DockerfileTriggerParser : public sema::TriggerParser {
 public:
  // `sources` outlives the parser.
  explicit DockerfileTriggerParser(source::SourceManager& sources) : sources_(&sources) {}

  const ast::Instruction* Parse(std::string_view text, diag::Emitter& emitter) override;

 private:
  source::SourceManager* sources_;
  std::vector<ast::Dockerfile> parsed_;
};

}  // namespace loam::driver
