// Every verb, one file each in this folder.
#pragma once

#include "cli/command.h"

namespace loam::cli {

extern const Command kBuildCommand;
extern const Command kCompileCommand;
extern const Command kConvertCommand;
extern const Command kDocCommand;
extern const Command kExplainCommand;
extern const Command kInitCommand;
extern const Command kLsCommand;
extern const Command kFmtCommand;
extern const Command kLintCommand;
extern const Command kLspCommand;
extern const Command kGraphCommand;
extern const Command kRunCommand;
extern const Command kImageCommand;
extern const Command kWhyCommand;
extern const Command kDuCommand;
extern const Command kPruneCommand;
extern const Command kCompletionCommand;
extern const Command kVersionCommand;

}  // namespace loam::cli
