// Dockerfile -> Earthfile, stage by stage: a stage becomes a target whose filesystem and image config are the same. A
// stage with an instruction that has no exact counterpart stays where it is: its target is a FROM DOCKERFILE --target,
// and a warning says which instruction it was.
//
// Taken for granted, since the file does not tell: base images run as root, have no ONBUILD triggers, and set no
// variable that an ARG of the file is named after.
#pragma once

#include <cstddef>
#include <string>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/source/source_manager.h"

namespace loam::convert {

struct ToEarthfileOptions {
  // Path of the Dockerfile from the directory of the Earthfile, which is the build context.
  std::string dockerfile = "Dockerfile";
  // What SAVE IMAGE of the last stage names; "" for no SAVE IMAGE.
  std::string image;
};

struct ToEarthfileResult {
  std::string text;
  std::size_t stages = 0;
  std::size_t kept = 0;  // as FROM DOCKERFILE
};

// `file` is without errors, and stands in `buffer`. Warnings go to `emitter`.
ToEarthfileResult ToEarthfile(const ast::Dockerfile& file, const source::Buffer& buffer,
                              const ToEarthfileOptions& options, diag::Emitter& emitter);

}  // namespace loam::convert
