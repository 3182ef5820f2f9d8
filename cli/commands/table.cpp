#include <array>

#include "cli/commands/verbs.h"

namespace loam::cli {

std::span<const Command* const> AllCommands() {
  static constexpr std::array<const Command*, 15> kCommands = {
      &kBuildCommand, &kRunCommand,     &kLsCommand,    &kDocCommand,        &kInitCommand,
      &kWhyCommand,   &kCompileCommand, &kFmtCommand,   &kLspCommand,        &kGraphCommand,
      &kImageCommand, &kDuCommand,      &kPruneCommand, &kCompletionCommand, &kVersionCommand,
  };
  return kCommands;
}

}  // namespace loam::cli
