// What `--call=outline` prints: the answer to BuildKit's `frontend.outline`, as text and as JSON.
#pragma once

#include <string>

#include "compiler/driver/outline.h"
#include "compiler/source/source_manager.h"

namespace loam::driver {

std::string OutlineText(const Outline& outline);
std::string OutlineJson(const Outline& outline, const source::Buffer& buffer);

}  // namespace loam::driver
