// The programs beside loam, into which some of its verbs turn: with what only those verbs need linked, the others start
// faster and stay smaller.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::cli {

// The path of this program.
Result<std::string> PathOfSelf();
// The arguments of this process, its name included.
Result<std::vector<std::string>> CommandLineOfSelf();

// Becomes the program `name`, which lies beside this one or in ../libexec/loam, with `arguments` (the first is what it
// is called). Returns only if it cannot be started; `purpose` is then in the error: "talks to remote engines".
Error BecomeProgramBeside(std::string_view name, std::string_view purpose, std::vector<std::string> arguments);

}  // namespace loam::cli
