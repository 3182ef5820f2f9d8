// The daemon's messages on standard error, a line each, as text or JSON.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace loam::daemon {

enum class LogLevel : std::uint8_t { kError, kWarning, kInfo, kDebug, kTrace };

// "panic", "fatal", "error", "warn", "warning", "info", "debug", "trace" in any case.
Result<LogLevel> ParseLogLevel(std::string_view name);

// Thread-safe.
class Log {
 public:
  using Field = std::pair<std::string_view, std::string_view>;

  Log(LogLevel level, bool json, int fd = 2) : level_(level), json_(json), fd_(fd) {}

  void Error(std::string_view message, std::initializer_list<Field> fields = {}) {
    Write(LogLevel::kError, message, fields);
  }
  void Warning(std::string_view message, std::initializer_list<Field> fields = {}) {
    Write(LogLevel::kWarning, message, fields);
  }
  void Info(std::string_view message, std::initializer_list<Field> fields = {}) {
    Write(LogLevel::kInfo, message, fields);
  }
  void Debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    Write(LogLevel::kDebug, message, fields);
  }

 private:
  void Write(LogLevel level, std::string_view message, std::initializer_list<Field> fields);

  const LogLevel level_;
  const bool json_;
  const int fd_;
  std::mutex mutex_;  // lines do not mix
};

}  // namespace loam::daemon
