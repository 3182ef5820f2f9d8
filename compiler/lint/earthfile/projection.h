// What hadolint's rules and ShellCheck say of the RUNs of an Earthfile: each recipe is written as a Dockerfile of one
// stage, which knows for each of its bytes where it comes from, and what is found there is brought back.
#pragma once

#include <vector>

#include "base/result.h"
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

// hadolint's rules about commands that RUN starts, WORKDIR and EXPOSE. Recipes with LOCALLY are left out.
std::vector<Warning> CheckCommands(const FileView& file);
Result<std::vector<Warning>> CheckScripts(const FileView& file, const RunProgram& run);

}  // namespace loam::lint::earthfile
