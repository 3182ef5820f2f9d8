// A program that checks what it reads, and exits with 1 if it found something: ShellCheck.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::lint {

// Runs the installed program args[0] with `input` on its standard input and gives its standard output. kNotFound: it is
// not installed. `stop` kills it (kCanceled).
Result<std::string> RunChecker(const std::vector<std::string>& args, std::string_view input,
                               const std::stop_token& stop);

}  // namespace loam::lint
