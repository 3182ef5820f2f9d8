// What BuildKit does with heredocs after parsing.
#pragma once

#include <string>
#include <string_view>

namespace loam::ast {

// `content` without the tabs at the start of each line: the meaning of `<<-`.
std::string ChompHeredoc(std::string_view content);

}  // namespace loam::ast
