#include <array>

#include "cli/commands/verbs.h"

namespace loam::cli {

std::span<const Command* const> AllCommands() {
  static constexpr std::array<const Command*, 18> kCommands = {
      &kBuildCommand, &kRunCommand,     &kLsCommand,   &kDocCommand,     &kInitCommand,       &kExplainCommand,
      &kWhyCommand,   &kFmtCommand,     &kLintCommand, &kConvertCommand, &kLspCommand,        &kGraphCommand,
      &kImageCommand, &kCompileCommand, &kDuCommand,   &kPruneCommand,   &kCompletionCommand, &kVersionCommand,
  };
  return kCommands;
}

}  // namespace loam::cli
