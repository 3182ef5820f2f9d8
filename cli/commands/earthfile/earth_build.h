// Building targets of Earthfiles: what `loam build +target`, `loam +target` and `loam earthly +target` have in common.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/commands/earthfile/earth_flags.h"

namespace loam::cli {

// Whose exit codes and words are used.
enum class EarthDialect : std::uint8_t { kLoam, kEarthly };

// kExplain: only say what would be done (`loam explain +target`).
enum class EarthAction : std::uint8_t { kBuild, kExplain };

// `words`: the reference, --artifact's destination and `--NAME=value` in any order. Reads .env, .arg, .secret and the
// configuration.
Exit BuildEarthTarget(Context& context, EarthSettings settings, const std::vector<std::string>& words,
                      EarthDialect dialect, EarthAction action = EarthAction::kBuild);

// PrintError in the dialect's words: "error: …" or "Error: …".
void PrintEarthError(const Context& context, const Error& error, EarthDialect dialect);

// "loam", for messages that show a command line.
std::string_view ProgramOf(EarthDialect dialect);

}  // namespace loam::cli
