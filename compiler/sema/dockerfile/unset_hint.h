// What to say when a word is wrong because a variable in it is not set.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/sema/dockerfile/environment.h"

namespace loam::sema {

// "`VERSON` is not set; did you mean `VERSION`?"; "" if all variables of `word` are set. `declared`: the names to
// choose from.
std::string UnsetVariableHint(std::string_view word, const Environment& env, char escape,
                              const std::vector<std::string_view>& declared);

}  // namespace loam::sema
