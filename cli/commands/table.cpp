#include <array>

#include "cli/commands/verbs.h"

namespace loam::cli {

std::span<const Command* const> AllCommands() {
  static constexpr std::array<const Command*, 16> kCommands = {
      &kBuildCommand,   &kRunCommand,   &kLsCommand,         &kDocCommand,     &kInitCommand,  &kWhyCommand,
      &kCompileCommand, &kFmtCommand,   &kLintCommand,       &kLspCommand,     &kGraphCommand, &kImageCommand,
      &kDuCommand,      &kPruneCommand, &kCompletionCommand, &kVersionCommand,
  };
  return kCommands;
}

}  // namespace loam::cli
