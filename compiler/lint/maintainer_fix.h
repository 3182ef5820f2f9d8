// The fix of `MAINTAINER name`.
#pragma once

#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/lint/warning.h"

namespace loam::lint {

// `LABEL org.opencontainers.image.authors="name"`: the image loses its `author` and gets a label.
std::vector<Fix> MaintainerFixes(const ast::Maintainer& maintainer);

}  // namespace loam::lint
