#include "cli/logbus/run_log.h"

#include <array>

namespace loam::cli::logbus {
namespace {

using Members = Record::Members;

constexpr std::int32_t kVersion = 2;

constexpr std::array<std::string_view, 6> kStatusLabels = {"RUN_STATUS_UNKNOWN",     "RUN_STATUS_NOT_STARTED",
                                                           "RUN_STATUS_IN_PROGRESS", "RUN_STATUS_SUCCESS",
                                                           "RUN_STATUS_FAILURE",     "RUN_STATUS_CANCELED"};
constexpr std::array<std::string_view, 13> kFailureLabels = {
    "FAILURE_TYPE_UNKNOWN",          "FAILURE_TYPE_OTHER",
    "FAILURE_TYPE_NONZERO_EXIT",     "FAILURE_TYPE_FILE_NOT_FOUND",
    "FAILURE_TYPE_SYNTAX",           "FAILURE_TYPE_OOM_KILLED",
    "FAILURE_TYPE_BUILDKIT_CRASHED", "FAILURE_TYPE_CONNECTION_FAILURE",
    "FAILURE_TYPE_NEEDS_PRIVILEGED", "FAILURE_TYPE_GIT",
    "FAILURE_TYPE_RATE_LIMITED",     "FAILURE_TYPE_INVALID_PARAM",
    "FAILURE_TYPE_AUTO_SKIP"};

void AddStatus(Record& record, std::uint32_t number, RunStatus status) {
  const auto index = static_cast<std::size_t>(status);
  record.Enum(number, "status", static_cast<int>(index), kStatusLabels[index]);
}

Record FailureRecord(const Failure& failure, Members members) {
  Record record(members);
  const auto type = static_cast<std::size_t>(failure.type);
  record.Enum(1, "type", static_cast<int>(type), kFailureLabels[type])
      .Text(2, "targetId", failure.target_id)
      .Text(3, "commandId", failure.command_id)
      .Text(4, "errorMessage", failure.error_message)
      .Bytes(5, "output", failure.output)
      .Text(6, "helpMessage", failure.help_message);
  return record;
}

std::optional<Record> PlaceRecord(const std::optional<Place>& place, Members members) {
  if (!place) {
    return std::nullopt;
  }
  Record record(members);
  record.Text(1, "repositoryUrl", {})
      .Text(2, "file", place->file)
      .Number(3, "startLine", place->start_line)
      .Number(4, "startColumn", place->start_column)
      .Number(5, "endLine", place->end_line)
      .Number(6, "endColumn", place->end_column)
      .Text(7, "repositoryHash", {});
  return record;
}

// The same fields in the manifest and in its changes.
Record TargetRecord(const TargetLog& target, Members members) {
  Record record(members);
  record.Text(1, "name", target.name)
      .Text(2, "canonicalName", target.canonical_name)
      .Texts(3, "overrideArgs", target.override_args)
      .Text(4, "initialPlatform", target.initial_platform);
  AddStatus(record, 5, target.status);
  record.Number64(6, "startedAtUnixNanos", target.started)
      .Number64(7, "endedAtUnixNanos", target.ended)
      .Text(8, "finalPlatform", target.final_platform)
      .Text(9, "runner", target.runner)
      .Text(10, "gitUrl", target.git_url)
      .Text(11, "localPath", target.local_path)
      .Text(12, "tag", target.tag)
      .Text(13, "importRef", target.import_ref)
      .Texts(14, "dependsOn", target.depends_on);
  return record;
}

std::vector<Record> NeedRecords(const std::vector<Need>& needs, Members members) {
  std::vector<Record> records;
  for (const Need& need : needs) {
    records.push_back(
        Record(members).Text(1, "targetId", need.target_id).Text(2, "referencedName", need.referenced_name));
  }
  return records;
}

Record CommandRecord(const CommandLog& command) {
  constexpr Members kAll = Members::kAll;
  Record record(kAll);
  record.Text(1, "name", command.name);
  AddStatus(record, 2, command.status);
  record.Bool(3, "isCached", command.cached.value_or(false))
      .Bool(5, "isLocal", command.local.value_or(false))
      .Number64(6, "startedAtUnixNanos", command.started)
      .Number64(7, "endedAtUnixNanos", command.ended)
      .Bool(8, "hasProgress", command.progress.has_value())
      .Number(9, "progress", command.progress.value_or(0))
      .Text(10, "errorMessage", command.error_message)
      .Message(11, "sourceLocation", PlaceRecord(command.place, kAll))
      .Text(12, "targetId", command.target_id)
      .Text(13, "platform", command.platform)
      .Text(14, "category", command.category)
      .Bool(15, "isInteractive", command.interactive.value_or(false))
      .Messages(16, "dependsOn", NeedRecords(command.depends_on, kAll));
  return record;
}

Record CommandChangeRecord(const CommandLog& change) {
  constexpr Members kSet = Members::kSet;
  Record record(kSet);
  record.Text(1, "name", change.name);
  AddStatus(record, 2, change.status);
  record.Bool(3, "hasCached", change.cached.has_value())
      .Bool(4, "isCached", change.cached.value_or(false))
      .Bool(7, "hasLocal", change.local.has_value())
      .Bool(8, "isLocal", change.local.value_or(false))
      .Number64(9, "startedAtUnixNanos", change.started)
      .Number64(10, "endedAtUnixNanos", change.ended)
      .Bool(11, "hasHasProgress", change.progress.has_value())
      .Bool(12, "hasProgress", change.progress.has_value())
      .Number(13, "progress", change.progress.value_or(0))
      .Text(14, "errorMessage", change.error_message)
      .Message(15, "sourceLocation", PlaceRecord(change.place, kSet))
      .Bool(16, "hasSourceLocation", change.place.has_value())
      .Text(17, "targetId", change.target_id)
      .Text(18, "platform", change.platform)
      .Text(19, "category", change.category)
      .Bool(20, "hasInteractive", change.interactive.has_value())
      .Bool(21, "isInteractive", change.interactive.value_or(false))
      .Messages(22, "dependsOn", NeedRecords(change.depends_on, kSet));
  return record;
}

template <class Log, class Make>
std::map<std::string, Record> Records(const std::map<std::string, Log>& logs, const Make& make) {
  std::map<std::string, Record> records;
  for (const auto& [id, log] : logs) {
    records.emplace(id, make(log));
  }
  return records;
}

void Set(std::string& into, const std::string& value) {
  if (!value.empty()) {
    into = value;
  }
}
void Set(std::uint64_t& into, std::uint64_t value) {
  if (value != 0) {
    into = value;
  }
}
void Set(RunStatus& into, RunStatus value) {
  if (value != RunStatus::kUnknown) {
    into = value;
  }
}
template <class T>
void Set(std::optional<T>& into, const std::optional<T>& value) {
  if (value) {
    into = value;
  }
}

void Apply(TargetLog& state, const TargetLog& change) {
  Set(state.name, change.name);
  Set(state.canonical_name, change.canonical_name);
  if (!change.override_args.empty()) {
    state.override_args = change.override_args;
  }
  Set(state.git_url, change.git_url);
  Set(state.local_path, change.local_path);
  Set(state.tag, change.tag);
  Set(state.import_ref, change.import_ref);
  Set(state.initial_platform, change.initial_platform);
  Set(state.final_platform, change.final_platform);
  Set(state.runner, change.runner);
  Set(state.status, change.status);
  Set(state.started, change.started);
  Set(state.ended, change.ended);
  state.depends_on.insert(state.depends_on.end(), change.depends_on.begin(), change.depends_on.end());
}

void Apply(CommandLog& state, const CommandLog& change) {
  Set(state.name, change.name);
  Set(state.target_id, change.target_id);
  Set(state.category, change.category);
  Set(state.platform, change.platform);
  Set(state.status, change.status);
  Set(state.cached, change.cached);
  Set(state.local, change.local);
  Set(state.interactive, change.interactive);
  Set(state.started, change.started);
  Set(state.ended, change.ended);
  Set(state.progress, change.progress);
  Set(state.error_message, change.error_message);
  Set(state.place, change.place);
  state.depends_on.insert(state.depends_on.end(), change.depends_on.begin(), change.depends_on.end());
}

}  // namespace

void Apply(RunChange& state, const RunChange& change) {
  Set(state.main_target_id, change.main_target_id);
  Set(state.status, change.status);
  Set(state.started, change.started);
  Set(state.ended, change.ended);
  Set(state.failure, change.failure);
  state.is_ci = state.is_ci || change.is_ci;
  for (const auto& [id, target] : change.targets) {
    Apply(state.targets[id], target);
  }
  for (const auto& [id, command] : change.commands) {
    Apply(state.commands[id], command);
  }
}

Record ManifestRecord(const Manifest& manifest) {
  constexpr Members kAll = Members::kAll;
  const RunChange& state = manifest.state;
  Record record(kAll);
  record.Text(1, "buildId", manifest.build_id)
      .Number(2, "version", kVersion)
      .Number64(3, "createdAtUnixNanos", manifest.created)
      .Number64(4, "startedAtUnixNanos", state.started)
      .Number64(5, "endedAtUnixNanos", state.ended);
  AddStatus(record, 6, state.status);
  const auto targets =
      Records(state.targets, [](const TargetLog& target) { return TargetRecord(target, Members::kAll); });
  record.Map(7, "targets", targets)
      .Text(8, "mainTargetId", state.main_target_id)
      .Message(9, "failure",
               state.failure ? std::optional(FailureRecord(*state.failure, kAll)) : std::optional<Record>())
      .Text(10, "userId", {})
      .Text(11, "orgId", {})
      .Text(12, "projectId", {})
      .Map(13, "commands", Records(state.commands, CommandRecord))
      .Text(14, "orgName", {})
      .Text(15, "projectName", {})
      .Text(16, "resumeToken", {})
      .Bool(17, "isCi", state.is_ci)
      .Text(18, "gitConfigEmail", {})
      .Text(19, "gitAuthor", {});
  return record;
}

Record DeltaRecord(const RunChange& change) {
  constexpr Members kSet = Members::kSet;
  Record fields(kSet);
  fields.Number64(1, "startedAtUnixNanos", change.started).Number64(2, "endedAtUnixNanos", change.ended);
  AddStatus(fields, 3, change.status);
  const auto targets =
      Records(change.targets, [](const TargetLog& target) { return TargetRecord(target, Members::kSet); });
  fields
      .Message(4, "failure",
               change.failure ? std::optional(FailureRecord(*change.failure, kSet)) : std::optional<Record>())
      .Map(5, "targets", targets)
      .Bool(6, "hasFailure", change.failure.has_value())
      .Map(7, "commands", Records(change.commands, CommandChangeRecord))
      .Text(8, "mainTargetId", change.main_target_id)
      .Bool(9, "isCi", change.is_ci);
  Record manifest(kSet);
  manifest.Message(2, "fields", fields);
  Record delta(kSet);
  delta.Message(2, "deltaManifest", manifest);
  return delta;
}

Record LogDelta(const std::string& target_id, const std::string& command_id, int stream, std::uint64_t time,
                std::string_view data) {
  constexpr Members kSet = Members::kSet;
  Record log(kSet);
  log.Text(1, "targetId", target_id)
      .Text(2, "commandId", command_id)
      .Number(3, "stream", stream)
      .Number64(4, "timestampUnixNanos", time)
      .Bytes(5, "data", data);
  Record delta(kSet);
  delta.Message(3, "deltaLog", log);
  return delta;
}

Record FormattedDelta(const std::string& target_id, std::uint64_t time, std::string_view data) {
  constexpr Members kSet = Members::kSet;
  Record log(kSet);
  log.Text(1, "targetId", target_id).Number64(2, "timestampUnixNanos", time).Bytes(3, "data", data);
  Record delta(kSet);
  delta.Message(4, "deltaFormattedLog", log);
  return delta;
}

}  // namespace loam::cli::logbus
