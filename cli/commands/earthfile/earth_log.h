// --logstream-debug-file and --logstream-debug-manifest-file: the log bus of a build, if one is asked for.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/earthfile/earth_flags.h"
#include "cli/logbus/log_bus.h"
#include "runtime-executor/gateway/earthfile/earthfile_build.h"

namespace loam::cli {

// Null if no flag asks for it.
Result<std::shared_ptr<logbus::LogBus>> OpenLogBus(const EarthSettings& settings,
                                                   const sema::earthfile::EvaluateOptions& options,
                                                   const std::vector<std::string>& engines,
                                                   const gateway::earthfile::EarthfileBuildReport& report);
// Of all these, `log` may be null.
std::function<void(std::string_view text)> TextSink(const std::shared_ptr<logbus::LogBus>& log);
// Events for both.
std::shared_ptr<solver::ProgressSink> WithLog(std::shared_ptr<solver::ProgressSink> display,
                                              const std::shared_ptr<logbus::LogBus>& log);
Result<> CloseLog(const std::shared_ptr<logbus::LogBus>& log, const EarthSettings& settings, const Result<>& built,
                  const gateway::earthfile::EarthfileBuildReport& report, const std::stop_token& stop);

}  // namespace loam::cli
