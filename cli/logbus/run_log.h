// RunLog: the course of a build as earthly's log bus records it: a manifest of targets and commands, and the changes
// ("deltas") that lead to it. Plain values; names, numbers and enums are those of earthly's logstream messages
// (RunManifest and Delta, version 2).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/logbus/record.h"

namespace loam::cli::logbus {

enum class RunStatus : std::uint8_t { kUnknown, kNotStarted, kInProgress, kSuccess, kFailure, kCanceled };

enum class FailureType : std::uint8_t {
  kUnknown,
  kOther,
  kNonzeroExit,
  kFileNotFound,
  kSyntax,
  kOomKilled,
  kBuildkitCrashed,
  kConnectionFailure,
  kNeedsPrivileged,
  kGit,
  kRateLimited,
  kInvalidParam,
  kAutoSkip,
};

struct Failure {
  FailureType type = FailureType::kUnknown;
  std::string target_id;
  std::string command_id;
  std::string error_message;
  std::string help_message;
  std::string output;  // the end of what the command printed
};

struct Place {
  std::string file;
  std::int32_t start_line = 0, start_column = 0, end_line = 0, end_column = 0;
};

struct Need {
  std::string target_id;
  std::string referenced_name;
};

// Also a change: what is set (times not 0, texts not empty, …) replaces what was there, lists add up.
struct TargetLog {
  std::string name;
  std::string canonical_name;
  std::vector<std::string> override_args;
  std::string git_url;
  std::string local_path;
  std::string tag;
  std::string import_ref;
  std::string initial_platform;
  std::string final_platform;
  std::string runner;
  RunStatus status = RunStatus::kUnknown;
  std::uint64_t started = 0;  // nanoseconds since 1970, as all times here
  std::uint64_t ended = 0;
  std::vector<std::string> depends_on;
};

struct CommandLog {
  std::string name;
  std::string target_id;  // empty: of no target
  std::string category;   // the target's name; of other commands, what they are for
  std::string platform;
  RunStatus status = RunStatus::kUnknown;
  std::optional<bool> cached;
  std::optional<bool> local;
  std::optional<bool> interactive;
  std::uint64_t started = 0;
  std::uint64_t ended = 0;
  std::optional<std::int32_t> progress;  // percent
  std::string error_message;
  std::optional<Place> place;
  std::vector<Need> depends_on;
};

struct RunChange {
  std::string main_target_id;
  RunStatus status = RunStatus::kUnknown;
  std::uint64_t started = 0;
  std::uint64_t ended = 0;
  std::optional<Failure> failure;
  bool is_ci = false;
  std::map<std::string, TargetLog> targets;
  std::map<std::string, CommandLog> commands;
};

struct Manifest {
  std::string build_id;
  std::uint64_t created = 0;
  RunChange state;
};

void Apply(RunChange& state, const RunChange& change);

// Messages.
Record ManifestRecord(const Manifest& manifest);
Record DeltaRecord(const RunChange& change);
// Bytes that a command printed, and a piece of the display ("_full": of all of it).
Record LogDelta(const std::string& target_id, const std::string& command_id, int stream, std::uint64_t time,
                std::string_view data);
Record FormattedDelta(const std::string& target_id, std::uint64_t time, std::string_view data);

}  // namespace loam::cli::logbus
