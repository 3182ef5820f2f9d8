// Golden tests: what a stage makes of an input file is compared with the file beside it.
#pragma once

#include <functional>
#include <string>

#include "compiler/source/source_manager.h"

namespace loam::golden {

// What one input gives: expected file's ending (".tree") and text.
using Outputs = std::vector<std::pair<std::string, std::string>>;

// Runs `make` on every `*<input_ending>` file of `directory`, in the order of the names, and compares each output with
// the file of the input's name plus the output's ending. With `--update` among the arguments, or LOAM_UPDATE_GOLDEN=1
// in the environment, the expected files are written instead. Prints the first difference of each file; returns the
// exit code.
int RunGolden(int argc, char** argv, const std::string& directory, const std::string& input_ending,
              const std::function<Outputs(const source::SourceManager&, const source::Buffer&)>& make);

}  // namespace loam::golden
