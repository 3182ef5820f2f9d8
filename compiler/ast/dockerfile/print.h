// The typed tree as text and as JSON, for people, tests and `--emit=ast`.
#pragma once

#include <string>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/source/source_manager.h"

namespace loam::ast {

// One line an instruction, its parts indented below it, ranges as line:column.
std::string PrintText(const Dockerfile& dockerfile, const source::Buffer& buffer);
// Two spaces of indentation, ends with a line feed.
std::string PrintJson(const Dockerfile& dockerfile, const source::Buffer& buffer);

}  // namespace loam::ast
