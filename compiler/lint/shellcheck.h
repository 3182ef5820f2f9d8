// ShellCheck over the scripts of RUN, by the program of that name. Its findings get their places in the Dockerfile.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/ast/dockerfile/ast.h"
#include "compiler/lint/warning.h"
#include "compiler/sema/dockerfile/check_options.h"
#include "compiler/source/source_manager.h"

namespace loam::lint {

// Runs a program with `input` on its standard input and gives its standard output. kNotFound: it is not installed.
using RunProgram = std::function<Result<std::string>(const std::vector<std::string>& args, std::string_view input)>;
// The program of this machine.
Result<std::string> RunInstalledProgram(const std::vector<std::string>& args, std::string_view input);

// One warning for each finding, its rule named "SC2086", in the order of the file. Scripts for shells that are no
// POSIX shells, and exec forms, are left out; so are SC1090, SC1091 and SC2187, which say nothing in a build.
Result<std::vector<Warning>> CheckShell(const ast::Dockerfile& file, const source::Buffer& buffer,
                                        const sema::CheckOptions& checks, const RunProgram& run);

}  // namespace loam::lint
