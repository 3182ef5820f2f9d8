#include "runtime-executor/daemon/log.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/strings.h"

namespace loam::daemon {
namespace {

std::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kTrace:
      return "trace";
  }
  return "info";
}

std::string Quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view name) {
  const std::string lower = ToLowerAscii(name);
  if (lower == "error" || lower == "fatal" || lower == "panic") {
    return LogLevel::kError;
  }
  if (lower == "warn" || lower == "warning") {
    return LogLevel::kWarning;
  }
  for (const LogLevel level : {LogLevel::kInfo, LogLevel::kDebug, LogLevel::kTrace}) {
    if (lower == NameOf(level)) {
      return level;
    }
  }
  return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("unknown log level `{}`", name))
                        .WithHint("levels are error, warn, info, debug and trace"));
}

void Log::Write(LogLevel level, std::string_view message, std::initializer_list<Field> fields) {
  if (level > level_) {
    return;
  }
  const std::string time = FormatRfc3339(SystemClock().Now());
  std::string line;
  if (json_) {
    nlohmann::ordered_json object{{"level", NameOf(level)}, {"msg", message}, {"time", time}};
    for (const auto& [name, value] : fields) {
      object[std::string(name)] = value;
    }
    line = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  } else {
    line = fmt::format("time=\"{}\" level={} msg={}", time, NameOf(level), Quoted(message));
    for (const auto& [name, value] : fields) {
      line += fmt::format(" {}={}", name, Quoted(value));
    }
  }
  line += '\n';
  const std::lock_guard lock(mutex_);
  // Where it goes may be gone; a daemon does not end for that.
  static_cast<void>(WriteAll(fd_, line, "log"));
}

}  // namespace loam::daemon
