// Syntax tree -> typed tree of a Dockerfile.
#pragma once

#include <memory>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/source/source_manager.h"

namespace loam::ast {

struct BuildOptions {
  // The text is an ONBUILD trigger out of an image config: instructions without a FROM are no error, and belong to no
  // stage.
  bool trigger = false;
};

// Total: always returns a tree; what is wrong was reported to `emitter`. `buffer` is the one `tree` was parsed from and
// outlives the result.
Dockerfile BuildDockerfile(std::shared_ptr<syntax::Tree> tree, const source::Buffer& buffer, diag::Emitter& emitter,
                           const BuildOptions& options = {});

}  // namespace loam::ast
