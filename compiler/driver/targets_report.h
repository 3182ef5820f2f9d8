// What `--call=targets` prints: the answer to BuildKit's `frontend.targets`, as text and as JSON.
#pragma once

#include <string>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/source/source_manager.h"

namespace loam::driver {

std::string TargetsText(const ast::Dockerfile& file);
std::string TargetsJson(const ast::Dockerfile& file, const source::Buffer& buffer);

}  // namespace loam::driver
